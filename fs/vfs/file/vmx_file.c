/* SPDX-License-Identifier: MIT */
#include "vmx_file.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/cache/listing.h"
#include "remote/file/files.h"
#include "unsaved_text.h"
#include "vfs/node/attr.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"
#include "vfs/tree/server_attrs.h"
#include "vmx_file_change.h"

enum { RELEASE_MS = 250 };

/* ---- the commit */

/* The text that was read in the node a short while ago, once. False: there is none. */
static bool take_read(struct vfs *vfs, struct node *n, struct fingerprint *ret)
{
    if (!n)
        return false;
    lock_take(&vfs->lock);
    const struct recent_detail *detail = recent_find(vfs, RECENT_READ, n, (struct span){0});
    const bool known = detail != NULL;
    if (known)
        *ret = detail->read;
    recent_forget(vfs, RECENT_READ, n, (struct span){0});
    lock_drop(&vfs->lock);
    return known;
}

static void note_read(struct vfs *vfs, struct node *n, struct document *doc)
{
    const struct recent_detail detail = {.read = fingerprint_of(vmx_dict_text(doc->dict))};
    lock_take(&vfs->lock);
    recent_note(vfs, RECENT_READ, n, (struct span){0}, detail);
    lock_drop(&vfs->lock);
}

int vmx_file_install(struct request *rq, const char *path, struct node *n, struct span text,
                     struct diag *diag)
{
    struct fingerprint base;
    if (!take_read(rq->vfs, n, &base)) {
        DOCUMENT_AUTO *doc = NULL;
        int r = remote_document(rq->vfs->remote, path, 0, &rq->wait, &doc);
        if (r < 0 && r != -ENOENT)
            return r;
        base = doc ? fingerprint_of(vmx_dict_text(doc->dict)) : (struct fingerprint){0};
    }
    return vmx_file_replace(rq, path, text, base, diag);
}

/* ---- attributes */

int vmx_file_lookup(struct request *rq, const char *path, struct found *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    int64_t age = cache_ms(rq);
    struct sftp_attrs attrs;
    int r = rq->listing ? 0 : remote_document(rq->vfs->remote, path, age, &rq->wait, &doc);
    if (r < 0 && !document_is_unread(r))
        return r;
    if (doc) {
        r = server_show(rq, path, &doc->attrs, false, &ret->st);
        ret->st.st_size = (off_t)vmx_dict_text(doc->dict).n;
        ret->true_at = remote_document_true_at(rq->vfs->remote, path);
    } else {
        r = remote_getattr(rq->vfs->remote, path, age, &rq->wait, &attrs, &ret->true_at);
        r = r ?: server_show(rq, path, &attrs, false, &ret->st);
    }
    ret->ops = &vmx_file_ops;
    return r;
}

/* Attributes of a text that is not on the server yet: the kernel has applied the umask. */
static void attr_new(const struct vfs *vfs, const struct unsaved_text *t, struct stat *st)
{
    bool timed = t->set.flags & SFTP_ATTR_TIMES;
    attr_file(vfs, st, 0, 0, timed ? t->set.mtime : (uint32_t)clock_wall_s());
    st->st_mode = S_IFREG | (mode_t)t->set.mode;
}

void vmx_file_raw_mode(const struct vfs *vfs, struct stat *st)
{
    struct stat like;
    attr_file(vfs, &like, 0644, 0, 0);
    st->st_mode = like.st_mode;
}

static int vmx_file_getattr(struct request *rq, struct node *n, struct found *ret)
{
    FREE_AUTO char *path = vmx_file_path(rq, n);
    if (!path)
        return -ENOMEM;
    int r = vmx_file_lookup(rq, path, ret);
    lock_take(&rq->vfs->lock);
    const struct unsaved_text *t =
        n->vmx_file && n->vmx_file->shown ? n->vmx_file->shown->unsaved : NULL;
    if (t) {
        if (r < 0)
            attr_new(rq->vfs, t, &ret->st);
        ret->st.st_size = (off_t)t->draft.bytes.len;
        ret->true_at = 0;
        r = 0;
    }
    lock_drop(&rq->vfs->lock);
    if (vmx_above(rq->vfs, n))
        vmx_file_raw_mode(rq->vfs, &ret->st);
    return r == -EMEDIUMTYPE ? -ESTALE : r;
}

