/* SPDX-License-Identifier: MIT */
/* The operations that make, rename and remove the entries of directories. */
#include "ops_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* RENAME_NOREPLACE */

#include "remote/names/paths.h"
#include "rename_lock.h"
#include "reply.h"
#include "vfs/node/handle.h"
#include "vfs/notify.h"
#include "vfs/refuse.h"
#include "vfs/tree/views.h"

/* Makes a link to target, or a directory (target NULL). */
static void make_name(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      const char *target)
{
    struct request rq;
    struct node *dir = node_of(fuse_req_userdata(req), parent);
    struct found found = {0};
    struct fuse_entry_param entry;
    change_begin(&rq, req, dir, NULL, NULL);
    int r = rename_lock_enter(&rq, NULL);
    if (r == 0) {
        if (target && dir->ops->symlink)
            r = dir->ops->symlink(&rq, dir, name, target, &found);
        else if (!target && dir->ops->mkdir)
            r = dir->ops->mkdir(&rq, dir, name, mode, &found);
        else
            r = refuse_here(&rq, dir, name);
        rename_lock_leave(&rq);
    }
    refuse_rest(&rq, dir, name, r);
    if (rq.fuse)
        reply_entry(&rq, r ?: make_entry(&rq, dir, name, &found, &entry), &entry);
    change_end(&rq);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    make_name(req, parent, name, mode, NULL);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    make_name(req, parent, name, 0, target);
}

void op_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t parent, const char *name)
{
    struct request rq;
    struct node *n = node_of(fuse_req_userdata(req), id);
    struct node *dir = node_of(fuse_req_userdata(req), parent);
    struct found found = {0};
    struct fuse_entry_param entry;
    change_begin(&rq, req, dir, n, NULL);
    int r = rename_lock_enter(&rq, NULL);
    if (r == 0) {
        r = dir->ops->link ? dir->ops->link(&rq, n, dir, name, &found)
                           : refuse_here(&rq, dir, name);
        rename_lock_leave(&rq);
    }
    refuse_rest(&rq, dir, name, r);
    if (rq.fuse)
        reply_entry(&rq, r ?: make_entry(&rq, dir, name, &found, &entry), &entry);
    change_end(&rq);
}

/* Makes an empty regular file, which is not open. */
static int make_file(struct request *rq, struct node *dir, const char *name, mode_t mode,
                     struct found *ret)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL;
    struct handle *h = handle_new(rq->vfs, NULL, flags);
    int r = h ? dir->ops->create(rq, dir, name, mode & 07777, flags, h, ret) : -ENOMEM;
    handle_free(rq->vfs, h);
    return r;
}

/* A setting, or a .vmx, cannot be made without a value; nothing else can be made anywhere. */
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    struct request rq;
    struct node *dir = node_of(fuse_req_userdata(req), parent);
    struct found found = {0};
    struct fuse_entry_param entry;
    (void)device;
    change_begin(&rq, req, dir, NULL, NULL);
    const bool makes = S_ISREG(mode) && dir->ops->mkdir && !remote_is_vmx_name(name);
    int r = rename_lock_enter(&rq, NULL);
    if (r == 0) {
        r = makes ? make_file(&rq, dir, name, mode, &found) : refuse_here(&rq, dir, name);
        rename_lock_leave(&rq);
    }
    refuse_rest(&rq, dir, name, r);
    if (rq.fuse)
        reply_entry(&rq, r ?: make_entry(&rq, dir, name, &found, &entry), &entry);
    change_end(&rq);
}

static void remove_entry(fuse_req_t req, fuse_ino_t parent, const char *name, bool folder)
{
    struct request rq;
    struct node *dir = node_of(fuse_req_userdata(req), parent);
    change_begin(&rq, req, dir, NULL, NULL);
    int r = rename_lock_enter(&rq, NULL);
    if (r == 0) {
        int (*remove)(struct request *rq, struct node *dir, const char *name) =
            folder ? dir->ops->rmdir : dir->ops->unlink;
        r = remove ? remove(&rq, dir, name) : refuse_here(&rq, dir, name);
        if (r == 0) { /* before a rename that waits brings another node under the name */
            node_detach(rq.vfs, dir, name);
            views_renew(rq.vfs, dir, name);
        }
        rename_lock_leave(&rq);
    }
    reply_change(&rq, dir, name, r);
    change_end(&rq);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_entry(req, parent, name, false);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_entry(req, parent, name, true);
}

/* Whether a name is, or would be, that of a .vmx, as a directory or as a file. */
static bool is_of_vmx(struct vfs *vfs, struct node *dir, const char *name)
{
    struct node *n = node_find(vfs, dir, name);
    const bool known = n && (n->ops->kind == KIND_VMX_DIR || n->ops->kind == KIND_VMX_FILE);
    node_unref(vfs, n);
    return known || (dir->ops->mkdir && remote_is_vmx_name(name));
}

/* With the rename lock taken. */
static int rename_entry(struct request *rq, struct node *dir, const char *name,
                        struct node *new_dir, const char *new_name, unsigned flags)
{
    int r = -EXDEV;
    if (flags & ~(unsigned)RENAME_NOREPLACE) /* two things that change their names */
        return -EINVAL;
    if (!dir->ops->rename || !new_dir->ops->rename)
        r = refuse_here(rq, dir->ops->rename ? new_dir : dir, dir->ops->rename ? new_name : name);
    else if (dir->ops->rename == new_dir->ops->rename)
        r = dir->ops->rename(rq, dir, name, new_dir, new_name, flags);
    if (r < 0)
        return r;
    node_move(rq->vfs, dir, name, new_dir, new_name);
    views_renew(rq->vfs, dir, name);
    views_renew(rq->vfs, new_dir, new_name);
    /* Under its new name it may be of another kind. */
    struct found found = {0};
    if (dir == new_dir && !dir->ops->mkdir && dir->ops->lookup(rq, dir, new_name, &found) == 0)
        node_become(rq->vfs, dir, new_name, &found);
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

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned int flags)
{
    struct request rq;
    struct node *dir = node_of(fuse_req_userdata(req), parent);
    struct node *new_dir = node_of(fuse_req_userdata(req), new_parent);
    change_begin(&rq, req, dir, new_dir, NULL);
    struct node *folder = find_folder(rq.vfs, dir, name);
    const bool of_vmx = is_of_vmx(rq.vfs, dir, name) || is_of_vmx(rq.vfs, new_dir, new_name);
    int r = rename_lock_enter(&rq, folder);
    if (r == 0) {
        r = rename_entry(&rq, dir, name, new_dir, new_name, flags);
        rename_lock_leave(&rq);
    }
    node_unref(rq.vfs, folder);
    /* What the kernel is about to take along to the new name. One that failed may have happened. */
    if (of_vmx)
        notify_names(rq.vfs);
    reply_change(&rq, dir, name, r);
    change_end(&rq);
}
