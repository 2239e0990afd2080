/* SPDX-License-Identifier: MIT */
#include "server_attrs.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/cache/listing.h"
#include "vfs/node/attr.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/first_use.h"
#include "vfs/refuse.h"

int server_show(struct request *rq, const char *path, const struct sftp_attrs *attrs, bool as_dir,
                struct stat *ret)
{
    struct diag diag = {0};
    int r = as_dir ? attr_vmx(rq->vfs, ret, attrs) : attr_remote(rq->vfs, ret, attrs);
    if (r == 0)
        return 0;
    diag_set(
        &diag,
        "its owner on the server, %u and group %u, is not in uidfile and gidfile; add a line, or "
        "mount with -o nomap=ignore",
        attrs->uid, attrs->gid);
    return refuse_once(rq, path, r, &diag);
}

/* The path of a node. -ENOENT: it was removed or replaced, so that something else may have its
 * path by now. */
static int named_path(struct request *rq, struct node *n, char **ret)
{
    *ret = node_path(rq->vfs, n);
    if (!*ret)
        return -ENOMEM;
    return n == rq->vfs->root || node_has_name(rq->vfs, n) ? 0 : -ENOENT;
}

int server_getattr(struct request *rq, struct node *n, struct found *ret)
{
    FREE_AUTO char *path = NULL;
    struct sftp_attrs attrs;
    int r = named_path(rq, n, &path);
    if (r == 0 && !is_used(rq->vfs)) { /* the root */
        attr_dir(rq->vfs, &ret->st, (uint32_t)rq->vfs->started.tv_sec);
        return 0;
    }
    return r
        ?: remote_getattr(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &attrs, &ret->true_at)
        ?: server_show(rq, path, &attrs, n->ops->kind == KIND_VMX_DIR, &ret->st);
}

/* SFTP sets both times, or both owners, or none: what is not asked for is taken from now. */
static void fill_times(const struct stat *st, int valid, const struct sftp_attrs *now,
                       struct sftp_attrs *attrs)
{
    uint32_t clock = (uint32_t)clock_wall_s();
    attrs->flags |= SFTP_ATTR_TIMES;
    attrs->atime = valid & FUSE_SET_ATTR_ATIME_NOW ? clock
                   : valid & FUSE_SET_ATTR_ATIME   ? attr_seconds(&st->st_atim)
                                                   : now->atime;
    attrs->mtime = valid & FUSE_SET_ATTR_MTIME_NOW ? clock
                   : valid & FUSE_SET_ATTR_MTIME   ? attr_seconds(&st->st_mtim)
                                                   : now->mtime;
}

/* What the server is to be sent, given what it has now. 0; -EPERM: an owner that it lacks. */
static int wanted(struct request *rq, const struct stat *st, int valid,
                  const struct sftp_attrs *now, struct sftp_attrs *ret)
{
    *ret = (struct sftp_attrs){0};
    if (valid & FUSE_SET_ATTR_SIZE) {
        ret->flags |= SFTP_ATTR_SIZE;
        ret->size = (uint64_t)st->st_size;
    }
    if (valid & FUSE_SET_ATTR_MODE) {
        ret->flags |= SFTP_ATTR_MODE;
        ret->mode = st->st_mode & 07777;
    }
    if (valid & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
                 FUSE_SET_ATTR_MTIME_NOW))
        fill_times(st, valid, now, ret);
    return owners_send(&rq->vfs->options.owners, st, valid, now, ret);
}

/* Whether what it has now must be known for that. */
static bool needs_now(int valid)
{
    const int both = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
    const int times = both | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
    return valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID) ||
           (valid & times && (valid & both) != both);
}

/* The same, asking for that where need be. */
static int find_wanted(struct request *rq, const char *path, struct remote_file *file,
                       const struct stat *st, int valid, struct sftp_attrs *ret)
{
    struct sftp_attrs now = {0};
    int64_t true_at;
    int r = 0;
    if (rq->vfs->options.read_only)
        return -EROFS;
    if (needs_now(valid))
        r = file ? remote_file_getattr(file, &rq->wait, &now)
                 : remote_getattr(rq->vfs->remote, path, 0, &rq->wait, &now, &true_at);
    return r ?: wanted(rq, st, valid, &now, ret);
}

int server_set_attrs(struct request *rq, const char *path, struct remote_file *file,
                     const struct stat *st, int valid)
{
    struct sftp_attrs attrs;
    int r = find_wanted(rq, path, file, st, valid, &attrs);
    if (r < 0 || !attrs.flags)
        return r;
    return file ? remote_file_setattr(file, &attrs, &rq->wait)
                : remote_setattr(rq->vfs->remote, path, &attrs, &rq->wait);
}

int server_set_link_attrs(struct request *rq, struct node *n, struct handle *h,
                          const struct stat *st, int valid)
{
    (void)h;
    const int owner = valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID);
    struct sftp_attrs attrs = {0};
    FREE_AUTO char *path = node_path(rq->vfs, n);
    int r = path ? find_wanted(rq, path, NULL, st, valid & ~FUSE_SET_ATTR_MODE, &attrs) : -ENOMEM;
    if (r == 0 && attrs.flags)
        r = remote_link_setattr(rq->vfs->remote, path, &attrs, &rq->wait);
    if (r != -EOPNOTSUPP)
        return refuse(rq, path, NULL, r, NULL);
    struct diag diag = {0};
    diag_set(&diag, "the server cannot change the owner of a link (no lsetstat@openssh.com)");
    return owner ? refuse_once(rq, path, r, &diag) : 0; /* times are no reason for a copy to fail */
}

int server_setattr(struct request *rq, struct node *n, struct handle *h, const struct stat *st,
                   int valid)
{
    (void)h;
    FREE_AUTO char *path = NULL;
    int r = named_path(rq, n, &path)
        ?: first_use(rq)
        ?: server_set_attrs(rq, path, NULL, st, valid);
    return refuse(rq, path, NULL, r, NULL);
}
