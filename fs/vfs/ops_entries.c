/* SPDX-License-Identifier: MIT */
/* The operations that make, rename and remove the entries of directories. */
#include <errno.h>
#include <stdio.h> /* RENAME_NOREPLACE */

#include "ops.h"

/* What was made. */
static void reply_found(struct call *c, struct node *dir, const char *name, int r,
                        const struct found *found)
{
    struct fuse_entry_param entry;
    refuse_rest(c, dir, name, r);
    if (!c->request)
        return;
    if (r == 0)
        r = make_entry(c, dir, name, found, &entry);
    reply_entry(c, r, &entry);
}

void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct call c;
    struct node *dir = node_of(fuse_req_userdata(request), parent);
    struct found found = {0};
    change_begin(&c, request, dir, NULL, NULL);
    int r = gate_enter(&c, NULL);
    if (r == 0) {
        r = dir->ops->mkdir ? dir->ops->mkdir(&c, dir, name, mode, &found)
                            : refuse_here(&c, dir, name);
        gate_leave(&c);
    }
    reply_found(&c, dir, name, r, &found);
    change_end(&c);
}

void op_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
    struct call c;
    struct node *dir = node_of(fuse_req_userdata(request), parent);
    struct found found = {0};
    change_begin(&c, request, dir, NULL, NULL);
    int r = gate_enter(&c, NULL);
    if (r == 0) {
        r = dir->ops->symlink ? dir->ops->symlink(&c, dir, name, target, &found)
                              : refuse_here(&c, dir, name);
        gate_leave(&c);
    }
    reply_found(&c, dir, name, r, &found);
    change_end(&c);
}

void op_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    struct call c;
    (void)mode;
    (void)device;
    call_begin(&c, request);
    reply(request, refuse_here(&c, node_of(c.vfs, parent), name));
}

void op_link(fuse_req_t request, fuse_ino_t id, fuse_ino_t parent, const char *name)
{
    struct call c;
    (void)id;
    call_begin(&c, request);
    reply(request, refuse_here(&c, node_of(c.vfs, parent), name));
}

static void remove_entry(fuse_req_t request, fuse_ino_t parent, const char *name, bool folder)
{
    struct call c;
    struct node *dir = node_of(fuse_req_userdata(request), parent);
    change_begin(&c, request, dir, NULL, NULL);
    int r = gate_enter(&c, NULL);
    if (r == 0) {
        int (*remove)(struct call *c, struct node *dir, const char *name) =
            folder ? dir->ops->rmdir : dir->ops->unlink;
        r = remove ? remove(&c, dir, name) : refuse_here(&c, dir, name);
        gate_leave(&c);
    }
    if (r == 0) {
        node_detach(c.vfs, dir, name);
        views_renew(c.vfs, dir, name);
    }
    reply_change(&c, dir, name, r);
    change_end(&c);
}

void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    remove_entry(request, parent, name, false);
}

void op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    remove_entry(request, parent, name, true);
}

/* With the gate passed. */
static int rename_entry(struct call *c, struct node *dir, const char *name, struct node *new_dir,
                        const char *new_name, unsigned flags)
{
    int r = -EXDEV;
    if (flags & ~(unsigned)RENAME_NOREPLACE) /* two things that change their names */
        return -EINVAL;
    if (!dir->ops->rename || !new_dir->ops->rename)
        r = refuse_here(c, dir->ops->rename ? new_dir : dir, dir->ops->rename ? new_name : name);
    else if (dir->ops->rename == new_dir->ops->rename)
        r = dir->ops->rename(c, dir, name, new_dir, new_name, flags);
    if (r < 0)
        return r;
    node_move(c->vfs, dir, name, new_dir, new_name);
    views_renew(c->vfs, dir, name);
    views_renew(c->vfs, new_dir, new_name);
    /* What it is under its new name may be of another kind. */
    struct found found = {0};
    if (dir == new_dir && !dir->ops->mkdir && dir->ops->lookup(c, dir, new_name, &found) == 0)
        node_become(c->vfs, dir, new_name, &found);
    return 0;
}

/* With a reference more, or NULL. A link that is followed is none: what it leads to stays. */
static struct node *find_folder(struct vfs *vfs, struct node *dir, const char *name)
{
    struct node *n = node_find(vfs, dir, name);
    if (n && n->ops->type == S_IFDIR && !n->target)
        return n;
    node_unref(vfs, n);
    return NULL;
}

void op_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned int flags)
{
    struct call c;
    struct node *dir = node_of(fuse_req_userdata(request), parent);
    struct node *new_dir = node_of(fuse_req_userdata(request), new_parent);
    change_begin(&c, request, dir, new_dir, NULL);
    struct node *folder = find_folder(c.vfs, dir, name);
    int r = gate_enter(&c, folder);
    if (r == 0) {
        r = rename_entry(&c, dir, name, new_dir, new_name, flags);
        gate_leave(&c);
    }
    node_unref(c.vfs, folder);
    reply_change(&c, dir, name, r);
    change_end(&c);
}
