/* SPDX-License-Identifier: MIT */
/* Plain files and symbolic links of the server. */
#include "plain_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "file_pages.h"
#include "open_files.h"
#include "remote/file/file_copy.h"
#include "remote/names/paths.h"
#include "vfs/node/attr.h"
#include "vfs/node/node_names.h"
#include "vfs/node/node_path.h"
#include "vfs/recent.h"
#include "vfs/refuse.h"
#include "vfs/tree/server_attrs.h"
#include "vfs/tree/views.h"

enum { REPLACED_MAX = 5 }; /* times in a row, between an open and what it is compared with */

int file_lookup_open(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    struct sftp_attrs attrs;
    int64_t now = clock_ms();
    struct node *n = node_find(rq->vfs, dir, name);
    bool named = false;
    int r = n && n->ops->kind == KIND_FILE && !n->target ? open_files_look(rq, n, &attrs, &named)
                                                         : -ENODATA;
    node_unref(rq->vfs, n);
    if (!named) /* whatever became of the file that had the name */
        return -ENODATA;
    if (r < 0)
        return r;
    if (remote_is_vmx(rq->vfs->remote, name, &attrs))
        return -ENODATA;
    ret->ops = &file_ops;
    ret->true_at = now;
    FREE_AUTO char *path = node_child_path(rq->vfs, dir, name);
    return server_show(rq, path, &attrs, false, &ret->st);
}

static int getattr_open(struct request *rq, struct node *n, struct found *ret)
{
    struct sftp_attrs attrs;
    const bool had_name = node_has_name(rq->vfs, n);
    bool named = true;
    int r = 0;
    if (!open_files_as_opened(rq, n, &attrs, &ret->true_at)) {
        ret->true_at = clock_ms();
        r = open_files_look(rq, n, &attrs, &named);
    }
    /* A file that the lost link took from its handles has lost its name just now, so a caller that
     * asks by name must look it up anew. */
    if (r < 0 && r != -ENODATA && had_name && !named)
        return -ESTALE;
    if (r < 0)
        return r;
    FREE_AUTO char *path = node_path(rq->vfs, n);
    r = server_show(rq, path, &attrs, false, &ret->st);
    if (!named)
        ret->st.st_nlink = 0;
    return r;
}

static int file_getattr(struct request *rq, struct node *n, struct found *ret)
{
    int r = getattr_open(rq, n, ret);
    rq->by_name = r == -ENODATA;
    if (!rq->by_name)
        return r;
    return node_has_name(rq->vfs, n) ? server_getattr(rq, n, ret) : -ESTALE;
}

/* Whether the file's bytes may be changed through its handle. */
static int check_no_vmx(const struct remote_file *file, struct diag *diag)
{
    if (!remote_file_is_vmx(file))
        return 0;
    diag_set(
        diag,
        "the file was renamed to a .vmx while it was open; open it by that name, so that it is "
        "replaced in one piece");
    return -EBUSY;
}

/* None of its names may be that of a file of a VM in use. */
static int check_names_unused(struct request *rq, struct node *n, const char *path)
{
    size_t names;
    char **paths;
    int r = check_unused(rq, path) ?: node_further_paths(rq->vfs, n, &paths, &names);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < names; i++)
        r = check_unused(rq, paths[i]);
    node_free_paths(paths, names);
    return r;
}

/* The size is set by name, and the handles that are open only read. */
static int truncate_by_name(struct request *rq, struct node *n, const char *path,
                            const struct stat *st, int valid)
{
    struct sftp_attrs attrs;
    bool named = false;
    int r = open_files_look(rq, n, &attrs, &named);
    if (r < 0)
        return r;
    return named ? server_set_attrs(rq, path, NULL, st, valid) : -ESTALE;
}

static int file_setattr(struct request *rq, struct node *n, struct handle *h, const struct stat *st,
                        int valid)
{
    struct diag diag = {0};
    FREE_AUTO char *path = node_path(rq->vfs, n);
    if (!path)
        return -ENOMEM;
    const bool named = node_has_name(rq->vfs, n);
    const bool truncates = valid & FUSE_SET_ATTR_SIZE;
    if (truncates && !h && !named) /* by a name that another file has got */
        return -ESTALE;
    int r = h ? 0 : names_check_all(rq, n);
    if (r == 0 && truncates && named)
        r = check_names_unused(rq, n, path);
    if (r < 0)
        return r;
    struct remote_file *file =
        h && h->file ? remote_file_ref(h->file) : open_files_with(rq->vfs, n, false, true);
    const bool only_read = !file;
    if (!file)
        file = open_files_any(rq->vfs, n);
    if (file && only_read && truncates)
        r = truncate_by_name(rq, n, path, st, valid);
    else if (file) /* so that it is this file whatever has its name */
        r = (truncates ? check_no_vmx(file, &diag) : 0)
                ?: server_set_attrs(rq, path, file, st, valid);
    else
        r = named ? server_set_attrs(rq, path, NULL, st, valid) : -ESTALE;
    remote_file_free(file);
    return r == -ESTALE ? r : refuse(rq, path, NULL, r, &diag);
}

