/* SPDX-License-Identifier: MIT */
/*
 * libfuse's low-level operations: from a request to the operation of a node's kind, and back to the
 * reply. No lock is held across a reply: it may be the kernel's last reference, and a forget can
 * come before the reply function has returned.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "caller.h"
#include "first_use.h"
#include "ops_dir.h"
#include "ops_entry.h"
#include "remote/root.h"
#include "remote/server_errors.h"
#include "rename_lock.h"
#include "reply.h"
#include "vfs/file/plain_file.h"
#include "vfs/file/unsaved_text.h"
#include "vfs/file/vmx_file.h"
#include "vfs/key/key_write.h"
#include "vfs/node/attr.h"
#include "vfs/node/node_path.h"
#include "vfs/refuse.h"
#include "vfs/tree/last_attrs.h"
#include "vfs/tree/server_attrs.h"
#include "vfs/tree/views.h"

enum { READ_MAX = 1 << 20 };

/* ---- entries */

/* The kernel's own bound on what it asks for ahead is for disks. A write is what one request to the
 * server holds, so that the link is busy while the next one is copied. */
static void op_init(void *userdata, struct fuse_conn_info *connection)
{
    enum { BACKGROUND = 256 };
    (void)userdata;
    fuse_library_want_parallel(connection);
    connection->max_write = REMOTE_WRITE_SIZE;
    connection->max_background = BACKGROUND;
    connection->congestion_threshold = BACKGROUND / 4 * 3;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *dir = node_of(rq.vfs, parent);
    struct fuse_entry_param entry;
    int r = look_up(&rq, dir, name, &entry);
    reply_entry(&rq, r, &entry);
}

static void op_forget_multi(fuse_req_t req, size_t n, struct fuse_forget_data *forgets)
{
    struct vfs *vfs = fuse_req_userdata(req);
    for (size_t i = 0; i < n; i++) {
        if (forgets[i].ino != FUSE_ROOT_ID)
            forget_entry(vfs, node_of(vfs, forgets[i].ino), forgets[i].nlookup);
    }
    fuse_reply_none(req);
}

static void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t lookups)
{
    op_forget_multi(req, 1, &(struct fuse_forget_data){id, lookups});
}

/* What the kernel is told of a key is what fits the pages that it has (key_pages.h). */
static int key_attributes(struct request *rq, struct node *n, const struct handle *h,
                          struct found *ret)
{
    int r = key_pages_known(rq->vfs, n, h, &ret->st);
    if (r != 0)
        return r < 0 ? r : 0;
    r = n->ops->getattr(rq, n, ret);
    if (r == -ENOENT && !node_has_name(rq->vfs, n))
        r = key_pages_of_removed(rq->vfs, n, &ret->st);
    else if (r == 0 && !key_pages_tell(rq->vfs, n, &ret->st))
        ret->true_at = 0;
    return r;
}

static int attributes(struct request *rq, struct node *n, const struct handle *h, struct found *ret)
{
    if (n->ops->kind == KIND_SETTING)
        return key_attributes(rq, n, h, ret);
    int r = 0;
    bool holds = false;
    for (int i = 0; r == 0 && !holds && i < LOOKS_MAX; i++) {
        r = n->ops->getattr(rq, n, ret);
        if (r == 0)
            r = last_attrs_check_type(rq->vfs, n, &ret->st);
        else
            r = last_attrs_recall(rq->vfs, n, r, &ret->st);
        holds = r == 0 && last_attrs_remember(rq, n, ret);
    }
    if (r == -ENOENT && n->ops->type == S_IFDIR)
        r = last_attrs_of_removed(rq->vfs, n, &ret->st);
    if (r == 0 && n->ops->kind == KIND_VMX_FILE)
        vmx_file_own_size(rq, h, &ret->st);
    return r;
}

/* h: the handle that asks, if known. gone: what to say of what is not there any more. */
static void reply_attr(struct request *rq, struct node *n, const struct handle *h, int gone)
{
    struct found found = {0};
    int r = attributes(rq, n, h, &found);
    attr_of_node(rq->vfs, n, &found.st);
    if (!rq->fuse)
        return;
    if (r == -ESTALE)
        fuse_reply_err(rq->fuse, ESTALE);
    else if (r == -ENOENT)
        fuse_reply_err(rq->fuse, gone);
    else if (r < 0)
        reply(rq->fuse, r);
    else
        fuse_reply_attr(rq->fuse, &found.st, attr_timeout(rq->vfs, found.true_at));
}

