/* SPDX-License-Identifier: MIT */
/*
 * What the kernel was told last of things on the server: shown again while the link is down, and
 * what access(2) is judged by. Keys need none of that, because their documents are cached.
 */
#include "last_attrs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "vfs/node/attr.h"
#include "vfs/node/handle.h"
#include "vfs/notify.h"

bool last_attrs_remember(struct request *rq, struct node *n, const struct found *found)
{
    struct vfs *vfs = rq->vfs;
    const struct node_ops *ops = n->ops;
    if (!ops->named && ops->type != S_IFDIR)
        return true;
    lock_take(&vfs->lock);
    const bool holds = !rq->by_name || !n->open_files;
    if (holds && !n->last_attrs)
        n->last_attrs = malloc(sizeof(*n->last_attrs));
    if (holds && n->last_attrs)
        *n->last_attrs = (struct last_attrs){found->st, found->true_at};
    lock_drop(&vfs->lock);
    return holds;
}

bool last_attrs_still(struct vfs *vfs, struct node *n, bool any_age, struct stat *ret)
{
    lock_take(&vfs->lock);
    const struct last_attrs *last = n->last_attrs;
    const bool still = last && (any_age || attr_timeout(vfs, last->true_at) > 0);
    if (still)
        *ret = last->st;
    lock_drop(&vfs->lock);
    return still;
}

/* Whether somebody lists the directory. */
static bool is_open_dir(const struct vfs *vfs, const struct node *n) REQUIRES(vfs->lock)
{
    const struct handle *h;
    DL_FOREACH (vfs->handles, h) {
        if (h->node == n && h->names)
            return true;
    }
    return false;
}

int last_attrs_of_removed(struct vfs *vfs, struct node *n, struct stat *ret)
{
    FREE_AUTO char *name = NULL;
    int r = -ENOENT;
    lock_take(&vfs->lock);
    struct node *dir = n->parent;
    if (n != vfs->root && n->last_attrs && (!n->in_table || is_open_dir(vfs, n))) {
        *ret = n->last_attrs->st;
        ret->st_nlink = 0;
        name = n->in_table ? strdup(n->name) : NULL;
        node_lose_name(vfs, n);
        r = 0;
    }
    lock_drop(&vfs->lock);
    if (name)
        notify_entry(vfs, dir, name);
    return r;
}

bool last_attrs_size_is(struct vfs *vfs, const struct node *n, uint64_t size)
{
    lock_take(&vfs->lock);
    bool same = n->last_attrs && (uint64_t)n->last_attrs->st.st_size == size;
    lock_drop(&vfs->lock);
    return same;
}

int last_attrs_recall(struct vfs *vfs, struct node *n, int r, struct stat *ret)
{
    if (r != -EIO || !n || sftp_state(remote_sftp(vfs->remote)) == SFTP_UP)
        return r;
    lock_take(&vfs->lock);
    if (n->last_attrs) {
        *ret = n->last_attrs->st;
        r = 0;
    } else if (n == vfs->root) {
        attr_dir(vfs, ret, (uint32_t)vfs->started.tv_sec);
        r = 0;
    }
    lock_drop(&vfs->lock);
    return r;
}

int last_attrs_recall_name(struct vfs *vfs, struct node *dir, const char *name, int r,
                           struct found *ret)
{
    const char *own = ret->name[0] ? ret->name : name;
    struct node *n = r == -EIO ? node_find(vfs, dir, own) : NULL;
    r = last_attrs_recall(vfs, n, r, &ret->st);
    if (r == 0 && n) {
        ret->ops = n->ops;
        ret->detail = n->detail;
        ret->followed = n->target != NULL;
        snprintf(ret->target, sizeof(ret->target), "%s", n->target ? n->target : "");
    }
    node_unref(vfs, n);
    return r;
}

/* A thing on the server may have become one of another kind. The kernel must never be told so about
 * an inode that it has. It would give that up for good, and it has only one root. */
int last_attrs_check_type(struct vfs *vfs, struct node *n, const struct stat *st)
{
    lock_take(&vfs->lock);
    mode_t was = n == vfs->root ? S_IFDIR : n->last_attrs ? n->last_attrs->st.st_mode & S_IFMT : 0;
    lock_drop(&vfs->lock);
    if (was == 0 || was == (st->st_mode & S_IFMT))
        return 0;
    return n == vfs->root ? -EIO : -ENOENT;
}