uint32_t file_open_flags(const struct handle *h)
{
    return (h->reads ? SFTP_OPEN_READ : 0) | (h->writes ? SFTP_OPEN_WRITE : 0);
}

static int open_by_path(struct request *rq, struct node *n, const char *path, int flags,
                        struct handle *h)
{
    const uint32_t open_flags = file_open_flags(h) | (flags & O_TRUNC ? SFTP_OPEN_TRUNC : 0);
    const bool changes = h->writes || flags & O_TRUNC;
    int r = changes && rq->vfs->options.read_only ? -EROFS : 0;
    if (r == 0 && changes) {
        r = check_names_unused(rq, n, path);
        if (r < 0)
            return r;
    }
    h->opened_at = clock_ms();
    r = r ?: remote_file_open(rq->vfs->remote, path, open_flags, &rq->wait, &h->file);
    if (r == -EREMOTEIO)
        return refuse_unread(rq, path);
    return r == -ESTALE ? r : refuse(rq, path, NULL, r, NULL);
}

static void forget_file(struct handle *h)
{
    remote_file_free(h->file);
    h->file = NULL;
}

static int add_open(struct request *rq, struct node *n, struct handle *h)
{
    int r = open_files_add(rq->vfs, n, h);
    if (r < 0)
        forget_file(h);
    return r;
}

static bool node_has_path(struct vfs *vfs, struct node *n, const char *path)
{
    FREE_AUTO char *now = node_has_name(vfs, n) ? node_path(vfs, n) : NULL;
    return now && strcmp(now, path) == 0;
}

/* Opens what has the node's name. -ESTALE: that is not what the node is, or no more: it was renamed
 * meanwhile, and another file can have got the name before it was opened. */
static int open_named(struct request *rq, struct node *n, const char *path, int flags,
                      struct handle *h)
{
    int r = node_has_name(rq->vfs, n) ? open_by_path(rq, n, path, flags, h) : -ESTALE;
    if (r == 0 && !node_has_path(rq->vfs, n, path)) {
        forget_file(h);
        r = -ESTALE;
    }
    return r ?: add_open(rq, n, h);
}

/* The kernel looks the name up anew after the first ESTALE, and tells the caller of the second. But
 * what it has found then had the name after the caller asked: others have it open, or it is only
 * known by its name, which another node has got meanwhile. */
static int open_replaced(struct request *rq, struct node *n, const char *path, int flags,
                         struct handle *h)
{
    int r = -ESTALE;
    h->direct = true; /* the file's pages may be another node's */
    for (int i = 0; r == -ESTALE && i < REPLACED_MAX; i++) {
        h->file = open_files_with(rq->vfs, n, h->reads, h->writes);
        r = h->file ? 0 : open_by_path(rq, n, path, flags, h);
        r = r ?: add_open(rq, n, h);
    }
    return r;
}

/* Whether the thread's last open of the path was answered with ESTALE, just now. */
static bool was_stale(struct request *rq, struct span opening)
{
    lock_take(&rq->vfs->lock);
    bool was = recent_find(rq->vfs, RECENT_STALE, NULL, opening) != NULL;
    if (was)
        recent_forget(rq->vfs, RECENT_STALE, NULL, opening);
    lock_drop(&rq->vfs->lock);
    return was;
}

static void note_stale(struct request *rq, struct span opening)
{
    lock_take(&rq->vfs->lock);
    if (rq->thread != 0)
        recent_note(rq->vfs, RECENT_STALE, NULL, opening, (struct recent_detail){0});
    lock_drop(&rq->vfs->lock);
}

static int file_open(struct request *rq, struct node *n, int flags, struct handle *h)
{
    FREE_AUTO char *path = node_path(rq->vfs, n);
    BUF_AUTO opening = {0};
    if (!path || buf_addf(&opening, "%d %s", (int)rq->thread, path) < 0)
        return -ENOMEM;
    rq->again = was_stale(rq, buf_span(&opening));
    int r = names_check_all(rq, n) ?: open_named(rq, n, path, flags, h);
    if (r == -ESTALE && rq->again && !(flags & O_TRUNC))
        r = open_replaced(rq, n, path, flags, h);
    if (!rq->again && (r == -ESTALE || r == -ENOENT))
        note_stale(rq, buf_span(&opening));
    if (r < 0)
        return r;
    const struct sftp_attrs *attrs = remote_file_opened_as(h->file);
    file_pages_open(rq->vfs, n, h->writes || h->direct ? NULL : attrs, h);
    return 0;
}

