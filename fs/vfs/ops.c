/* SPDX-License-Identifier: MIT */
/*
 * libfuse's low-level operations: from a request to the operation of a node's kind, and back to the
 * reply. No lock is held across a reply: it may be the kernel's last reference, and a forget can
 * come before the reply function has returned.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ops.h"
#include "pages.h"
#include "remote/files.h"
#include "vmx.h"
#include "whole.h"

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

static void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct call c;
    call_begin(&c, request);
    struct node *dir = node_of(c.vfs, parent);
    struct fuse_entry_param entry;
    int r = look_up(&c, dir, name, &entry);
    reply_entry(&c, r, &entry);
}

static void op_forget(fuse_req_t request, fuse_ino_t id, uint64_t lookups)
{
    struct vfs *vfs = fuse_req_userdata(request);
    if (id != FUSE_ROOT_ID)
        node_forget(vfs, node_of(vfs, id), lookups);
    fuse_reply_none(request);
}

static void op_forget_multi(fuse_req_t request, size_t n, struct fuse_forget_data *forgets)
{
    struct vfs *vfs = fuse_req_userdata(request);
    for (size_t i = 0; i < n; i++) {
        if (forgets[i].ino != FUSE_ROOT_ID)
            node_forget(vfs, node_of(vfs, forgets[i].ino), forgets[i].nlookup);
    }
    fuse_reply_none(request);
}

/* What the kernel is told of a key is what fits the pages that it has (pages.h). */
static int key_attributes(struct call *c, struct node *n, const struct handle *h, struct stat *ret,
                          int64_t *ret_true_at)
{
    int r = pages_known(c->vfs, n, h, ret);
    if (r != 0)
        return r < 0 ? r : 0;
    r = n->ops->getattr(c, n, ret, ret_true_at);
    if (r == -ENOENT && !node_has_name(c->vfs, n))
        r = pages_of_removed(c->vfs, n, ret);
    else if (r == 0 && !pages_tell(c->vfs, n, ret))
        *ret_true_at = 0;
    return r;
}

static int attributes(struct call *c, struct node *n, const struct handle *h, struct stat *ret,
                      int64_t *ret_true_at)
{
    if (n->ops->kind == KIND_SETTING)
        return key_attributes(c, n, h, ret, ret_true_at);
    int r = 0;
    bool holds = false;
    for (int i = 0; r == 0 && !holds && i < LOOKS_MAX; i++) {
        r = n->ops->getattr(c, n, ret, ret_true_at);
        if (r == 0)
            r = told_check_type(c->vfs, n, ret);
        else
            r = told_recall(c->vfs, n, r, ret);
        holds = r == 0 && told_remember(c, n, ret);
    }
    if (r == -ENOENT && n->ops->type == S_IFDIR)
        r = told_of_removed(c->vfs, n, ret);
    if (r == 0 && n->ops->kind == KIND_VMX_FILE)
        whole_own_size(c, h, ret);
    return r;
}

/* h: who asks, if known. gone: what to say of what is not there any more. */
static void reply_attr(struct call *c, struct node *n, const struct handle *h, int gone)
{
    struct stat st = {0};
    int64_t true_at = 0;
    int r = attributes(c, n, h, &st, &true_at);
    st.st_ino = n->ino;
    if (!c->request)
        return;
    if (r == -ESTALE)
        fuse_reply_err(c->request, ESTALE);
    else if (r == -ENOENT)
        fuse_reply_err(c->request, gone);
    else if (r < 0)
        reply(c->request, r);
    else
        fuse_reply_attr(c->request, &st, attr_timeout(c->vfs, true_at));
}

static void op_getattr(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct call c;
    call_begin(&c, request);
    struct node *n = node_of(c.vfs, id);
    /* The kernel believes the name to be there: after ESTALE it looks it up again. */
    reply_attr(&c, n, handle_of(fi), node_has_name(c.vfs, n) ? ESTALE : ENOENT);
}

/* What writes to a .vmx goes on doing so, whatever a rename has made of its node. */
static const struct node_ops *ops_of(const struct node *n, const struct handle *h)
{
    return h && h->whole ? &whole_ops : n->ops;
}

static void op_setattr(fuse_req_t request, fuse_ino_t id, struct stat *st, int valid,
                       struct fuse_file_info *fi)
{
    struct call c;
    struct node *n = node_of(fuse_req_userdata(request), id);
    const struct node_ops *ops = ops_of(n, handle_of(fi));
    change_begin(&c, request, n, NULL, handle_of(fi));
    int r = gate_enter(&c, NULL);
    if (r == 0) {
        r = ops->setattr ? ops->setattr(&c, n, handle_of(fi), st, valid) : 0;
        gate_leave(&c);
    }
    if (r == 0)
        views_changed(c.vfs, n);
    if (c.request && r == -ESTALE)
        fuse_reply_err(c.request, ESTALE);
    else if (r < 0)
        reply_change(&c, n, NULL, r);
    else if (c.request)
        reply_attr(&c, n, handle_of(fi), ENOENT);
    change_end(&c);
}