/* Whether the caller is in a group. */
static bool has_group(const struct request *rq, gid_t group)
{
    enum { GROUPS_MAX = 65536 }; /* as many as Linux has of one process */
    FREE_AUTO gid_t *groups = rq->gid == group ? NULL : calloc(GROUPS_MAX, sizeof(*groups));
    int n = groups ? fuse_req_getgroups(rq->fuse, GROUPS_MAX, groups) : 0;
    for (int i = 0; i < n && i < GROUPS_MAX; i++) {
        if (groups[i] == group)
            return true;
    }
    return rq->gid == group;
}

/* As the kernel does it (path_resolution(7)); mask: R_OK, ... 0, -EACCES. */
static int judge(const struct request *rq, const struct stat *st, int mask)
{
    const mode_t anybody = S_IXUSR | S_IXGRP | S_IXOTH;
    const bool is_dir = S_ISDIR(st->st_mode);
    mode_t bits = st->st_mode;
    if (rq->uid == 0)
        return !(mask & X_OK) || is_dir || bits & anybody ? 0 : -EACCES;
    if (rq->uid == st->st_uid)
        bits >>= 6;
    else if (has_group(rq, st->st_gid))
        bits >>= 3;
    return (unsigned)mask & ~bits & (R_OK | W_OK | X_OK) ? -EACCES : 0;
}

/* The attributes that a caller's rights are judged by. chdir(2) asks as well, for the right to
 * search a directory, and is to cost nothing: each use of a name in it is judged by the server. */
static int judged_attributes(struct request *rq, struct node *n, int mask, struct found *ret)
{
    const bool searches = n->ops->type == S_IFDIR && mask == X_OK;
    if (last_attrs_still(rq->vfs, n, searches, &ret->st))
        return 0;
    if (searches && n == rq->vfs->root && is_used(rq->vfs))
        return server_show(rq, "", remote_root_attrs(rq->vfs->remote), false, &ret->st);
    return attributes(rq, n, NULL, ret);
}

/* access(2), and chdir(2); not where the kernel judges by itself (default_permissions). */
static void op_access(fuse_req_t req, fuse_ino_t id, int mask)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *n = node_of(rq.vfs, id);
    struct found found = {0};
    int r = judged_attributes(&rq, n, mask, &found) ?: judge(&rq, &found.st, mask);
    if (r == -ESTALE || r == -ENOENT) /* as in op_getattr */
        fuse_reply_err(req, node_has_name(rq.vfs, n) ? ESTALE : ENOENT);
    else
        reply(req, r);
}

static void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *n = node_of(rq.vfs, id);
    /* The kernel believes the name to be there: after ESTALE it looks it up again. */
    reply_attr(&rq, n, handle_of(fi), node_has_name(rq.vfs, n) ? ESTALE : ENOENT);
}

/* A handle that writes to a .vmx goes on doing so, whatever a rename has made of its node. */
static const struct node_ops *ops_of(const struct node *n, const struct handle *h)
{
    return h && h->unsaved ? &vmx_file_ops : n->ops;
}

/* Where all belongs to who mounts a chown to that owner is made without anybody being asked, and is
 * no part of *valid any more. 0, -EPERM. */
static int own(struct request *rq, struct node *n, const struct stat *st, int *valid)
{
    struct diag diag = {0};
    const struct owners *owners = &rq->vfs->options.owners;
    if (owners->idmap != IDMAP_MOUNTER)
        return 0;
    if (owners_are_mounters(owners, st, *valid)) {
        *valid &= ~(FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID);
        return 0;
    }
    diag_set(&diag,
             "all files are shown as those of who mounts; to see and change whose they are on the "
             "server, mount with -o idmap=none");
    FREE_AUTO char *path = node_path(rq->vfs, n);
    return refuse_once(rq, path, -EPERM, &diag);
}

static int set_attributes(struct request *rq, struct node *n, struct handle *h,
                          const struct stat *st, int valid)
{
    const struct node_ops *ops = ops_of(n, h);
    int r = own(rq, n, st, &valid);
    return r < 0 || !valid || !ops->setattr ? r : ops->setattr(rq, n, h, st, valid);
}

