/* SPDX-License-Identifier: MIT */
#include "whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "control.h"
#include "recent.h"
#include "remote/files.h"
#include "vmx.h"
#include "whole_change.h"
#include "whole_text.h"

enum { RELEASE_MS = 250 };

/* ---- the commit */

/* What was read in the node a short while ago, once. False: nothing was. */
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
    const struct recent_detail detail = {.read = fingerprint_of_document(doc)};
    lock_take(&vfs->lock);
    recent_note(vfs, RECENT_READ, n, (struct span){0}, detail);
    lock_drop(&vfs->lock);
}

int whole_install(struct call *c, const char *path, struct node *n, struct span text,
                  struct vmx_diag *diag)
{
    struct fingerprint base;
    if (!take_read(c->vfs, n, &base)) {
        DOCUMENT_AUTO *doc = NULL;
        int r = remote_document(c->vfs->remote, path, 0, &c->wait, &doc);
        if (r < 0 && r != -ENOENT)
            return r;
        base = fingerprint_of_document(doc);
    }
    return whole_replace(c, path, text, base, diag);
}

/* ---- attributes */

static void fill_attr(struct vfs *vfs, const struct document *doc, struct stat *st)
{
    attr_remote(vfs, st, &doc->attrs);
    st->st_size = (off_t)vmx_dict_text(doc->dict).n;
}

int whole_lookup(struct call *c, const char *path, struct found *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    int64_t age = cache_ms(c);
    struct sftp_attrs attrs;
    int r = c->listing ? 0 : remote_document(c->vfs->remote, path, age, &c->wait, &doc);
    if (r < 0 && r != -EACCES) /* what cannot be read can be looked at, perhaps */
        return r;
    if (doc) {
        fill_attr(c->vfs, doc, &ret->st);
        ret->true_at = remote_document_true_at(c->vfs->remote, path);
    } else {
        r = remote_getattr(c->vfs->remote, path, age, &c->wait, &attrs, &ret->true_at);
        if (r < 0)
            return r;
        attr_remote(c->vfs, &ret->st, &attrs);
    }
    ret->ops = &whole_ops;
    return 0;
}

/* Of what is not on the server yet: its umask was applied by the kernel. */
static void attr_new(const struct vfs *vfs, const struct whole_text *t, struct stat *st)
{
    bool timed = t->set.flags & SFTP_ATTR_TIMES;
    attr_file(vfs, st, 0, 0, timed ? t->set.mtime : (uint32_t)clock_wall_s());
    st->st_mode = S_IFREG | (mode_t)t->set.mode;
}

void whole_raw_mode(const struct vfs *vfs, struct stat *st)
{
    struct stat like;
    attr_file(vfs, &like, 0644, 0, 0);
    st->st_mode = like.st_mode;
}

static int whole_getattr(struct call *c, struct node *n, struct stat *st, int64_t *ret_true_at)
{
    FREE_AUTO char *path = whole_path(c, n);
    if (!path)
        return -ENOMEM;
    struct found found = {0};
    int r = whole_lookup(c, path, &found);
    lock_take(&c->vfs->lock);
    const struct whole_text *t = n->whole && n->whole->shown ? n->whole->shown->whole : NULL;
    if (t) {
        if (r < 0)
            attr_new(c->vfs, t, &found.st);
        found.st.st_size = (off_t)t->text.bytes.len;
        found.true_at = 0;
        r = 0;
    }
    lock_drop(&c->vfs->lock);
    if (vmx_above(c->vfs, n))
        whole_raw_mode(c->vfs, &found.st);
    *st = found.st;
    *ret_true_at = found.true_at;
    return r == -EMEDIUMTYPE ? -ESTALE : r;
}

void whole_own_size(struct call *c, const struct handle *h, struct stat *st)
{
    lock_take(&c->vfs->lock);
    if (h && h->whole)
        st->st_size = (off_t)h->whole->text.bytes.len;
    lock_drop(&c->vfs->lock);
}

/* ---- opening and writing */

bool whole_is_staged(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    bool staged = n->whole && n->whole->staged && n->whole->writers > 0;
    lock_drop(&vfs->lock);
    return staged;
}

void whole_await_release(struct call *c, struct node *n)
{
    struct wait wait = c->wait;
    int64_t latest = clock_ms() + RELEASE_MS;
    wait.deadline = wait.deadline < latest ? wait.deadline : latest;
    lock_take(&c->vfs->lock);
    const struct whole *w = n->whole;
    while (w && w->staged && w->flushed && w->writers > 0 &&
           wait_on(&wait, &c->vfs->changed, &c->vfs->lock) == 0)
        ;
    lock_drop(&c->vfs->lock);
}

/* What is shown of a file that is being created. -ENODATA: that is on the server, if anything. */
static int staged_text(struct call *c, struct node *n, struct buf *ret)
{
    int r = -ENODATA;
    lock_take(&c->vfs->lock);
    const struct whole *w = n->whole;
    if (w && w->staged && w->shown)
        r = buf_add(ret, buf_span(&w->shown->whole->text.bytes));
    lock_drop(&c->vfs->lock);
    return r;
}

