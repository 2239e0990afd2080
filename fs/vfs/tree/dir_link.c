/* SPDX-License-Identifier: MIT */
/* Further names of files: link(2). */
#include <errno.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "dir.h"
#include "remote/file/hard_links.h"
#include "remote/names/paths.h"
#include "vfs/node/node_path.h"
#include "vfs/refuse.h"

/* A .vmx is locked by its name, and replaced whole: with two names it would be two files soon. */
static int check_no_vmx(struct request *rq, const char *path, const char *new_path)
{
    struct diag diag = {0};
    const bool from = remote_is_vmx_name(path_name(path));
    if (!from && !remote_is_vmx_name(path_name(new_path)))
        return 0;
    diag_set(&diag, "a .vmx has one name, because its lock goes by that; copy it instead");
    return refuse(rq, from ? path : new_path, NULL, -EPERM, &diag);
}

/* A link needs a file of the server's, and a free name in the same view of the tree. */
static int check(struct request *rq, struct node *n, struct node *dir, const char *path,
                 const char *new_path)
{
    if (n->ops->kind != KIND_FILE && n->ops->kind != KIND_LINK && n->ops->kind != KIND_VMX_FILE) {
        FREE_AUTO char *own = node_name(rq->vfs, n);
        return refuse_here(rq, n->parent, own ? own : "?");
    }
    if (!node_has_name(rq->vfs, n))
        return -ENOENT;
    if (node_is_plain(rq->vfs, n) != node_is_plain(rq->vfs, dir))
        return -EXDEV;
    return dir_check_new_name(rq, dir, new_path)
               ?: check_no_vmx(rq, path, new_path)
               ?: check_unused(rq, path)
               ?: check_unused(rq, new_path);
}

/* Programs try whether the server can link, and do something else where it cannot: nobody has to be
 * told. */
static bool is_tried(int r)
{
    return r == -EPERM || r == -EXDEV || r == -EEXIST;
}

int dir_link(struct request *rq, struct node *n, struct node *dir, const char *name,
             struct found *ret)
{
    FREE_AUTO char *path = node_path(rq->vfs, n);
    FREE_AUTO char *new_path = node_child_path(rq->vfs, dir, name);
    int r = path && new_path ? check(rq, n, dir, path, new_path) : -ENOMEM;
    if (r < 0)
        return r;
    r = remote_link(rq->vfs->remote, path, new_path, &rq->wait);
    rq->told |= is_tried(r);
    if (r < 0)
        return is_tried(r) ? r : refuse(rq, new_path, NULL, r, NULL);
    /* A file that is found by links which are followed has a node for each. */
    if (n->ops->kind == KIND_LINK || rq->vfs->options.follow_links)
        return dir->ops->lookup(rq, dir, name, ret);
    r = n->ops->getattr(rq, n, ret) ?: node_add_name(rq->vfs, n, dir, name);
    ret->ops = n->ops;
    return r;
}
