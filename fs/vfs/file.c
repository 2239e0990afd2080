/* SPDX-License-Identifier: MIT */
/* Plain files and symbolic links of the server. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "kept.h"
#include "remote/files.h"

void file_gone(struct vfs *vfs, struct node *dir, const char *name, const struct stat *st)
{
    struct node *n = node_find(vfs, dir, name);
    struct stat *copy = n && n->ops == &file_ops ? malloc(sizeof(*copy)) : NULL;
    if (copy) {
        *copy = *st;
        copy->st_nlink = 0;
        lock_take(&vfs->lock);
        free(n->gone);
        n->gone = copy;
        lock_drop(&vfs->lock);
    }
    node_unref(vfs, n);
}

static bool is_gone(struct vfs *vfs, struct node *n, struct stat *ret)
{
    lock_take(&vfs->lock);
    bool gone = n->gone != NULL;
    if (gone && ret)
        *ret = *n->gone;
    lock_drop(&vfs->lock);
    return gone;
}

static void file_destroy(struct vfs *vfs, struct node *n)
{
    (void)vfs;
    free(n->gone);
    free(n->kept);
}

static int file_getattr(struct call *c, struct node *n, struct stat *st, int64_t *ret_true_at)
{
    if (is_gone(c->vfs, n, st))
        return 0;
    FREE_AUTO char *path = node_path(c->vfs, n);
    struct sftp_attrs attrs;
    if (!path)
        return -ENOMEM;
    int r = remote_getattr(c->vfs->remote, path, cache_ms(c), &c->wait, &attrs, ret_true_at);
    if (r == 0)
        attr_remote(c->vfs, st, &attrs);
    return r;
}

/* SFTP sets both times or none: the one that is not asked for is taken from the server. */
static int fill_times(struct call *c, const char *path, const struct stat *st, int valid,
                      struct sftp_attrs *attrs)
{
    const int both = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
    struct sftp_attrs now = {0};
    int64_t true_at;
    if (!(valid & (both | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)))
        return 0;
    if ((valid & both) != both) {
        int r = remote_getattr(c->vfs->remote, path, 0, &c->wait, &now, &true_at);
        if (r < 0)
            return r;
    }
    uint32_t clock = (uint32_t)clock_wall_s();
    attrs->flags |= SFTP_ATTR_TIMES;
    attrs->atime = valid & FUSE_SET_ATTR_ATIME_NOW ? clock
                   : valid & FUSE_SET_ATTR_ATIME   ? (uint32_t)st->st_atim.tv_sec
                                                   : now.atime;
    attrs->mtime = valid & FUSE_SET_ATTR_MTIME_NOW ? clock
                   : valid & FUSE_SET_ATTR_MTIME   ? (uint32_t)st->st_mtim.tv_sec
                                                   : now.mtime;
    return 0;
}

int file_set_attributes(struct call *c, const char *path, const struct stat *st, int valid)
{
    struct sftp_attrs attrs = {0};
    int64_t true_at;
    if (c->vfs->options.read_only)
        return -EROFS;
    if (valid & FUSE_SET_ATTR_SIZE) {
        attrs.flags |= SFTP_ATTR_SIZE;
        attrs.size = (uint64_t)st->st_size;
    }
    if (valid & FUSE_SET_ATTR_MODE) {
        attrs.flags |= SFTP_ATTR_MODE;
        attrs.mode = st->st_mode & 07777;
    }
    if (valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
        struct sftp_attrs now;
        int r = remote_getattr(c->vfs->remote, path, 0, &c->wait, &now, &true_at);
        if (r < 0)
            return r;
        attrs.flags |= SFTP_ATTR_OWNER;
        attrs.uid = valid & FUSE_SET_ATTR_UID ? st->st_uid : now.uid;
        attrs.gid = valid & FUSE_SET_ATTR_GID ? st->st_gid : now.gid;
    }
    int r = fill_times(c, path, st, valid, &attrs);
    if (r == 0 && attrs.flags)
        r = remote_setattr(c->vfs->remote, path, &attrs, &c->wait);
    return r;
}