/* Whether somebody was shown a short while ago what this mount still believes, of which another
 * text may be made. Changes since then that are known here, he may know too. */
static bool was_shown(struct call *c, struct node *n, const char *path, struct fingerprint *ret)
{
    DOCUMENT_AUTO *believed = NULL;
    return take_read(c->vfs, n, ret) &&
           remote_document(c->vfs->remote, path, DOCUMENT_ANY_AGE, &c->wait, &believed) == 0 &&
           is_fingerprint_of(ret, vmx_dict_text(believed->dict));
}

static int whole_open(struct call *c, struct node *n, int flags, struct handle *h)
{
    const bool cut = flags & O_TRUNC;
    BUF_AUTO staged = {0};
    struct fingerprint base;
    DOCUMENT_AUTO *doc = NULL;
    int r = staged_text(c, n, &staged);
    if (r == 0 && h->writes) /* what is being written is for its writer to complete */
        return whole_text_begin(c, n, (struct span){0}, (struct fingerprint){0}, cut, h);
    if (r == 0)
        return buf_add(&h->content, buf_span(&staged));
    FREE_AUTO char *path = whole_path(c, n);
    if (!path || r != -ENODATA)
        return -ENOMEM;
    int64_t age = h->writes ? 0 : cache_ms(c);
    const bool shown = cut && was_shown(c, n, path, &base);
    r = remote_document(c->vfs->remote, path, age, &c->wait, &doc);
    if (r == -EMEDIUMTYPE)
        return -ESTALE;
    if (r < 0)
        return h->writes ? refuse(c, path, NULL, r, NULL) : r;
    const struct span text = vmx_dict_text(doc->dict);
    if (!h->writes) {
        note_read(c->vfs, n, doc);
        return buf_add(&h->content, text);
    }
    r = c->vfs->options.read_only ? -EROFS : vmx_dict_encrypted(doc->dict) ? -EPERM : 0;
    if (r < 0)
        return refuse(c, path, NULL, r, NULL);
    if (!shown)
        base = fingerprint_of(text, true);
    return whole_text_begin(c, n, text, base, cut, h);
}

int whole_create(struct call *c, struct node *dir, const char *name, mode_t mode, struct handle *h,
                 struct found *ret)
{
    const struct fingerprint none = {0};
    if (c->vfs->options.read_only)
        return -EROFS;
    ret->ops = &whole_ops;
    h->node = node_take(c->vfs, dir, name, ret, false);
    if (!h->node)
        return -ENOMEM;
    int r = whole_text_begin(c, h->node, (struct span){0}, none, true, h);
    if (r < 0)
        return r;
    h->writes = true; /* its close makes the file, also where its maker only reads */
    lock_take(&c->vfs->lock);
    h->whole->set = (struct sftp_attrs){.flags = SFTP_ATTR_MODE, .mode = mode & 07777};
    attr_new(c->vfs, h->whole, &ret->st);
    lock_drop(&c->vfs->lock);
    return 0;
}

static int read_document(struct call *c, struct node *n, off_t offset, size_t size, struct buf *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = whole_path(c, n);
    int r = path ? remote_document(c->vfs->remote, path, cache_ms(c), &c->wait, &doc) : -ENOMEM;
    return r == 0 ? text_slice(vmx_dict_text(doc->dict), offset, size, ret) : r;
}

static int whole_read(struct call *c, struct node *n, struct handle *h, off_t offset, size_t size,
                      struct buf *ret)
{
    if (!h->whole && !h->content.data) /* as in whole_write */
        return read_document(c, n, offset, size, ret);
    lock_take(&c->vfs->lock);
    int r = h->refused;
    if (r == 0)
        r = text_slice(buf_span(h->whole ? &h->whole->text.bytes : &h->content), offset, size, ret);
    lock_drop(&c->vfs->lock);
    return r;
}

static int whole_write(struct call *c, struct node *n, struct handle *h, off_t offset,
                       struct span data)
{
    const struct text_edit edit = {.at = offset, .append = h->append, .data = data};
    /* Without a text it was opened as a scratch file, which then was renamed onto raw. */
    int r = h->whole ? 0 : whole_open(c, n, O_WRONLY, h);
    return r == 0 ? whole_text_edit(c, n, h, &edit) : r;
}

static int whole_flush(struct call *c, struct node *n, struct handle *h)
{
    if (!h->whole)
        return 0;
    if (call_is_bystander(c, h))
        return handle_refused(c->vfs, h);
    int r = whole_text_commit(c, n, h, AT_FLUSH);
    lock_take(&c->vfs->lock);
    if (r == 0)
        n->whole->flushed = h->whole->text.state == TEXT_CLEAN;
    lock_drop(&c->vfs->lock);
    return r;
}

static int whole_fsync(struct call *c, struct node *n, struct handle *h)
{
    return h->whole ? whole_text_commit(c, n, h, AT_FSYNC) : 0;
}