static void op_setattr(fuse_req_t req, fuse_ino_t id, struct stat *st, int valid,
                       struct fuse_file_info *fi)
{
    struct request rq;
    struct node *n = node_of(fuse_req_userdata(req), id);
    change_begin(&rq, req, n, NULL, handle_of(fi));
    int r = rename_lock_enter(&rq, NULL);
    if (r == 0) {
        r = set_attributes(&rq, n, handle_of(fi), st, valid);
        rename_lock_leave(&rq);
    }
    if (r == 0)
        views_changed(rq.vfs, n);
    if (rq.fuse && r == -ESTALE)
        fuse_reply_err(rq.fuse, ESTALE);
    else if (r < 0)
        reply_change(&rq, n, NULL, r);
    else if (rq.fuse)
        reply_attr(&rq, n, handle_of(fi), ENOENT);
    change_end(&rq);
}

static void op_readlink(fuse_req_t req, fuse_ino_t id)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *n = node_of(rq.vfs, id);
    BUF_AUTO text = {0};
    int r = n->ops->readlink ? n->ops->readlink(&rq, n, &text) : -EINVAL;
    if (r < 0)
        reply(req, r);
    else
        fuse_reply_readlink(req, text.data ? text.data : "");
}

/* ---- files */

/* A text that is made at open has no pages, but for a key's, which may be kept. */
static bool is_direct(const struct node *n, const struct handle *h)
{
    if (n->ops->kind == KIND_FILE || n->ops->kind == KIND_SCRATCH)
        return h->direct;
    return h->io != IO_PAGED;
}

/* How the kernel shall treat an open file: a reader needs no flush. */
static void set_up(const struct node *n, struct handle *h, struct fuse_file_info *fi)
{
    fi->fh = (uint64_t)(uintptr_t)h;
    fi->direct_io = is_direct(n, h);
    fi->keep_cache = h->keep;
    fi->noflush = !h->writes;
}

/* Ends an open file. Nobody waits for that; but what it commits takes the rename lock, as any
 * change does. */
static void release(const struct request *rq, struct node *n, struct handle *h)
{
    struct request own = *rq;
    own.fuse = NULL;
    own.wait.interrupted = NULL;
    own.nodes[0] = n;
    own.nodes[1] = NULL;
    own.by = h && h->writes ? &h->by : NULL; /* the kernel does it by itself */
    const struct node_ops *ops =
        h && h->key ? &key_ops : ops_of(n, h); /* a rename may have changed them */
    bool passed = h && h->writes && rename_lock_enter(&own, NULL) == 0;
    if (ops->release)
        ops->release(&own, n, h);
    if (passed)
        rename_lock_leave(&own);
    handle_free(rq->vfs, h);
}

/* Takes back that an open has truncated or created a text, where its caller is told that it failed:
 * nothing of it is committed. */
static void uncreate(struct request *rq, struct node *dir, struct handle *h)
{
    if (h->key)
        key_uncreate(rq, dir, h);
    else if (h->unsaved)
        unsaved_text_end(rq, h->node, h);
}

/* Ends an open that nobody knows of: its caller was answered before it was done, or is not
 * connected any more. */
static void take_open_back(struct request *rq, struct node *n, struct handle *h)
{
    uncreate(rq, n->parent, h);
    release(rq, n, h);
}

/* n may be NULL: it is to be made. */
static struct handle *begin_open(const struct request *rq, struct node *n, int flags)
{
    struct handle *h = handle_new(rq->vfs, n, flags);
    if (h && h->writes)
        h->by = caller_by(rq);
    return h;
}

