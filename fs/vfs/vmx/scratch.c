/* SPDX-License-Identifier: MIT */
/*
 * Scratch files: what editors put beside the file that they edit. They live in memory only,
 * bounded, and never reach a .vmx; what is renamed from one onto a key is that key's one set.
 */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "text_draft.h"
#include "vfs/node/attr.h"
#include "vfs/node/dir_names.h"
#include "vfs/node/node_path.h"
#include "vfs/refuse.h"

/* Every file counts for SCRATCH_COST bytes beside its own, so that their number is bounded, too. */
enum { SCRATCH_BYTES_MAX = 64 << 20, SCRATCH_COST = 32 << 10, SCRATCH_NAME_MAX = 255 };

bool scratch_is_name(const char *name)
{
    static const char *const patterns[] = {".*.sw?", ".*.sw?x", "4913", "*~", "#*#", ".#*"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        if (fnmatch(patterns[i], name, 0) == 0)
            return true;
    }
    return false;
}

bool scratch_is_create(mode_t mode, int flags)
{
    return (mode & 0777) == 0600 && (flags & O_ACCMODE) == O_RDWR && flags & O_EXCL;
}

static struct scratch *find(struct vfs *vfs, struct node *dir, const char *name) REQUIRES(vfs->lock)
{
    (void)vfs;
    struct scratch *s = NULL;
    DL_FOREACH (dir->scratches, s) {
        if (!s->removed && strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static struct scratch *find_removed(struct vfs *vfs, const struct node *n) REQUIRES(vfs->lock)
{
    (void)vfs;
    struct scratch *s = NULL;
    DL_FOREACH (n->parent->scratches, s) {
        if (s->removed == n)
            return s;
    }
    return NULL;
}

/* The scratch file of a node, which may have been removed since it was opened. NULL: it is gone. */
static struct scratch *of_node(struct vfs *vfs, const struct node *n) REQUIRES(vfs->lock)
{
    struct scratch *s = find_removed(vfs, n);
    return s || !n->in_table ? s : find(vfs, n->parent, n->name);
}

static void free_scratch(struct vfs *vfs, struct scratch *s) REQUIRES(vfs->lock)
{
    vfs->scratch_bytes -= s->bytes.len + SCRATCH_COST;
    buf_done(&s->bytes);
    free(s);
}

static void drop(struct vfs *vfs, struct node *dir, struct scratch *s) REQUIRES(vfs->lock)
{
    DL_DELETE(dir->scratches, s);
    free_scratch(vfs, s);
    dir->refs--; /* the caller holds another one */
}

void scratches_free(struct vfs *vfs, struct node *dir)
{
    struct scratch *s;
    struct scratch *next;
    DL_FOREACH_SAFE(dir->scratches, s, next) free_scratch(vfs, s);
}

void scratches_remove(struct vfs *vfs, struct node *dir)
{
    lock_take(&vfs->lock);
    while (dir->scratches)
        drop(vfs, dir, dir->scratches);
    lock_drop(&vfs->lock);
}

/* 0, -ENAMETOOLONG, -ENOSPC, -ENOMEM. */
static int add(struct vfs *vfs, struct node *dir, const char *name, struct scratch **ret)
    REQUIRES(vfs->lock)
{
    if (strlen(name) > SCRATCH_NAME_MAX)
        return -ENAMETOOLONG;
    if (vfs->scratch_bytes + SCRATCH_COST > SCRATCH_BYTES_MAX)
        return -ENOSPC;
    struct scratch *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    memcpy(s->name, name, strlen(name) + 1);
    s->mode = 0600;
    s->changed_s = clock_wall_s();
    DL_APPEND(dir->scratches, s);
    vfs->scratch_bytes += SCRATCH_COST;
    dir->refs++; /* the directory's node lives as long as its scratch files */
    *ret = s;
    return 0;
}

static void fill(const struct vfs *vfs, const struct scratch *s, struct found *ret)
{
    ret->ops = s->is_link ? &scratch_link_ops : &scratch_ops;
    attr_file(vfs, &ret->st, s->mode, (off_t)s->bytes.len, (uint32_t)s->changed_s);
    if (s->removed)
        ret->st.st_nlink = 0;
    if (s->is_link)
        ret->st.st_mode = S_IFLNK | 0777;
}

int scratch_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    lock_take(&rq->vfs->lock);
    const struct scratch *s = find(rq->vfs, dir, name);
    if (s)
        fill(rq->vfs, s, ret);
    lock_drop(&rq->vfs->lock);
    return s ? 0 : -ENOENT;
}

int scratch_list(struct request *rq, struct node *dir, struct dir_names *ret)
{
    int r = 0;
    lock_take(&rq->vfs->lock);
    struct scratch *s;
    DL_FOREACH (dir->scratches, s) {
        if (r == 0 && !s->removed)
            r = dir_names_add(ret, s->name, s->is_link ? S_IFLNK : S_IFREG, NULL);
    }
    lock_drop(&rq->vfs->lock);
    return r;
}

static int refuse_space(struct request *rq, struct node *dir, const char *name, int r)
{
    struct diag diag = {0};
    if (r != -ENOSPC)
        return r;
    FREE_AUTO char *path = node_path(rq->vfs, dir);
    diag_set(&diag, "files that are kept in memory take %d MiB at most, all together",
             SCRATCH_BYTES_MAX >> 20);
    return refuse(rq, path, name, r, &diag);
}

/* Replaces the bytes, within the bound of all scratch files together. */
static int set_bytes(struct vfs *vfs, struct scratch *s, struct span bytes) REQUIRES(vfs->lock)
{
    struct buf copy = {0};
    if (vfs->scratch_bytes - s->bytes.len + bytes.n > SCRATCH_BYTES_MAX)
        return -ENOSPC;
    int r = buf_add(&copy, bytes);
    if (r < 0)
        return r;
    vfs->scratch_bytes += bytes.n - s->bytes.len;
    buf_done(&s->bytes);
    s->bytes = copy;
    s->changed_s = clock_wall_s();
    return 0;
}

int scratch_put(struct request *rq, struct node *dir, const char *name, struct span bytes)
{
    lock_take(&rq->vfs->lock);
    struct scratch *s = find(rq->vfs, dir, name);
    int r = s ? 0 : add(rq->vfs, dir, name, &s);
    r = r ?: set_bytes(rq->vfs, s, bytes);
    lock_drop(&rq->vfs->lock);
    return refuse_space(rq, dir, name, r);
}

/* target: of a link, or NULL. */
static int make(struct request *rq, struct node *dir, const char *name, mode_t mode,
                const char *target, struct found *ret)
{
    lock_take(&rq->vfs->lock);
    struct scratch *s = find(rq->vfs, dir, name);
    int r = s ? -EEXIST : add(rq->vfs, dir, name, &s);
    if (r == 0 && target) {
        r = set_bytes(rq->vfs, s, span_of(target));
        if (r < 0)
            drop(rq->vfs, dir, s);
    }
    if (r == 0) {
        s->is_link = target != NULL;
        s->mode = mode & 07777;
        fill(rq->vfs, s, ret);
    }
    lock_drop(&rq->vfs->lock);
    return refuse_space(rq, dir, name, r);
}

int scratch_create(struct request *rq, struct node *dir, const char *name, mode_t mode,
                   struct found *ret)
{
    return rq->vfs->options.read_only ? -EROFS : make(rq, dir, name, mode, NULL, ret);
}

int scratch_symlink(struct request *rq, struct node *dir, const char *name, const char *target,
                    struct found *ret)
{
    return make(rq, dir, name, 0, target, ret);
}

/* Takes its name away. */
static void take_name(struct vfs *vfs, struct node *dir, struct scratch *s) REQUIRES(vfs->lock)
{
    const struct node *n = node_child(vfs, dir, s->name);
    if (n && n->ops->kind == KIND_SCRATCH)
        s->removed = n;
    else
        drop(vfs, dir, s);
}

int scratch_unlink(struct request *rq, struct node *dir, const char *name)
{
    lock_take(&rq->vfs->lock);
    struct scratch *s = find(rq->vfs, dir, name);
    if (s)
        take_name(rq->vfs, dir, s);
    lock_drop(&rq->vfs->lock);
    return s ? 0 : -ENOENT;
}

void scratch_drop(struct request *rq, struct node *dir, const char *name)
{
    lock_take(&rq->vfs->lock);
    struct scratch *s = find(rq->vfs, dir, name);
    if (s)
        drop(rq->vfs, dir, s);
    lock_drop(&rq->vfs->lock);
}

int scratch_rename(struct request *rq, struct node *dir, const char *name, const char *new_name)
{
    if (strlen(new_name) > SCRATCH_NAME_MAX)
        return -ENAMETOOLONG;
    lock_take(&rq->vfs->lock);
    struct scratch *s = find(rq->vfs, dir, name);
    struct scratch *old = find(rq->vfs, dir, new_name);
    if (s && old && old != s)
        take_name(rq->vfs, dir, old);
    if (s)
        memcpy(s->name, new_name, strlen(new_name) + 1);
    lock_drop(&rq->vfs->lock);
    return s ? 0 : -ENOENT;
}

int scratch_content(struct request *rq, struct node *dir, const char *name, struct buf *ret)
{
    lock_take(&rq->vfs->lock);
    const struct scratch *s = find(rq->vfs, dir, name);
    int r = s ? buf_add(ret, buf_span(&s->bytes)) : -ENOENT;
    lock_drop(&rq->vfs->lock);
    return r;
}

/* ---- as files */

static int scratch_getattr(struct request *rq, struct node *n, struct found *ret)
{
    lock_take(&rq->vfs->lock);
    const struct scratch *s = of_node(rq->vfs, n);
    if (s)
        fill(rq->vfs, s, ret);
    lock_drop(&rq->vfs->lock);
    return s ? 0 : -ENOENT;
}

static int refuse_node_space(struct request *rq, struct node *n, int r)
{
    FREE_AUTO char *name = r < 0 ? node_name(rq->vfs, n) : NULL;
    return refuse_space(rq, n->parent, name, r == -EFBIG ? -ENOSPC : r);
}

static int scratch_setattr(struct request *rq, struct node *n, struct handle *h,
                           const struct stat *st, int valid)
{
    (void)h;
    int r = 0;
    lock_take(&rq->vfs->lock);
    struct scratch *s = of_node(rq->vfs, n);
    if (s && valid & FUSE_SET_ATTR_MODE)
        s->mode = st->st_mode & 07777;
    if (s && valid & FUSE_SET_ATTR_SIZE) {
        struct text_draft text = {0};
        r = text_draft_load(&text, buf_span(&s->bytes))
            ?: text_draft_resize(&text, st->st_size, SCRATCH_BYTES_MAX)
            ?: set_bytes(rq->vfs, s, buf_span(&text.bytes));
        text_draft_done(&text);
    }
    lock_drop(&rq->vfs->lock);
    return refuse_node_space(rq, n, r);
}

static int scratch_open(struct request *rq, struct node *n, int flags, struct handle *h)
{
    struct stat st = {0};
    (void)h;
    if (flags & O_TRUNC)
        return scratch_setattr(rq, n, NULL, &st, FUSE_SET_ATTR_SIZE);
    return 0;
}

static int scratch_read(struct request *rq, struct node *n, struct handle *h, off_t offset,
                        size_t size, struct buf *ret)
{
    (void)h;
    int r = 0;
    lock_take(&rq->vfs->lock);
    const struct scratch *s = of_node(rq->vfs, n);
    if (s)
        r = text_slice(buf_span(&s->bytes), offset, size, ret);
    lock_drop(&rq->vfs->lock);
    return r;
}

static int scratch_write(struct request *rq, struct node *n, struct handle *h, off_t offset,
                         struct span data)
{
    lock_take(&rq->vfs->lock);
    struct scratch *s = of_node(rq->vfs, n);
    int r = s ? 0 : -ENOENT;
    if (s) {
        struct text_draft text = {.bytes = s->bytes};
        size_t old = s->bytes.len;
        size_t others = rq->vfs->scratch_bytes - old;
        r = text_draft_write(&text, offset, h->append && !rq->mapped, data,
                             SCRATCH_BYTES_MAX - others);
        s->bytes = text.bytes;
        rq->vfs->scratch_bytes = others + s->bytes.len;
        s->changed_s = clock_wall_s();
    }
    lock_drop(&rq->vfs->lock);
    return refuse_node_space(rq, n, r);
}

static void scratch_destroy(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    struct scratch *s = find_removed(vfs, n);
    if (s)
        drop(vfs, n->parent, s);
}

static int scratch_readlink(struct request *rq, struct node *n, struct buf *ret)
{
    FREE_AUTO char *name = node_name(rq->vfs, n);
    return name ? scratch_content(rq, n->parent, name, ret) : -ENOMEM;
}

const struct node_ops scratch_ops = {
    .kind = KIND_SCRATCH,
    .type = S_IFREG,
    .getattr = scratch_getattr,
    .setattr = scratch_setattr,
    .open = scratch_open,
    .read = scratch_read,
    .write = scratch_write,
    .destroy = scratch_destroy,
};

const struct node_ops scratch_link_ops = {
    .kind = KIND_SCRATCH_LINK,
    .type = S_IFLNK,
    .getattr = scratch_getattr,
    .readlink = scratch_readlink,
};