static void op_readlink(fuse_req_t request, fuse_ino_t id)
{
    struct call c;
    call_begin(&c, request);
    struct node *n = node_of(c.vfs, id);
    BUF_AUTO text = {0};
    int r = n->ops->readlink ? n->ops->readlink(&c, n, &text) : -EINVAL;
    if (r < 0)
        reply(request, r);
    else
        fuse_reply_readlink(request, text.data ? text.data : "");
}

/* ---- files */

/* What is made at open has no pages, but for a key's text that may be kept. */
static bool is_direct(const struct node *n, const struct handle *h)
{
    if (n->ops->kind == KIND_FILE || n->ops->kind == KIND_SCRATCH)
        return h->direct;
    return h->io != IO_PAGED;
}

/* How the kernel shall treat an open file: who only reads needs no flush. */
static void set_up(const struct node *n, struct handle *h, struct fuse_file_info *fi)
{
    fi->fh = (uint64_t)(uintptr_t)h;
    fi->direct_io = is_direct(n, h);
    fi->keep_cache = h->keep;
    fi->noflush = !h->writes;
}

/* Ends an open file. Nobody waits for that; but what it commits passes the gate, as any change. */
static void release(const struct call *c, struct node *n, struct handle *h)
{
    struct call own = *c;
    own.request = NULL;
    own.wait.interrupted = NULL;
    own.nodes[0] = n;
    own.nodes[1] = NULL;
    const struct node_ops *ops =
        h && h->key ? &key_ops : ops_of(n, h); /* a rename may have changed them */
    bool passed = h && h->writes && gate_enter(&own, NULL) == 0;
    if (ops->release)
        ops->release(&own, n, h);
    if (passed)
        gate_leave(&own);
    handle_free(c->vfs, h);
}

/* Takes back that an open has cut or created a text, where its caller is told that it failed:
 * nothing of it is committed. */
static void uncreate(struct call *c, struct node *dir, struct handle *h)
{
    if (h->key)
        key_uncreate(c, dir, h);
    else if (h->whole)
        whole_uncreate(c, h);
}

/* Ends an open that nobody knows of: its caller was answered before it was done, or is not
 * connected any more. */
static void take_open_back(struct call *c, struct node *n, struct handle *h)
{
    uncreate(c, n->parent, h);
    release(c, n, h);
}

static void reply_open(struct call *c, struct node *n, struct handle *h, struct fuse_file_info *fi)
{
    set_up(n, h, fi);
    if (!c->request || fuse_reply_open(c->request, fi) == -ENOENT)
        take_open_back(c, n, h);
}

static void op_open(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct call c;
    struct node *n = node_of(fuse_req_userdata(request), id);
    if (fi->flags & O_TRUNC)
        change_begin(&c, request, n, NULL, NULL);
    else
        call_begin(&c, request);
    struct handle *h = handle_new(c.vfs, n, fi->flags);
    int r = !h ? -ENOMEM : n->ops->open ? n->ops->open(&c, n, fi->flags, h) : -EPERM;
    if (r == 0)
        reply_open(&c, n, h, fi);
    else
        handle_free(c.vfs, h);
    /* The kernel believed it to be there: after ESTALE it looks again, and creates it if that is
     * what the caller asked for. */
    if (c.request && !c.again && (r == -ENOENT || r == -ESTALE))
        fuse_reply_err(c.request, ESTALE);
    else if (r < 0 && fi->flags & (O_WRONLY | O_RDWR | O_TRUNC))
        reply_change(&c, n, NULL, r);
    else if (r < 0)
        reply(c.request, r);
    change_end(&c);
}

static void op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi)
{
    struct call c;
    struct node *dir = node_of(fuse_req_userdata(request), parent);
    struct found found = {0};
    struct fuse_entry_param entry;
    change_begin(&c, request, dir, NULL, NULL);
    struct handle *h = handle_new(c.vfs, NULL, fi->flags);
    int r = h ? 0 : -ENOMEM;
    if (h && !dir->ops->create) {
        r = refuse_here(&c, dir, name);
    } else if (h) {
        r = gate_enter(&c, NULL);
        if (r == 0) {
            r = dir->ops->create(&c, dir, name, mode, fi->flags, h, &found);
            gate_leave(&c);
        }
    }
    struct node *held = h ? h->node : NULL;
    if (r == 0) {
        r = make_entry(&c, dir, name, &found, &entry);
        if (r >= 0 && held && node_of(c.vfs, entry.ino) != held) {
            take_back(c.vfs, entry.ino);
            r = -ESTALE; /* it lost its name as it was opened */
        }
        if (r < 0)
            uncreate(&c, dir, h);
    }
    node_unref(c.vfs, held);
    if (r < 0) {
        handle_free(c.vfs, h);
        reply_change(&c, dir, name, r);
        change_end(&c);
        return;
    }
    struct node *n = node_of(c.vfs, entry.ino);
    h->node = n;
    if (n->ops->kind == KIND_SETTING)
        pages_count(c.vfs, h);
    else if (n->ops->kind == KIND_FILE)
        file_created(c.vfs, n, h);
    set_up(n, h, fi);
    if (!c.request || fuse_reply_create(c.request, &entry, fi) == -ENOENT) {
        take_open_back(&c, n, h);
        take_back(c.vfs, entry.ino);
    }
    change_end(&c);
}