static void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct request rq;
    struct node *n = node_of(fuse_req_userdata(req), id);
    if (fi->flags & O_TRUNC)
        change_begin(&rq, req, n, NULL, NULL);
    else
        request_begin(&rq, req);
    struct handle *h = begin_open(&rq, n, fi->flags);
    int r = !h ? -ENOMEM : n->ops->open ? n->ops->open(&rq, n, fi->flags, h) : -EPERM;
    if (r == 0) {
        set_up(n, h, fi);
        if (!rq.fuse || fuse_reply_open(rq.fuse, fi) == -ENOENT)
            take_open_back(&rq, n, h);
    } else {
        handle_free(rq.vfs, h);
    }
    /* The kernel believed it to be there: after ESTALE it looks again, and creates it if that is
     * what the caller asked for. */
    if (rq.fuse && !rq.again && (r == -ENOENT || r == -ESTALE))
        fuse_reply_err(rq.fuse, ESTALE);
    else if (r < 0 && fi->flags & (O_WRONLY | O_RDWR | O_TRUNC))
        reply_change(&rq, n, NULL, r);
    else if (r < 0)
        reply(rq.fuse, r);
    change_end(&rq);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi)
{
    struct request rq;
    struct node *dir = node_of(fuse_req_userdata(req), parent);
    struct found found = {0};
    struct fuse_entry_param entry;
    change_begin(&rq, req, dir, NULL, NULL);
    struct handle *h = begin_open(&rq, NULL, fi->flags);
    int r = h ? rename_lock_enter(&rq, NULL) : -ENOMEM;
    if (r == 0) {
        r = dir->ops->create ? dir->ops->create(&rq, dir, name, mode, fi->flags, h, &found)
                             : refuse_here(&rq, dir, name);
        rename_lock_leave(&rq);
    }
    struct node *held = h ? h->node : NULL;
    if (r == 0) {
        r = make_entry(&rq, dir, name, &found, &entry);
        if (r >= 0 && held && node_of(rq.vfs, entry.ino) != held) {
            take_back(rq.vfs, entry.ino);
            r = -ESTALE; /* it lost its name as it was opened */
        }
        if (r < 0)
            uncreate(&rq, dir, h);
    }
    node_unref(rq.vfs, held);
    if (r < 0) {
        handle_free(rq.vfs, h);
        reply_change(&rq, dir, name, r);
        change_end(&rq);
        return;
    }
    struct node *n = node_of(rq.vfs, entry.ino);
    h->node = n;
    if (n->ops->kind == KIND_SETTING)
        key_pages_count(rq.vfs, h);
    else if (n->ops->kind == KIND_FILE)
        file_created(rq.vfs, n, h);
    set_up(n, h, fi);
    if (!rq.fuse || fuse_reply_create(rq.fuse, &entry, fi) == -ENOENT) {
        take_open_back(&rq, n, h);
        take_back(rq.vfs, entry.ino);
    }
    change_end(&rq);
}

static void reply_part(fuse_req_t req, struct span text, off_t offset, size_t size)
{
    size_t at = (size_t)offset < text.n ? (size_t)offset : text.n;
    size_t left = text.n - at;
    fuse_reply_buf(req, left ? text.p + at : NULL, left < size ? left : size);
}

static void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *n = node_of(rq.vfs, id);
    struct handle *h = handle_of(fi);
    if (h && h->io == IO_PAGED) {
        reply_part(req, key_pages_text(n), offset, size);
        return;
    }
    BUF_AUTO bytes = {0};
    int r = -EINVAL;
    const struct node_ops *ops = ops_of(n, h);
    if (size <= READ_MAX && ops->read)
        r = ops->read(&rq, n, h, offset, size, &bytes);
    if (r < 0)
        reply(req, r);
    else
        fuse_reply_buf(req, bytes.data, bytes.len);
}

static void op_write(fuse_req_t req, fuse_ino_t id, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
    struct request rq;
    struct node *n = node_of(fuse_req_userdata(req), id);
    const struct node_ops *ops = ops_of(n, handle_of(fi));
    change_begin(&rq, req, n, NULL, handle_of(fi));
    rq.mapped = fi->writepage;
    int r = rename_lock_enter(&rq, NULL);
    if (r == 0) {
        r = ops->write ? ops->write(&rq, n, handle_of(fi), offset, (struct span){data, size})
                       : -EPERM;
        rename_lock_leave(&rq);
    }
    if (r < 0)
        reply_change(&rq, n, NULL, r);
    else if (rq.fuse)
        fuse_reply_write(rq.fuse, size);
    change_end(&rq);
}

/* Between two plain files, by the server. Upon -EOPNOTSUPP the kernel reads and writes, and asks
 * again for the next file, which it would not do after ENOSYS. The descriptor that is read may be
 * closed before this ends, where its owner is killed. */
static void op_copy_file_range(fuse_req_t req, fuse_ino_t from_id, off_t from_offset,
                               struct fuse_file_info *from_fi, fuse_ino_t id, off_t offset,
                               struct fuse_file_info *fi, size_t size, int flags)
{
    struct request rq;
    struct node *n = node_of(fuse_req_userdata(req), id);
    struct handle *h = handle_of(fi);
    const struct handle *from_h = handle_of(from_fi);
    uint64_t copied = 0;
    (void)from_id;
    (void)flags;
    if (!h->file || !from_h->file) {
        reply(req, -EOPNOTSUPP);
        return;
    }
    struct remote_file *from = remote_file_ref(from_h->file);
    change_begin(&rq, req, n, NULL, h);
    int r = rename_lock_enter(&rq, NULL);
    if (r == 0) {
        r = file_copy(&rq, n, h, offset, from, from_offset, size, &copied);
        rename_lock_leave(&rq);
    }
    if (r == -EOPNOTSUPP)
        reply(rq.fuse, r);
    else if (r < 0)
        reply_change(&rq, n, NULL, r);
    else if (rq.fuse)
        fuse_reply_write(rq.fuse, copied);
    change_end(&rq);
    remote_file_free(from);
}

