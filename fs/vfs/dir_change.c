/* SPDX-License-Identifier: MIT */
/* The server's directories: the main tree, where a .vmx is a directory, and .vmxfs/plain, where it
 * is a file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "control.h"
#include "dir.h"
#include "remote/commit.h"
#include "remote/files.h"
#include "remote/used_files.h"
#include "vmx.h"
#include "whole.h"
#include "whole_change.h"

int dir_create(struct call *c, struct node *dir, const char *name, mode_t mode, int flags,
               struct handle *h, struct found *ret)
{
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? dir_check_new_name(c, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    r = remote_check_new(c->vfs->remote, path);
    if (r < 0)
        return refuse(c, path, NULL, r, NULL);
    if (remote_is_vmx_name(name))
        return whole_create(c, dir, name, mode, h, ret);
    uint32_t open_flags = file_open_flags(h);
    struct vmx_diag diag = {0};
    FREE_AUTO char *vm = NULL;
    r = remote_check_unused(c->vfs->remote, path, false, &c->wait, &diag, &vm);
    if (r < 0 && r != -EBUSY)
        return refuse(c, path, NULL, r, &diag);
    bool used = r == -EBUSY; /* it may be made, but not opened if it is there */
    /* There may be one that is not shown. */
    const bool exclusive = flags & O_EXCL || used || c->vfs->options.vmx_only;
    if (flags & O_TRUNC)
        open_flags |= SFTP_OPEN_TRUNC;
    struct sftp_attrs attrs;
    bool made;
    r = remote_file_create(c->vfs->remote, path, open_flags, mode, exclusive, &c->wait, &h->file,
                           &made);
    if (r == 0)
        r = remote_file_getattr(h->file, &c->wait, &attrs);
    if (r == -EEXIST && used && !(flags & O_EXCL))
        return refuse(c, path, NULL, -EBUSY, &diag);
    if (r < 0)
        return refuse(c, path, NULL, r, NULL);
    file_found_created(c->vfs, dir, name, made);
    ret->ops = &file_ops;
    attr_remote(c->vfs, &ret->st, &attrs);
    return 0;
}

int dir_mkdir(struct call *c, struct node *dir, const char *name, mode_t mode, struct found *ret)
{
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? dir_check_new_name(c, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    bool as_vmx = remote_is_vmx_name(name) && !node_is_plain(c->vfs, dir);
    r = as_vmx ? remote_create_vmx(c->vfs->remote, path, &c->wait)
               : remote_mkdir(c->vfs->remote, path, mode & 07777, &c->wait);
    if (r == 0 && as_vmx)
        notify_host(c->vfs, path);
    if (r == 0)
        r = dir->ops->lookup(c, dir, name, ret);
    ret->fresh = r == 0 && as_vmx;
    return r == -EEXIST ? r : refuse(c, path, NULL, r, NULL);
}

int dir_symlink(struct call *c, struct node *dir, const char *name, const char *target,
                struct found *ret)
{
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? dir_check_new_name(c, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    struct sftp_attrs attrs;
    int64_t true_at;
    r = remote_symlink(c->vfs->remote, target, path, &c->wait);
    if (r == 0)
        r = remote_getattr(c->vfs->remote, path, 0, &c->wait, &attrs, &true_at);
    if (r < 0)
        return r == -EEXIST ? r : refuse(c, path, NULL, r, NULL);
    /* The kernel takes nothing but a link for an answer; the next lookup may find what it shows. */
    ret->ops = &link_ops;
    attr_remote(c->vfs, &ret->st, &attrs);
    return 0;
}

/* vm: as of refuse_removal. */
static int remove_vmx(struct call *c, const char *path, struct vmx_diag *diag, char **ret_vm)
{
    int r = check_unregistered(c, path, diag, ret_vm);
    return r == 0 ? remote_remove_vmx(c->vfs->remote, path, &c->wait, diag) : r;
}

static int remove_file(struct call *c, const char *path, const struct found *found,
                       struct vmx_diag *diag, char **ret_vm)
{
    const struct sftp_attrs seen = dir_seen(found);
    int r = remote_check_unused(c->vfs->remote, path, false, &c->wait, diag, ret_vm);
    if (r == 0)
        r = check_unregistered(c, path, diag, ret_vm);
    return r == 0 ? remote_remove(c->vfs->remote, path, &seen, &c->wait) : r;
}

int dir_unlink(struct call *c, struct node *dir, const char *name)
{
    struct found found = {0};
    struct vmx_diag diag = {0};
    FREE_AUTO char *vm = NULL;
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? dir->ops->lookup(c, dir, name, &found) : -ENOMEM;
    if (r == 0 && found.followed) {
        r = remote_remove(c->vfs->remote, path, NULL, &c->wait);
        return refuse(c, path, NULL, r, NULL);
    }
    const bool whole = found_kind(&found) == KIND_VMX_FILE;
    const bool folder = found.ops && found.ops->type == S_IFDIR;
    if (r == 0 && dir_check_fixed(c, &found, path) < 0)
        return -EPERM;
    if (r == 0 && whole) {
        whole_note_removal(c, path);
        r = remove_vmx(c, path, &diag, &vm);
    } else if (r == 0 && folder) {
        r = -EISDIR;
    } else if (r == 0) {
        r = remove_file(c, path, &found, &diag, &vm);
    }
    if (r == 0)
        node_detach(c->vfs, dir, name);
    return refuse_removal(c, path, NULL, r, &diag, whole && !vm ? path : vm);
}

static int remove_folder(struct call *c, const char *path, const struct found *found,
                         struct vmx_diag *diag, char **ret_vm)
{
    const struct sftp_attrs seen = dir_seen(found);
    int r = remote_check_unused(c->vfs->remote, path, true, &c->wait, diag, ret_vm);
    return r == 0 ? remote_rmdir(c->vfs->remote, path, &seen, &c->wait) : r;
}

int dir_rmdir(struct call *c, struct node *dir, const char *name)
{
    struct found found = {0};
    struct vmx_diag diag = {0};
    FREE_AUTO char *vm = NULL;
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? dir->ops->lookup(c, dir, name, &found) : -ENOMEM;
    if (r == 0 && dir_check_fixed(c, &found, path) < 0)
        return -EPERM;
    if (r == 0 && dir_check_followed(c, &found, path) < 0)
        return -EPERM;
    if (r == 0 && found_kind(&found) == KIND_VMX_DIR) {
        DOCUMENT_AUTO *doc = NULL;
        r = remote_document(c->vfs->remote, path, 0, &c->wait, &doc);
        if (r == 0 && vmx_dict_keys(doc->dict) > 0)
            return -ENOTEMPTY;
        if (r == 0)
            r = remove_vmx(c, path, &diag, &vm);
        struct node *n = r == 0 ? node_find(c->vfs, dir, name) : NULL;
        if (n)
            scratches_remove(c->vfs, n);
        node_unref(c->vfs, n);
    } else if (r == 0 && found.ops->type == S_IFDIR) {
        r = !found.ops->named ? refuse_made_up(&diag) : remove_folder(c, path, &found, &diag, &vm);
    } else if (r == 0) {
        r = -ENOTDIR;
    }
    return r == -ENOTEMPTY ? r : refuse_removal(c, path, NULL, r, &diag, vm ? vm : path);
}