static void reply_part(fuse_req_t request, struct span text, off_t offset, size_t size)
{
    size_t at = (size_t)offset < text.n ? (size_t)offset : text.n;
    size_t left = text.n - at;
    fuse_reply_buf(request, left ? text.p + at : NULL, left < size ? left : size);
}

static void op_read(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    struct call c;
    call_begin(&c, request);
    struct node *n = node_of(c.vfs, id);
    struct handle *h = handle_of(fi);
    if (h && h->io == IO_PAGED) {
        reply_part(request, pages_text(n), offset, size);
        return;
    }
    BUF_AUTO bytes = {0};
    int r = -EINVAL;
    const struct node_ops *ops = ops_of(n, h);
    if (size <= READ_MAX && ops->read)
        r = ops->read(&c, n, h, offset, size, &bytes);
    if (r < 0)
        reply(request, r);
    else
        fuse_reply_buf(request, bytes.data, bytes.len);
}

static void op_write(fuse_req_t request, fuse_ino_t id, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
    struct call c;
    struct node *n = node_of(fuse_req_userdata(request), id);
    const struct node_ops *ops = ops_of(n, handle_of(fi));
    change_begin(&c, request, n, NULL, handle_of(fi));
    c.mapped = fi->writepage;
    int r = gate_enter(&c, NULL);
    if (r == 0) {
        r = ops->write ? ops->write(&c, n, handle_of(fi), offset, (struct span){data, size})
                       : -EPERM;
        gate_leave(&c);
    }
    if (r < 0)
        reply_change(&c, n, NULL, r);
    else if (c.request)
        fuse_reply_write(c.request, size);
    change_end(&c);
}

/* What was written to a plain file was taken: its writer must not hear that nothing was done. */
static void commit_writer(struct call *c, const struct node *n, const struct handle *h)
{
    c->committed = n->ops->kind == KIND_FILE && h->writes;
}

static void op_flush(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct call c;
    struct node *n = node_of(fuse_req_userdata(request), id);
    const struct node_ops *ops = ops_of(n, handle_of(fi));
    change_begin(&c, request, n, NULL, handle_of(fi));
    commit_writer(&c, n, handle_of(fi));
    bool killed = call_is_killed(&c);
    int r = killed ? 0 : gate_enter(&c, NULL);
    if (killed) { /* it does not end before this is answered */
        if (ops->drop)
            ops->drop(&c, n, handle_of(fi));
    } else if (r == 0) {
        r = ops->flush ? ops->flush(&c, n, handle_of(fi)) : 0;
        gate_leave(&c);
    }
    reply_change(&c, n, NULL, r);
    change_end(&c);
}

static void op_fsync(fuse_req_t request, fuse_ino_t id, int data_only, struct fuse_file_info *fi)
{
    struct call c;
    struct node *n = node_of(fuse_req_userdata(request), id);
    const struct node_ops *ops = ops_of(n, handle_of(fi));
    (void)data_only;
    change_begin(&c, request, n, NULL, handle_of(fi));
    commit_writer(&c, n, handle_of(fi));
    int r = gate_enter(&c, NULL);
    if (r == 0) {
        r = ops->fsync ? ops->fsync(&c, n, handle_of(fi)) : 0;
        gate_leave(&c);
    }
    reply_change(&c, n, NULL, r);
    change_end(&c);
}

static void op_release(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct call c;
    call_begin(&c, request);
    struct node *n = node_of(c.vfs, id);
    struct handle *h = handle_of(fi);
    if (h)
        change_await(c.vfs, h);
    release(&c, n, h);
    reply(request, 0);
}

static void op_statfs(fuse_req_t request, fuse_ino_t id)
{
    struct call c;
    call_begin(&c, request);
    struct sftp_statvfs fs;
    struct statvfs out = {.f_namemax = 255, .f_bsize = 4096, .f_frsize = 4096};
    FREE_AUTO char *path = node_path(c.vfs, node_of(c.vfs, id));
    int r = path ? remote_statvfs(c.vfs->remote, path, &c.wait, &fs) : -ENOMEM;
    if (r == -ENOENT || r == -ENOTDIR) /* removed, or shown by vmxfs alone */
        r = remote_statvfs(c.vfs->remote, "", &c.wait, &fs);
    if (r == 0)
        attr_space(&fs, &out);
    if (r < 0 && r != -EOPNOTSUPP)
        reply(request, r);
    else
        fuse_reply_statfs(request, &out);
}

const struct fuse_lowlevel_ops *vfs_operations(void)
{
    static const struct fuse_lowlevel_ops operations = {
        .init = op_init,
        .lookup = op_lookup,
        .forget = op_forget,
        .forget_multi = op_forget_multi,
        .getattr = op_getattr,
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
        .release = op_release,
        .opendir = op_opendir,
        .readdir = op_readdir,
        .readdirplus = op_readdirplus,
        .releasedir = op_releasedir,
        .statfs = op_statfs,
    };
    return &operations;
}