void vmx_file_own_size(struct request *rq, const struct handle *h, struct stat *st)
{
    lock_take(&rq->vfs->lock);
    if (h && h->unsaved)
        st->st_size = (off_t)h->unsaved->draft.bytes.len;
    lock_drop(&rq->vfs->lock);
}

/* ---- opening and writing */

bool vmx_file_is_staged(struct request *rq, struct node *n)
{
    struct wait wait = rq->wait;
    int64_t latest = clock_ms() + RELEASE_MS;
    wait.deadline = wait.deadline < latest ? wait.deadline : latest;
    lock_take(&rq->vfs->lock);
    const struct vmx_file *w = n->vmx_file;
    while (w && w->staged && w->flushed && w->writers > 0 &&
           wait_on(&wait, &rq->vfs->changed, &rq->vfs->lock) == 0)
        ;
    const bool staged = w && w->staged && w->writers > 0;
    lock_drop(&rq->vfs->lock);
    return staged;
}

/* What is shown of a file that is being created. -ENODATA: that is on the server, if anything. */
static int staged_text(struct request *rq, struct node *n, struct buf *ret)
{
    int r = -ENODATA;
    lock_take(&rq->vfs->lock);
    const struct vmx_file *w = n->vmx_file;
    if (w && w->staged && w->shown)
        r = buf_add(ret, buf_span(&w->shown->unsaved->draft.bytes));
    lock_drop(&rq->vfs->lock);
    return r;
}

/* Whether somebody was shown a short while ago what this mount still believes, of which another
 * text may be made. The caller may know of the changes since then that are known here, too. */
static bool was_shown(struct request *rq, struct node *n, const char *path, struct fingerprint *ret)
{
    DOCUMENT_AUTO *believed = NULL;
    return take_read(rq->vfs, n, ret) &&
           remote_document(rq->vfs->remote, path, DOCUMENT_ANY_AGE, &rq->wait, &believed) == 0 &&
           is_fingerprint_of(ret, vmx_dict_text(believed->dict));
}

static int vmx_file_open(struct request *rq, struct node *n, int flags, struct handle *h)
{
    const bool truncated = flags & O_TRUNC;
    BUF_AUTO staged = {0};
    struct fingerprint base;
    DOCUMENT_AUTO *doc = NULL;
    int r = staged_text(rq, n, &staged);
    if (r == 0 && h->writes) /* what is being written is for its writer to complete */
        return unsaved_text_begin(rq, n, (struct span){0}, (struct fingerprint){0}, truncated, h);
    if (r == 0)
        return buf_add(&h->content, buf_span(&staged));
    FREE_AUTO char *path = vmx_file_path(rq, n);
    if (!path || r != -ENODATA)
        return -ENOMEM;
    int64_t age = h->writes ? 0 : cache_ms(rq);
    const bool shown = truncated && was_shown(rq, n, path, &base);
    r = remote_document(rq->vfs->remote, path, age, &rq->wait, &doc);
    if (r == -EMEDIUMTYPE)
        return -ESTALE;
    if (r == -EBUSY)
        return refuse_unread(rq, path);
    if (r < 0)
        return h->writes ? refuse(rq, path, NULL, r, NULL) : r;
    const struct span text = vmx_dict_text(doc->dict);
    if (!h->writes) {
        note_read(rq->vfs, n, doc);
        return buf_add(&h->content, text);
    }
    struct diag diag = {0};
    if (rq->vfs->options.read_only)
        r = -EROFS;
    else if (vmx_dict_encrypted(doc->dict))
        r = refuse_encrypted(&diag);
    if (r < 0)
        return refuse(rq, path, NULL, r, &diag);
    if (!shown)
        base = fingerprint_of(text);
    return unsaved_text_begin(rq, n, text, base, truncated, h);
}