static int file_setattr(struct call *c, struct node *n, struct handle *h, const struct stat *st,
                        int valid)
{
    FREE_AUTO char *path = node_path(c->vfs, n);
    if (!path)
        return -ENOMEM;
    int r = valid & FUSE_SET_ATTR_SIZE && !is_gone(c->vfs, n, NULL) ? check_unused(c, path) : 0;
    if (r < 0)
        return r;
    if (h && h->file && (valid & FUSE_SET_ATTR_SIZE)) {
        const struct sftp_attrs attrs = {.flags = SFTP_ATTR_SIZE, .size = (uint64_t)st->st_size};
        r = remote_file_setattr(h->file, &attrs, &c->wait);
        if (r < 0)
            return r;
        valid &= ~FUSE_SET_ATTR_SIZE;
    }
    if (is_gone(c->vfs, n, NULL))
        return 0;
    return refuse(c->vfs, path, NULL, file_set_attributes(c, path, st, valid), NULL);
}

static int file_open(struct call *c, struct node *n, int flags, struct handle *h)
{
    uint32_t open_flags = 0;
    FREE_AUTO char *path = node_path(c->vfs, n);
    if (!path)
        return -ENOMEM;
    if ((flags & O_ACCMODE) != O_WRONLY)
        open_flags |= SFTP_OPEN_READ;
    if (h->writes)
        open_flags |= SFTP_OPEN_WRITE;
    if (flags & O_TRUNC)
        open_flags |= SFTP_OPEN_TRUNC;
    int r = h->writes && !c->vfs->options.read_only ? check_unused(c, path) : 0;
    if (r < 0)
        return r;
    r = h->writes && c->vfs->options.read_only
            ? -EROFS
            : remote_file_open(c->vfs->remote, path, open_flags, 0, &c->wait, &h->file);
    if (r == 0) {
        bool known = !h->writes && !is_gone(c->vfs, n, NULL);
        kept_open(c->vfs, n, known ? remote_file_opened_as(h->file) : NULL, h);
    }
    return refuse(c->vfs, path, NULL, r, NULL);
}

static int file_read(struct call *c, struct node *n, struct handle *h, off_t offset, size_t size,
                     struct buf *ret)
{
    kept_read(c->vfs, n, h);
    int r = buf_reserve(ret, size);
    if (r < 0)
        return r;
    r = remote_file_read(h->file, (uint64_t)offset, size, &c->wait, ret->data, &ret->len);
    return r;
}

static int file_write(struct call *c, struct node *n, struct handle *h, off_t offset,
                      struct span data)
{
    (void)n;
    return remote_file_write(h->file, (uint64_t)offset, h->append, data, &c->wait);
}

static int file_flush(struct call *c, struct node *n, struct handle *h)
{
    (void)n;
    return h->writes ? remote_file_flush(h->file, &c->wait) : 0;
}

static int file_fsync(struct call *c, struct node *n, struct handle *h)
{
    (void)n;
    return remote_file_fsync(h->file, &c->wait);
}

static void file_release(struct call *c, struct node *n, struct handle *h)
{
    FREE_AUTO char *path = node_path(c->vfs, n);
    /* What the flushes could not wait for; nobody else can be told any more. */
    if (h->writes)
        refuse(c->vfs, path, NULL, remote_file_flush(h->file, &c->wait), NULL);
    remote_file_free(h->file);
    h->file = NULL;
    kept_close(c->vfs, n, h);
}

static int link_readlink(struct call *c, struct node *n, struct buf *ret)
{
    FREE_AUTO char *path = node_path(c->vfs, n);
    return path ? remote_readlink(c->vfs->remote, path, &c->wait, ret) : -ENOMEM;
}

const struct node_ops file_ops = {
    .type = S_IFREG,
    .named = true,
    .getattr = file_getattr,
    .setattr = file_setattr,
    .open = file_open,
    .read = file_read,
    .write = file_write,
    .flush = file_flush,
    .fsync = file_fsync,
    .release = file_release,
    .destroy = file_destroy,
};

const struct node_ops link_ops = {
    .type = S_IFLNK,
    .named = true,
    .getattr = file_getattr,
    .readlink = link_readlink,
};
