/* SPDX-License-Identifier: MIT */
#include "open_files.h"

#include <errno.h>

#include <utlist.h>

#include "base/clock.h"
#include "vfs/notify.h"
#include "vfs/tree/last_attrs.h"

enum { OPENED_MS = 1000 };

void open_files_remove(struct vfs *vfs, struct node *n, struct handle *h)
{
    lock_take(&vfs->lock);
    DL_DELETE2(n->open_files, h, before, behind);
    lock_drop(&vfs->lock);
}

struct remote_file *open_files_with(struct vfs *vfs, struct node *n, bool reads, bool writes)
{
    struct remote_file *found = NULL;
    struct handle *h;
    lock_take(&vfs->lock);
    DL_FOREACH2(n->open_files, h, behind)
    {
        if (!found && (h->reads || !reads) && (h->writes || !writes))
            found = remote_file_ref(h->file);
    }
    lock_drop(&vfs->lock);
    return found;
}

struct remote_file *open_files_any(struct vfs *vfs, struct node *n)
{
    return open_files_with(vfs, n, false, false);
}

int open_files_look(struct request *rq, struct node *n, struct sftp_attrs *ret, bool *ret_named)
{
    struct remote_file *file = open_files_any(rq->vfs, n);
    if (!file)
        return -ENODATA;
    int r = remote_file_look(file, &rq->wait, ret, ret_named);
    remote_file_free(file);
    lock_take(&rq->vfs->lock);
    if (!*ret_named) /* that belongs to another file */
        node_lose_name(rq->vfs, n);
    lock_drop(&rq->vfs->lock);
    return r;
}

static void check_name(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    if (n->open_files && remote_file_is_nameless(n->open_files->file))
        node_lose_name(vfs, n);
}

void open_files_check_name(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    check_name(vfs, n);
    lock_drop(&vfs->lock);
}

int open_files_add(struct vfs *vfs, struct node *n, struct handle *h)
{
    const uint64_t size = remote_file_opened_as(h->file)->size;
    const struct handle *other;
    bool same = true;
    lock_take(&vfs->opening);
    lock_take(&vfs->lock);
    const bool first = !n->open_files;
    DL_FOREACH2(n->open_files, other, behind)
    {
        same &= remote_file_is(other->file, h->file);
    }
    if (same)
        DL_APPEND2(n->open_files, h, before, behind);
    check_name(vfs, n);
    lock_drop(&vfs->lock);
    if (same && (first || !last_attrs_size_is(vfs, n, size)))
        notify_attributes(vfs, n);
    lock_drop(&vfs->opening);
    return same ? 0 : -ESTALE;
}

bool open_files_as_opened(struct request *rq, struct node *n, struct sftp_attrs *ret,
                          int64_t *ret_true_at)
{
    const int64_t after = clock_ms() - (cache_ms(rq) < OPENED_MS ? cache_ms(rq) : OPENED_MS);
    lock_take(&rq->vfs->lock);
    const struct handle *h = n->in_table ? n->open_files : NULL;
    bool fresh = h && h->opened_at > after && remote_file_is_as_opened(h->file);
    if (fresh) {
        *ret = *remote_file_opened_as(h->file);
        *ret_true_at = h->opened_at;
    }
    lock_drop(&rq->vfs->lock);
    return fresh;
}

void open_files_adopt(struct vfs *vfs, struct node *n, struct handle *h)
{
    lock_take(&vfs->lock);
    DL_APPEND2(n->open_files, h, before, behind);
    lock_drop(&vfs->lock);
}