int vmx_file_create(struct request *rq, struct node *dir, const char *name, mode_t mode,
                    struct handle *h, struct found *ret)
{
    if (rq->vfs->options.read_only)
        return -EROFS;
    ret->ops = &vmx_file_ops;
    h->node = node_take(rq->vfs, dir, name, ret, false);
    if (!h->node)
        return -ENOMEM;
    int r = unsaved_text_begin(rq, h->node, (struct span){0}, (struct fingerprint){0}, true, h);
    if (r < 0)
        return r;
    h->writes = true; /* its close makes the file, also where its maker only reads */
    lock_take(&rq->vfs->lock);
    h->unsaved->set = (struct sftp_attrs){.flags = SFTP_ATTR_MODE, .mode = mode & 07777};
    attr_new(rq->vfs, h->unsaved, &ret->st);
    lock_drop(&rq->vfs->lock);
    return 0;
}

static int read_document(struct request *rq, struct node *n, off_t offset, size_t size,
                         struct buf *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = vmx_file_path(rq, n);
    int r = path ? remote_document(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &doc) : -ENOMEM;
    return r ?: text_slice(vmx_dict_text(doc->dict), offset, size, ret);
}

static int vmx_file_read(struct request *rq, struct node *n, struct handle *h, off_t offset,
                         size_t size, struct buf *ret)
{
    if (!h->unsaved && !h->content.data) /* as in vmx_file_write */
        return read_document(rq, n, offset, size, ret);
    lock_take(&rq->vfs->lock);
    int r = h->refused
                ?: text_slice(buf_span(h->unsaved ? &h->unsaved->draft.bytes : &h->content), offset,
                              size, ret);
    lock_drop(&rq->vfs->lock);
    return r;
}

static int vmx_file_write(struct request *rq, struct node *n, struct handle *h, off_t offset,
                          struct span data)
{
    const struct text_draft_edit edit = {.at = offset, .append = h->append, .data = data};
    /* Without a text it was opened as a scratch file, which then was renamed onto raw. */
    int r = h->unsaved ? 0 : vmx_file_open(rq, n, O_WRONLY, h);
    return r ?: unsaved_text_edit(rq, n, h, &edit);
}

static int vmx_file_flush(struct request *rq, struct node *n, struct handle *h)
{
    if (!h->unsaved)
        return 0;
    if (caller_is_bystander(rq, h))
        return handle_refused(rq->vfs, h);
    int r = unsaved_text_commit(rq, n, h, AT_FLUSH);
    lock_take(&rq->vfs->lock);
    if (r == 0)
        n->vmx_file->flushed = h->unsaved->draft.state == DRAFT_CLEAN;
    lock_drop(&rq->vfs->lock);
    return r;
}

static int vmx_file_fsync(struct request *rq, struct node *n, struct handle *h)
{
    return h->unsaved ? unsaved_text_commit(rq, n, h, AT_FSYNC) : 0;
}

static void vmx_file_drop(struct request *rq, struct node *n, struct handle *h)
{
    const pid_t writer = caller_process(rq);
    struct unsaved_text *t = h->unsaved;
    lock_take(&rq->vfs->lock);
    /* A commit that is under way goes on by itself. */
    const bool own = t && t->draft.state != DRAFT_CLEAN && writer != 0 && h->writer == writer &&
                     (!t->committing || t->draft.version > t->sent);
    if (own)
        unsaved_text_throw_away(n, h, -ECANCELED);
    lock_drop(&rq->vfs->lock);
    FREE_AUTO char *path = own ? vmx_file_path(rq, n) : NULL;
    if (own)
        note_killed(rq->vfs, path, NULL);
}

static void vmx_file_release(struct request *rq, struct node *n, struct handle *h)
{
    if (!h->unsaved)
        return;
    unsaved_text_commit(rq, n, h, AT_RELEASE); /* a refusal is noted; nobody else can be told */
    unsaved_text_end(rq, n, h);
}

/* ---- setattr */