void file_found_created(struct vfs *vfs, struct node *dir, const char *name, bool made)
{
    struct node *n = node_find(vfs, dir, name);
    if (n && n->ops->kind == KIND_FILE && made)
        node_detach(vfs, dir, name);
    else if (n && n->ops->kind == KIND_FILE)
        open_files_check_name(vfs, n);
    node_unref(vfs, n);
}

void file_created(struct vfs *vfs, struct node *n, struct handle *h)
{
    open_files_adopt(vfs, n, h);
    file_pages_open(vfs, n, NULL, h);
}

static int file_read(struct request *rq, struct node *n, struct handle *h, off_t offset,
                     size_t size, struct buf *ret)
{
    file_pages_read(rq->vfs, n, h);
    int r = buf_reserve(ret, size);
    if (r < 0)
        return r;
    r = remote_file_read(h->file, (uint64_t)offset, size, &rq->wait, ret->data, &ret->len);
    return r;
}

static int file_write(struct request *rq, struct node *n, struct handle *h, off_t offset,
                      struct span data)
{
    struct diag diag = {0};
    const bool append = h->append && !rq->mapped;
    int r = check_no_vmx(h->file, &diag)
                ?: remote_file_write(h->file, (uint64_t)offset, append, data, &rq->wait);
    return refuse_written(rq, n, r, &diag);
}

int file_copy(struct request *rq, struct node *n, struct handle *h, off_t offset,
              struct remote_file *from, off_t from_offset, size_t size, uint64_t *ret)
{
    struct diag diag = {0};
    int r = check_no_vmx(h->file, &diag)
                ?: remote_file_copy(from, (uint64_t)from_offset, h->file, (uint64_t)offset, size,
                                    &rq->wait, ret);
    return r == -EOPNOTSUPP ? r : refuse_written(rq, n, r, &diag);
}

/* fs/remote reports lost data once. But the process that closes may be a child that got the
 * descriptor with a fork, and does not look. So each close reports it, until a sync did. */
static int tell_lost(struct vfs *vfs, struct handle *h, int r, bool syncs)
{
    lock_take(&vfs->lock);
    if (r < 0 && r != -EINTR)
        h->refused = r;
    else if (r == 0)
        r = h->refused;
    if (syncs)
        h->refused = 0;
    lock_drop(&vfs->lock);
    return r;
}

static int file_flush(struct request *rq, struct node *n, struct handle *h)
{
    if (!h->writes)
        return 0;
    int r = refuse_written(rq, n, remote_file_flush(h->file, &rq->wait), NULL);
    views_changed(rq->vfs, n);
    return tell_lost(rq->vfs, h, r, false);
}

static int file_fsync(struct request *rq, struct node *n, struct handle *h)
{
    int r = refuse_written(rq, n, remote_file_fsync(h->file, &rq->wait), NULL);
    return tell_lost(rq->vfs, h, r, true);
}

static void file_release(struct request *rq, struct node *n, struct handle *h)
{
    /* Errors that the flushes could not wait for; nobody else can be told any more. */
    if (h->writes)
        refuse_written(rq, n, remote_file_flush(h->file, &rq->wait), NULL);
    open_files_remove(rq->vfs, n, h);
    forget_file(h);
    file_pages_close(rq->vfs, n, h);
}

static int link_readlink(struct request *rq, struct node *n, struct buf *ret)
{
    FREE_AUTO char *path = node_path(rq->vfs, n);
    int r = path ? remote_readlink(rq->vfs->remote, path, &rq->wait, ret) : -ENOMEM;
    if (r != -EPERM)
        return r;
    struct diag diag = {0};
    diag_set(&diag,
             "the link may lead out of the mount, to %.100s; to see it, mount with "
             "-o transform_symlinks (absolute links into the mount) or no_contain_symlinks",
             ret->data);
    return refuse(rq, path, NULL, r, &diag);
}

const struct node_ops file_ops = {
    .kind = KIND_FILE,
    .type = S_IFREG,
    .named = true,
    .getattr = file_getattr,
    .setattr = file_setattr,
    .open = file_open,
    .read = file_read,
    .write = file_write,
    .flush = file_flush,
    .fsync = file_fsync,
    .release = file_release,
};

const struct node_ops link_ops = {
    .kind = KIND_LINK,
    .type = S_IFLNK,
    .named = true,
    .getattr = server_getattr,
    .setattr = server_set_link_attrs,
    .readlink = link_readlink,
};