static void whole_drop(struct call *c, struct node *n, struct handle *h)
{
    const pid_t writer = call_process(c);
    struct whole_text *t = h->whole;
    lock_take(&c->vfs->lock);
    /* What is being committed goes on by itself. */
    const bool own = t && t->text.state != TEXT_CLEAN && writer != 0 && h->writer == writer &&
                     (!t->committing || t->text.version > t->sent);
    if (own)
        whole_text_throw_away(n, h, -ECANCELED);
    lock_drop(&c->vfs->lock);
    FREE_AUTO char *path = own ? whole_path(c, n) : NULL;
    if (own)
        note_killed(c->vfs, path, NULL);
}

static void whole_release(struct call *c, struct node *n, struct handle *h)
{
    if (!h->whole)
        return;
    whole_text_commit(c, n, h, AT_RELEASE); /* a refusal is noted; nobody else can be told */
    whole_text_end(c, n, h);
}

void whole_uncreate(struct call *c, struct handle *h)
{
    whole_text_end(c, h->node, h);
}

/* ---- setattr */

static void wanted(const struct stat *st, int valid, struct sftp_attrs *ret)
{
    if (valid & FUSE_SET_ATTR_MODE) {
        ret->flags |= SFTP_ATTR_MODE;
        ret->mode = st->st_mode & 07777;
    }
    if (valid & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) {
        bool now = valid & FUSE_SET_ATTR_MTIME_NOW;
        ret->flags |= SFTP_ATTR_TIMES;
        ret->mtime = (uint32_t)(now ? clock_wall_s() : st->st_mtim.tv_sec);
        ret->atime = ret->mtime;
    }
}

static int resize(struct call *c, struct node *n, struct handle *h, off_t size)
{
    const struct text_edit edit = {.resize = true, .at = size};
    if (h && h->whole) /* committed when it is closed, unless something is written first */
        return whole_text_edit(c, n, h, &edit);
    struct handle own = {.node = n, .writes = true};
    int r = whole_open(c, n, O_WRONLY, &own);
    if (r < 0)
        return r;
    r = whole_text_edit(c, n, &own, &edit);
    if (r == 0)
        r = whole_text_commit(c, n, &own, AT_FSYNC);
    whole_text_end(c, n, &own);
    return r;
}

/* Notes attributes for a text that is being written. Who makes a file and sets its times, as touch
 * does, wants it empty, and can be told: *ret is to be committed then, of *ret_h. 1: they go with
 * the text; 0: there is a file that can have them at once; -errno. */
static int note_attrs(struct call *c, struct node *n, const struct stat *st, int valid,
                      struct whole_taken *ret, struct handle **ret_h)
{
    int r = 0;
    struct handle *h = NULL;
    lock_take(&c->vfs->lock);
    while (r == 0 && (h = n->whole ? n->whole->shown : NULL) && h->whole->committing)
        r = wait_on(&c->wait, &c->vfs->changed, &c->vfs->lock);
    if (r == 0 && h) {
        struct whole_text *t = h->whole;
        wanted(st, valid, &t->set);
        r = t->base.there ? 0 : 1;
        if (r == 1 && t->text.state == TEXT_CUT && t->set.flags & SFTP_ATTR_TIMES) {
            r = whole_text_take(n, h, ret);
            *ret_h = r == 0 ? h : NULL;
            r = r == 0 ? 1 : r;
        }
    }
    lock_drop(&c->vfs->lock);
    return r == -ETIMEDOUT ? -EIO : r;
}

static int whole_setattr(struct call *c, struct node *n, struct handle *h, const struct stat *st,
                         int valid)
{
    if (c->vfs->options.read_only)
        return -EROFS;
    if (valid & FUSE_SET_ATTR_SIZE)
        return resize(c, n, h, st->st_size);
    if (vmx_above(c->vfs, n))
        return 0; /* raw is no file of the server's */
    struct whole_taken taken = {0};
    struct handle *writer = NULL;
    int r = note_attrs(c, n, st, valid, &taken, &writer);
    if (writer)
        r = whole_text_commit_taken(c, n, writer, &taken, AT_FSYNC);
    buf_done(&taken.text);
    if (r != 0 || writer)
        return r < 0 ? r : 0;
    struct sftp_attrs attrs = {0};
    wanted(st, valid, &attrs);
    if (!attrs.flags)
        return 0;
    FREE_AUTO char *path = whole_path(c, n);
    r = path ? remote_setattr(c->vfs->remote, path, &attrs, &c->wait) : -ENOMEM;
    return refuse(c, path, NULL, r, NULL);
}

static void whole_destroy(struct vfs *vfs, struct node *n)
{
    (void)vfs;
    free(n->whole);
}

const struct node_ops whole_ops = {
    .kind = KIND_VMX_FILE,
    .type = S_IFREG,
    .named = true,
    .getattr = whole_getattr,
    .setattr = whole_setattr,
    .open = whole_open,
    .read = whole_read,
    .write = whole_write,
    .flush = whole_flush,
    .drop = whole_drop,
    .fsync = whole_fsync,
    .release = whole_release,
    .destroy = whole_destroy,
};
