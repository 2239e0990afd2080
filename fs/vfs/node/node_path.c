/* SPDX-License-Identifier: MIT */
/* Paths of nodes, and nodes of paths. */
#include "node_path.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/path.h"
#include "remote/names/shown_names.h"

/* From the root to the other view of the server's tree. */
#define PLAIN_PATH CONTROL_NAME "/" PLAIN_NAME

int node_add_path(struct vfs *vfs, const struct node *n, struct buf *ret)
{
    if (!n)
        return 0;
    if (n->target) /* "" is the root */
        return n->target[0] ? buf_addf(ret, "%s/", n->target) : 0;
    int r = node_add_path(vfs, n->parent, ret);
    return r == 0 && n->ops->named && n->parent ? buf_addf(ret, "%s/", n->name) : r;
}

char *node_path(struct vfs *vfs, struct node *n)
{
    BUF_AUTO path = {0};
    lock_take(&vfs->lock);
    int r = node_add_path(vfs, n, &path);
    lock_drop(&vfs->lock);
    if (r < 0)
        return NULL;
    return strndup(path.data ? path.data : "", path.len > 0 ? path.len - 1 : 0);
}

char *node_child_path(struct vfs *vfs, struct node *dir, const char *name)
{
    char *parent = node_path(vfs, dir);
    char *path = parent ? path_join(parent, name) : NULL;
    free(parent);
    return path;
}

/* The node at a path below another one. NULL: the kernel does not know it, or n is NULL. */
static struct node *walk(struct vfs *vfs, struct node *n, const char *path) REQUIRES(vfs->lock)
{
    while (n && *path) {
        size_t len = strcspn(path, "/");
        char name[256];
        if (len >= sizeof(name))
            return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        n = node_child(vfs, n, name);
        path += len + (path[len] == '/');
    }
    return n;
}

/* As node_at, without a reference. */
static struct node *find(struct vfs *vfs, const char *path, bool plain) REQUIRES(vfs->lock)
{
    return walk(vfs, walk(vfs, vfs->root, plain ? PLAIN_PATH : ""), path);
}

struct node *node_at(struct vfs *vfs, const char *path, bool plain)
{
    lock_take(&vfs->lock);
    struct node *n = find(vfs, path, plain);
    if (n)
        n->refs++;
    lock_drop(&vfs->lock);
    return n;
}

void node_each_at(struct vfs *vfs, const char *path,
                  void (*see)(struct vfs *vfs, struct node *n, void *ctx), void *ctx)
{
    struct node *n;
    struct node *link;
    lock_take(&vfs->lock);
    for (int plain = 0; plain < 2; plain++) {
        n = find(vfs, path, plain);
        if (n)
            see(vfs, n, ctx);
    }
    DL_FOREACH2(vfs->by_links, link, link_next)
    {
        const char *rest = link->in_table ? path_below(link->target, path) : NULL;
        n = rest ? walk(vfs, link, rest) : NULL;
        if (n)
            see(vfs, n, ctx);
    }
    lock_drop(&vfs->lock);
}

bool node_is_plain(struct vfs *vfs, struct node *n)
{
    bool plain = false;
    lock_take(&vfs->lock);
    for (; n && !plain; n = n->parent)
        plain = n->ops->plain;
    lock_drop(&vfs->lock);
    return plain;
}

struct node *vmx_above(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    while (n && n->ops->kind != KIND_VMX_DIR)
        n = n->parent;
    lock_drop(&vfs->lock);
    return n;
}

char *vmx_path_above(struct request *rq, struct node *n)
{
    struct node *dir = vmx_above(rq->vfs, n);
    return dir ? node_path(rq->vfs, dir) : NULL;
}

int path_add_mounted(struct request *rq, const char *path, struct buf *ret)
{
    return buf_addf(ret, "%s/", rq->vfs->options.mountpoint)
               ?: remote_add_shown(rq->vfs->remote, path, ret);
}
