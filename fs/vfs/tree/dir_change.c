/* SPDX-License-Identifier: MIT */
/* The server's directories: the main tree, where a .vmx is a directory, and .vmxfs/plain, where it
 * is a file. */
#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "dir.h"
#include "remote/cache/listing.h"
#include "remote/commit/commit.h"
#include "remote/in_use/used_files.h"
#include "remote/names/paths.h"
#include "server_attrs.h"
#include "vfs/control/vmx_registered.h"
#include "vfs/file/plain_file.h"
#include "vfs/file/vmx_file.h"
#include "vfs/file/vmx_file_change.h"
#include "vfs/node/node_names.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"
#include "vfs/vmx/scratch.h"

int dir_create(struct request *rq, struct node *dir, const char *name, mode_t mode, int flags,
               struct handle *h, struct found *ret)
{
    FREE_AUTO char *path = node_child_path(rq->vfs, dir, name);
    int r = path ? dir_check_new_name(rq, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    r = remote_check_new(rq->vfs->remote, path);
    if (r < 0)
        return refuse(rq, path, NULL, r, NULL);
    if (remote_is_vmx_name(name))
        return vmx_file_create(rq, dir, name, mode, h, ret);
    uint32_t open_flags = file_open_flags(h);
    struct diag diag = {0};
    FREE_AUTO char *vm = NULL;
    r = remote_check_unused(rq->vfs->remote, path, USED_FILE, &rq->wait, &diag, &vm);
    if (r < 0 && r != -EBUSY)
        return refuse(rq, path, NULL, r, &diag);
    bool used = r == -EBUSY; /* it may be made, but not opened if it is there */
    /* There may be one that is not shown. */
    const bool exclusive = flags & O_EXCL || used || rq->vfs->options.vmx_only;
    if (flags & O_TRUNC)
        open_flags |= SFTP_OPEN_TRUNC;
    struct sftp_attrs attrs;
    bool made;
    r = remote_file_create(rq->vfs->remote, path, open_flags, mode, exclusive, &rq->wait, &h->file,
                           &made);
    if (r == 0 && made)
        attrs = *remote_file_opened_as(h->file);
    else if (r == 0)
        r = remote_file_getattr(h->file, &rq->wait, &attrs);
    if (r == -EEXIST && used && !(flags & O_EXCL))
        return refuse(rq, path, NULL, -EBUSY, &diag);
    if (r < 0)
        return refuse(rq, path, NULL, r, NULL);
    file_found_created(rq->vfs, dir, name, made);
    ret->ops = &file_ops;
    return server_show(rq, path, &attrs, false, &ret->st);
}

int dir_mkdir(struct request *rq, struct node *dir, const char *name, mode_t mode,
              struct found *ret)
{
    FREE_AUTO char *path = node_child_path(rq->vfs, dir, name);
    int r = path ? dir_check_new_name(rq, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    bool as_vmx = remote_is_vmx_name(name) && !node_is_plain(rq->vfs, dir);
    r = as_vmx ? 0 : dir_check_new_folder(rq, path);
    if (r < 0)
        return r;
    const struct remote_by by = caller_by(rq);
    r = as_vmx ? remote_create_vmx(rq->vfs->remote, path, &by, &rq->wait)
               : remote_mkdir(rq->vfs->remote, path, mode & 07777, &rq->wait);
    if (r == 0 && as_vmx)
        host_changed(rq->vfs->host, path);
    r = r ?: dir->ops->lookup(rq, dir, name, ret);
    ret->fresh = r == 0 && as_vmx;
    return r == -EEXIST ? r : refuse(rq, path, NULL, r, NULL);
}

int dir_symlink(struct request *rq, struct node *dir, const char *name, const char *target,
                struct found *ret)
{
    FREE_AUTO char *path = node_child_path(rq->vfs, dir, name);
    int r = path ? dir_check_new_name(rq, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    struct sftp_attrs attrs;
    int64_t true_at;
    r = remote_symlink(rq->vfs->remote, target, path, &rq->wait)
            ?: remote_getattr(rq->vfs->remote, path, 0, &rq->wait, &attrs, &true_at);
    if (r < 0)
        return r == -EEXIST ? r : refuse(rq, path, NULL, r, NULL);
    /* The kernel takes nothing but a link for an answer; the next lookup may find what it shows. */
    ret->ops = &link_ops;
    return server_show(rq, path, &attrs, false, &ret->st);
}

/* vm: as of refuse_removal. */
static int remove_vmx(struct request *rq, const char *path, struct diag *diag, char **ret_vm)
{
    const struct remote_by by = caller_by(rq);
    return check_unregistered(rq, path, diag, ret_vm)
               ?: remote_remove_vmx(rq->vfs->remote, path, &by, &rq->wait, diag);
}

int dir_unlink(struct request *rq, struct node *dir, const char *name)
{
    struct found found = {0};
    struct diag diag = {0};
    FREE_AUTO char *vm = NULL;
    FREE_AUTO char *path = node_child_path(rq->vfs, dir, name);
    int r = path ? dir->ops->lookup(rq, dir, name, &found) : -ENOMEM;
    names_step_aside(rq, dir, name);
    if (r == 0 && found.followed) {
        r = remote_remove(rq->vfs->remote, path, NULL, &rq->wait);
        return refuse(rq, path, NULL, r, NULL);
    }
    const bool whole = found_kind(&found) == KIND_VMX_FILE;
    const bool folder = found.ops && found.ops->type == S_IFDIR;
    if (r == 0 && dir_check_fixed(rq, &found, path) < 0)
        return -EPERM;
    if (r == 0 && whole) {
        vmx_file_note_removal(rq, path);
        r = remove_vmx(rq, path, &diag, &vm);
    } else if (r == 0 && folder) {
        r = -EISDIR;
    } else if (r == 0) {
        const struct sftp_attrs seen = dir_seen(&found);
        r = remote_check_unused(rq->vfs->remote, path, USED_FILE, &rq->wait, &diag, &vm)
            ?: check_unregistered(rq, path, &diag, &vm)
            ?: remote_remove(rq->vfs->remote, path, &seen, &rq->wait);
    }
    if (r == 0)
        node_detach(rq->vfs, dir, name);
    return refuse_removal(rq, path, NULL, r, &diag, whole && !vm ? path : vm);
}

static int remove_folder(struct request *rq, const char *path, const struct found *found,
                         struct diag *diag, char **ret_vm)
{
    const struct sftp_attrs seen = dir_seen(found);
    return remote_check_unused(rq->vfs->remote, path, USED_FOLDER, &rq->wait, diag, ret_vm)
               ?: remote_rmdir(rq->vfs->remote, path, &seen, &rq->wait);
}

int dir_rmdir(struct request *rq, struct node *dir, const char *name)
{
    struct found found = {0};
    struct diag diag = {0};
    FREE_AUTO char *vm = NULL;
    FREE_AUTO char *path = node_child_path(rq->vfs, dir, name);
    int r = path ? dir->ops->lookup(rq, dir, name, &found) : -ENOMEM;
    if (r == 0 && dir_check_fixed(rq, &found, path) < 0)
        return -EPERM;
    if (r == 0 && dir_check_followed(rq, &found, path) < 0)
        return -EPERM;
    if (r == 0 && found_kind(&found) == KIND_VMX_DIR) {
        DOCUMENT_AUTO *doc = NULL;
        r = remote_document(rq->vfs->remote, path, 0, &rq->wait, &doc);
        if (r == 0 && vmx_dict_keys(doc->dict) > 0)
            return -ENOTEMPTY;
        r = r ?: remove_vmx(rq, path, &diag, &vm);
        struct node *n = r == 0 ? node_find(rq->vfs, dir, name) : NULL;
        if (n)
            scratches_remove(rq->vfs, n);
        node_unref(rq->vfs, n);
    } else if (r == 0 && found.ops->type == S_IFDIR) {
        r = !found.ops->named ? refuse_made_up(&diag) : remove_folder(rq, path, &found, &diag, &vm);
    } else if (r == 0) {
        r = -ENOTDIR;
    }
    return r == -ENOTEMPTY ? r : refuse_removal(rq, path, NULL, r, &diag, vm ? vm : path);
}