/* Adds what a text gets that is not on the server yet. 0; -EPERM: an owner that it cannot have. */
static int wanted(const struct request *rq, const struct stat *st, int valid,
                  struct sftp_attrs *ret)
{
    const int owner = valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID);
    if (valid & FUSE_SET_ATTR_MODE) {
        ret->flags |= SFTP_ATTR_MODE;
        ret->mode = st->st_mode & 07777;
    }
    if (valid & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) {
        bool now = valid & FUSE_SET_ATTR_MTIME_NOW;
        ret->flags |= SFTP_ATTR_TIMES;
        ret->mtime = now ? (uint32_t)clock_wall_s() : attr_seconds(&st->st_mtim);
        ret->atime = ret->mtime;
    }
    if (owner == FUSE_SET_ATTR_UID || owner == FUSE_SET_ATTR_GID) /* SFTP sets both */
        return -EPERM;
    return owners_send(&rq->vfs->options.owners, st, valid, ret, ret);
}

static int resize(struct request *rq, struct node *n, struct handle *h, off_t size)
{
    const struct text_draft_edit edit = {.resize = true, .at = size};
    if (h && h->unsaved) /* committed when it is closed, unless something is written first */
        return unsaved_text_edit(rq, n, h, &edit);
    struct handle own = {.node = n, .writes = true};
    int r = vmx_file_open(rq, n, O_WRONLY, &own);
    if (r < 0)
        return r;
    r = unsaved_text_edit(rq, n, &own, &edit) ?: unsaved_text_commit(rq, n, &own, AT_FSYNC);
    unsaved_text_end(rq, n, &own);
    return r;
}

/* Notes attributes for a text that is being written. A program that makes a file and sets its
 * times, as touch does, wants it empty, and can be told: *ret is to be committed then, of *ret_h.
 * 1: they go with the text; 0: there is a file that can have them at once; -errno. */
static int note_attrs(struct request *rq, struct node *n, const struct stat *st, int valid,
                      struct unsaved_copy *ret, struct handle **ret_h)
{
    int r = 0;
    struct handle *h = NULL;
    lock_take(&rq->vfs->lock);
    while (r == 0 && (h = n->vmx_file ? n->vmx_file->shown : NULL) && h->unsaved->committing)
        r = wait_on(&rq->wait, &rq->vfs->changed, &rq->vfs->lock);
    if (r == 0 && h) {
        struct unsaved_text *t = h->unsaved;
        const int noted = wanted(rq, st, valid, &t->set); /* a commit would change them */
        r = t->base.there ? 0 : noted ?: 1;
        if (r == 1 && t->draft.state == DRAFT_TRUNCATED && t->set.flags & SFTP_ATTR_TIMES) {
            r = unsaved_text_take(n, h, ret);
            *ret_h = r == 0 ? h : NULL;
            r = r == 0 ? 1 : r;
        }
    }
    lock_drop(&rq->vfs->lock);
    return r;
}

static int vmx_file_setattr(struct request *rq, struct node *n, struct handle *h,
                            const struct stat *st, int valid)
{
    if (rq->vfs->options.read_only)
        return -EROFS;
    if (valid & FUSE_SET_ATTR_SIZE)
        return resize(rq, n, h, st->st_size);
    if (vmx_above(rq->vfs, n))
        return 0; /* raw is not a file of the server's */
    struct unsaved_copy taken = {0};
    struct handle *writer = NULL;
    int r = note_attrs(rq, n, st, valid, &taken, &writer);
    if (writer)
        r = unsaved_text_commit_taken(rq, n, writer, &taken, AT_FSYNC);
    buf_done(&taken.text);
    if (r != 0 || writer)
        return r < 0 ? r : 0;
    return server_setattr(rq, n, h, st, valid);
}

const struct node_ops vmx_file_ops = {
    .kind = KIND_VMX_FILE,
    .type = S_IFREG,
    .named = true,
    .getattr = vmx_file_getattr,
    .setattr = vmx_file_setattr,
    .open = vmx_file_open,
    .read = vmx_file_read,
    .write = vmx_file_write,
    .flush = vmx_file_flush,
    .drop = vmx_file_drop,
    .fsync = vmx_file_fsync,
    .release = vmx_file_release,
};
