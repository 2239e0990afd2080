/* SPDX-License-Identifier: MIT */
/*
 * The main tree, .vmxfs/plain and links that are followed show the same files by nodes of their
 * own. Where one of them has its name no longer, the others must not go on showing it: another file
 * of the same size and time would be taken for it, and be written over with what was in it.
 *
 * Where one of them was set or written to, the kernel asks the others for their attributes anew.
 *
 * The names of plain files are not taken back (notify.c tells why): who opens what had one, or asks
 * for its attributes, is told that it is another (ESTALE), and the kernel looks the name up anew.
 */
#include "views.h"

#include <stdlib.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "parser/text/list.h"
#include "vfs/node/node_path.h"
#include "vfs/notify.h"

struct others {
    const struct node *own; /* NULL: the name means nothing in its own directory */
    struct node **nodes;    /* with a reference each */
    size_t n;
};

static void see(struct vfs *vfs, struct node *n, void *ctx)
{
    (void)vfs;
    struct others *others = ctx;
    struct node **nodes =
        n == others->own ? NULL : list_room(others->nodes, others->n, sizeof(*nodes));
    if (!nodes)
        return; /* without memory it runs out by itself */
    others->nodes = nodes;
    others->nodes[others->n++] = n;
    n->refs++;
}

/* Only what a plain file holds is kept by its node: directories and links go by their paths, and so
 * does a .vmx, and its settings go by its text. */
static void give_up(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    struct node *child;
    if (n->ops->kind == KIND_FILE)
        node_lose_name(vfs, n);
    if (n->ops->kind != KIND_DIR)
        return;
    DL_FOREACH2(n->children, child, next)
    {
        give_up(vfs, child);
        notify_inode(vfs, child);
    }
}

/* Has the kernel ask those nodes but own that show a path for their attributes, before the caller's
 * next step. */
static void tell_others(struct vfs *vfs, const char *path, const struct node *own, bool name_too)
{
    struct others others = {.own = own};
    bool names = false; /* what has the path is found by it, and may be of another kind now */
    node_each_at(vfs, path, see, &others);
    for (size_t i = 0; i < others.n; i++) {
        names |= name_too && others.nodes[i]->ops->kind != KIND_FILE;
        lock_take(&vfs->lock);
        if (name_too)
            give_up(vfs, others.nodes[i]);
        lock_drop(&vfs->lock);
        notify_attributes(vfs, others.nodes[i]);
        node_unref(vfs, others.nodes[i]);
    }
    free(others.nodes);
    if (names)
        notify_names(vfs);
}

void views_changed(struct vfs *vfs, struct node *n)
{
    FREE_AUTO char *path =
        n->ops->kind == KIND_FILE && node_has_name(vfs, n) ? node_path(vfs, n) : NULL;
    if (path)
        tell_others(vfs, path, n, false);
}

void views_renew(struct vfs *vfs, struct node *dir, const char *name)
{
    FREE_AUTO char *path = dir->ops->mkdir ? node_child_path(vfs, dir, name) : NULL;
    if (!path)
        return;
    struct node *own = node_find(vfs, dir, name);
    tell_others(vfs, path, own, true);
    node_unref(vfs, own);
}
