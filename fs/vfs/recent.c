/* SPDX-License-Identifier: MIT */
#define HASH_FUNCTION(key, n, hash) ((hash) = hash_id(key))
#define HASH_KEYCMP(a, b, n) (!is_same((a), (b)))

#include "recent.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "vfs/node/node.h"

/* How long a thing is remembered, in milliseconds. */
static const int64_t lasts_ms[] = {
    [RECENT_REMOVED_LINE] = 10000, [RECENT_HIDDEN] = 10000,  [RECENT_MADE] = 2000,
    [RECENT_WRITTEN] = 5000,       [RECENT_READ] = 10000,    [RECENT_REMOVED_VMX] = 10000,
    [RECENT_STALE] = 1000,         [RECENT_REFUSED] = 60000, [RECENT_EMPTYING] = 10000,
    [RECENT_KNOWN] = 60000,
};

struct recent_id {
    enum recent_kind kind;
    struct node *node; /* NULL: the name is a path */
    struct span name;
};

struct recent {
    struct recent_id id;
    struct recent_detail detail;
    int64_t until; /* clock_ms() */
    size_t bytes;  /* that it takes */
    UT_hash_handle hh;
    char name[];
};

static unsigned hash_id(const struct recent_id *id)
{
    return span_hash_fold(id->name) + (unsigned)id->kind +
           (unsigned)((uintptr_t)id->node >> 4) * 31;
}

static bool is_same(const struct recent_id *a, const struct recent_id *b)
{
    return a->kind == b->kind && a->node == b->node &&
           (a->node ? span_eq_fold(a->name, b->name) : span_eq(a->name, b->name));
}

static void detail_done(struct recent_detail *detail)
{
    vmx_place_done(&detail->place);
    buf_done(&detail->rest);
}

static void drop(struct vfs *vfs, struct recent *item) REQUIRES(vfs->lock)
{
    if (item->hh.tbl)
        HASH_DEL(vfs->recent, item);
    vfs->recent_bytes -= item->bytes;
    if (item->id.node)
        node_unref_locked(vfs, item->id.node);
    detail_done(&item->detail);
    free(item);
}

static void drop_oldest(struct vfs *vfs) REQUIRES(vfs->lock)
{
    struct recent *oldest;
    while ((oldest = vfs->recent) && (oldest->until <= clock_ms() ||
                                      (vfs->recent_bytes > RECENT_BYTES_MAX && oldest->hh.next)))
        drop(vfs, oldest);
}

static struct recent *find_item(struct vfs *vfs, const struct recent_id *id) REQUIRES(vfs->lock)
{
    struct recent *item;
    HASH_FIND(hh, vfs->recent, id, sizeof(*id), item);
    return item;
}

/* One that is not in the list yet, though counted. NULL: no memory. */
static struct recent *make(struct vfs *vfs, const struct recent_id *id,
                           const struct recent_detail *detail) REQUIRES(vfs->lock)
{
    struct recent *item = calloc(1, sizeof(*item) + id->name.n);
    if (!item)
        return NULL;
    if (id->name.n > 0)
        memcpy(item->name, id->name.p, id->name.n);
    item->id = *id;
    item->id.name.p = item->name;
    item->detail = *detail;
    item->until = clock_ms() + lasts_ms[id->kind];
    item->bytes = sizeof(*item) + id->name.n + detail->place.line.cap +
                  detail->place.predecessor.cap + detail->rest.cap;
    vfs->recent_bytes += item->bytes;
    if (id->node)
        id->node->refs++;
    return item;
}

void recent_note(struct vfs *vfs, enum recent_kind kind, struct node *n, struct span name,
                 struct recent_detail detail)
{
    struct recent *item = make(vfs, &(struct recent_id){kind, n, name}, &detail);
    if (!item) {
        detail_done(&detail);
        return;
    }
    recent_forget(vfs, kind, n, name);
    HASH_ADD(hh, vfs->recent, id, sizeof(item->id), item);
    if (!item->hh.tbl)
        drop(vfs, item);
    drop_oldest(vfs);
}

const struct recent_detail *recent_find(struct vfs *vfs, enum recent_kind kind, struct node *n,
                                        struct span name)
{
    drop_oldest(vfs);
    const struct recent *item = find_item(vfs, &(struct recent_id){kind, n, name});
    return item && item->until > clock_ms() ? &item->detail : NULL;
}

bool recent_is(struct vfs *vfs, enum recent_kind kind, struct node *n, struct span name)
{
    lock_take(&vfs->lock);
    bool is = recent_find(vfs, kind, n, name) != NULL;
    lock_drop(&vfs->lock);
    return is;
}

void recent_set(struct vfs *vfs, enum recent_kind kind, struct node *n, struct span name)
{
    lock_take(&vfs->lock);
    recent_note(vfs, kind, n, name, (struct recent_detail){0});
    lock_drop(&vfs->lock);
}

void recent_forget(struct vfs *vfs, enum recent_kind kind, struct node *n, struct span name)
{
    struct recent *item = find_item(vfs, &(struct recent_id){kind, n, name});
    if (item)
        drop(vfs, item);
}

void recent_forget_all(struct vfs *vfs)
{
    lock_take(&vfs->lock);
    while (vfs->recent)
        drop(vfs, vfs->recent);
    lock_drop(&vfs->lock);
}