/* A descriptor is closed (flush), or synced. */
static void complete(fuse_req_t req, fuse_ino_t id, struct handle *h, bool flushes)
{
    struct request rq;
    struct node *n = node_of(fuse_req_userdata(req), id);
    const struct node_ops *ops = ops_of(n, h);
    int (*act)(struct request *rq, struct node *n, struct handle *h) =
        flushes ? ops->flush : ops->fsync;
    change_begin(&rq, req, n, NULL, h);
    /* What was written to a plain file was taken: its writer must not hear that it was not. */
    rq.committed = n->ops->kind == KIND_FILE && h->writes;
    bool killed = flushes && caller_is_killed(&rq);
    int r = killed ? 0 : rename_lock_enter(&rq, NULL);
    if (killed) { /* it does not end before this is answered */
        if (ops->drop)
            ops->drop(&rq, n, h);
    } else if (r == 0) {
        r = act ? act(&rq, n, h) : 0;
        rename_lock_leave(&rq);
    }
    reply_change(&rq, n, NULL, r);
    change_end(&rq);
}

static void op_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    complete(req, id, handle_of(fi), true);
}

static void op_fsync(fuse_req_t req, fuse_ino_t id, int data_only, struct fuse_file_info *fi)
{
    (void)data_only;
    complete(req, id, handle_of(fi), false);
}

/* SFTP reserves no space. Programs write zeros then, but for what could never be written. */
static void op_fallocate(fuse_req_t req, fuse_ino_t id, int mode, off_t offset, off_t length,
                         struct fuse_file_info *fi)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *n = node_of(rq.vfs, id);
    const uint64_t size = (uint64_t)offset + (uint64_t)length;
    (void)fi;
    FREE_AUTO char *path = n->ops->kind == KIND_FILE ? node_path(rq.vfs, n) : NULL;
    const bool huge = path && mode == 0 &&
                      remote_size_error(rq.vfs->remote, path, size, &rq.wait, -EREMOTEIO) == -EFBIG;
    reply(req, huge ? -EFBIG : -EOPNOTSUPP);
}

static void op_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *n = node_of(rq.vfs, id);
    struct handle *h = handle_of(fi);
    if (h)
        change_await(rq.vfs, h);
    release(&rq, n, h);
    reply(req, 0);
}

static void op_statfs(fuse_req_t req, fuse_ino_t id)
{
    struct request rq;
    request_begin(&rq, req);
    struct sftp_statvfs fs;
    struct statvfs out = {.f_namemax = 255, .f_bsize = 4096, .f_frsize = 4096};
    FREE_AUTO char *path = node_path(rq.vfs, node_of(rq.vfs, id));
    int r = !path              ? -ENOMEM
            : !is_used(rq.vfs) ? -EOPNOTSUPP
                               : remote_statvfs(rq.vfs->remote, path, &rq.wait, &fs);
    if (r == -ENOENT || r == -ENOTDIR) /* removed, or shown by vmxfs alone */
        r = remote_statvfs(rq.vfs->remote, "", &rq.wait, &fs);
    if (r == 0)
        attr_space(&fs, &out);
    if (r < 0 && r != -EOPNOTSUPP)
        reply(req, r);
    else
        fuse_reply_statfs(req, &out);
}

const struct fuse_lowlevel_ops *vfs_operations(void)
{
    static const struct fuse_lowlevel_ops operations = {
        .init = op_init,
        .lookup = op_lookup,
        .forget = op_forget,
        .forget_multi = op_forget_multi,
        .getattr = op_getattr,
        .access = op_access,
        .setattr = op_setattr,
        .readlink = op_readlink,
        .mknod = op_mknod,
        .mkdir = op_mkdir,
        .unlink = op_unlink,
        .rmdir = op_rmdir,
        .symlink = op_symlink,
        .rename = op_rename,
        .link = op_link,
        .open = op_open,
        .create = op_create,
        .read = op_read,
        .write = op_write,
        .flush = op_flush,
        .fsync = op_fsync,
        .fallocate = op_fallocate,
        .copy_file_range = op_copy_file_range,
        .release = op_release,
        .opendir = op_opendir,
        .readdir = op_readdir,
        .readdirplus = op_readdirplus,
        .releasedir = op_releasedir,
        .statfs = op_statfs,
    };
    return &operations;
}
