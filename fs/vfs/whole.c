/* SPDX-License-Identifier: MIT */
#include "whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "control.h"
#include "remote/files.h"
#include "recent.h"
#include "text.h"
#include "vmx.h"
#include "whole_change.h"

enum { RELEASE_MS = 250 };

struct whole {
    struct text text;
    unsigned writers;
    unsigned closing;        /* those of them that are being closed: the last one commits */
    unsigned epoch;          /* grows when the text is thrown away: who goes on would do so in the
                                middle, unless he cuts it */
    unsigned long committed; /* the newest version of the text that is on the server */
    bool staged;             /* being created: a file until the last writer closes it */
    bool flushed;            /* since it was written: a writer is closing it */
    struct document *base;   /* what a writer saw when it opened the file; NULL: there was none, or
                                there are no writers */
    struct sftp_attrs set;   /* mode and times to be set once the text is there */
};

static char *path_of(struct call *c, struct node *n)
{
    struct node *vmx = vmx_above(c->vfs, n); /* of raw; the others are not below one */
    return node_path(c->vfs, vmx ? vmx : n);
}

static struct whole *state(struct node *n)
{
    if (!n->whole)
        n->whole = calloc(1, sizeof(*n->whole));
    return n->whole;
}

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
    const struct recent_detail detail = {.read = fingerprint_of(doc)};
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
        base = fingerprint_of(doc);
    }
    return whole_replace(c, path, text, base, diag);
}

/* Whoever has written to it is told. */
static void throw_away(struct whole *w)
{
    text_clean(&w->text);
    w->epoch++;
}

/* Commits the text of a node, then sets the attributes that were asked for meanwhile. */
static int commit_text(struct call *c, struct node *n)
{
    BUF_AUTO copy = {0};
    FREE_AUTO char *path = path_of(c, n);
    struct vmx_diag diag = {0};
    lock_take(&c->vfs->lock);
    struct whole *w = n->whole;
    int r = path ? buf_add(&copy, buf_span(&w->text.bytes)) : -ENOMEM;
    unsigned long version = w->text.version;
    struct sftp_attrs attrs = w->set;
    const struct fingerprint base = fingerprint_of(w->base);
    lock_drop(&c->vfs->lock);
    if (r == 0)
        r = refuse_change(c->vfs, path, NULL, whole_replace(c, path, buf_span(&copy), base, &diag),
                          &diag);
    if (r == 0 && attrs.flags)
        remote_setattr(c->vfs->remote, path, &attrs, &c->wait);
    struct document *after = NULL;
    if (r == 0)
        remote_document(c->vfs->remote, path, INT64_MAX / 2, &c->wait, &after);
    lock_take(&c->vfs->lock);
    if (r < 0)
        throw_away(w);
    else if (w->text.version == version)
        text_clean(&w->text);
    if (r == 0) {
        w->committed = version;
        w->set.flags = 0;
        document_unref(&w->base);
        w->base = after;
    }
    lock_drop(&c->vfs->lock);
    return r;
}

static int commit_if(struct call *c, struct node *n, enum text_state least)
{
    lock_take(&c->vfs->lock);
    bool due = n->whole && n->whole->text.state >= least;
    lock_drop(&c->vfs->lock);
    return due ? commit_text(c, n) : 0;
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
static void attr_new(const struct vfs *vfs, const struct whole *w, struct stat *st)
{
    bool timed = w->set.flags & SFTP_ATTR_TIMES;
    attr_file(vfs, st, 0, 0, timed ? w->set.mtime : (uint32_t)clock_wall_s());
    st->st_mode = S_IFREG | (mode_t)w->set.mode;
}

void whole_raw_mode(const struct vfs *vfs, struct stat *st)
{
    struct stat like;
    attr_file(vfs, &like, 0644, 0, 0);
    st->st_mode = like.st_mode;
}

static int whole_getattr(struct call *c, struct node *n, struct stat *st, int64_t *ret_true_at)
{
    FREE_AUTO char *path = path_of(c, n);
    if (!path)
        return -ENOMEM;
    struct found found = {0};
    int r = whole_lookup(c, path, &found);
    lock_take(&c->vfs->lock);
    const struct whole *w = n->whole;
    if (w && w->text.state != TEXT_CLEAN) {
        if (r < 0)
            attr_new(c->vfs, w, &found.st);
        found.st.st_size = (off_t)w->text.bytes.len;
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

static size_t max_text(const struct call *c)
{
    return remote_options(c->vfs->remote)->vmx_max;
}

/* base: moved into the state by the first writer. What is being created is known to its writers. */
static int begin_writing(struct call *c, struct node *n, struct document **base, bool cut,
                         struct handle *h)
{
    const pid_t writer = cut ? call_process(c) : 0;
    lock_take(&c->vfs->lock);
    struct whole *w = state(n);
    int r = w ? 0 : -ENOMEM;
    if (w && w->writers == 0) {
        document_unref(&w->base);
        w->staged = *base == NULL;
        w->base = steal(*base);
    }
    if (r == 0 && cut) {
        r = text_resize(&w->text, 0, max_text(c));
        w->text.writer = writer;
    }
    if (r == 0) {
        w->writers++;
        h->epoch = w->epoch;
    }
    lock_drop(&c->vfs->lock);
    return r;
}

static struct span text_of(const struct whole *w)
{
    if (w->text.state != TEXT_CLEAN)
        return buf_span(&w->text.bytes);
    return w->base ? vmx_dict_text(w->base->dict) : (struct span){0};
}

static int open_staged(struct call *c, struct node *n, int flags, struct handle *h)
{
    struct document *none = NULL;
    if (h->writes)
        return begin_writing(c, n, &none, flags & O_TRUNC, h);
    lock_take(&c->vfs->lock);
    int r = buf_add(&h->content, text_of(n->whole));
    lock_drop(&c->vfs->lock);
    return r;
}

static int whole_open(struct call *c, struct node *n, int flags, struct handle *h)
{
    DOCUMENT_AUTO *doc = NULL;
    if (whole_is_staged(c->vfs, n))
        return open_staged(c, n, flags, h);
    FREE_AUTO char *path = path_of(c, n);
    if (!path)
        return -ENOMEM;
    int64_t age = h->writes ? 0 : cache_ms(c);
    int r = remote_document(c->vfs->remote, path, age, &c->wait, &doc);
    if (r == -EMEDIUMTYPE)
        return -ESTALE;
    if (r < 0)
        return h->writes ? refuse(c->vfs, path, NULL, r, NULL) : r;
    if (!h->writes) {
        note_read(c->vfs, n, doc);
        return buf_add(&h->content, vmx_dict_text(doc->dict));
    }
    r = c->vfs->options.read_only ? -EROFS : vmx_dict_encrypted(doc->dict) ? -EPERM : 0;
    if (r < 0)
        return refuse(c->vfs, path, NULL, r, NULL);
    return begin_writing(c, n, &doc, flags & O_TRUNC, h);
}

int whole_create(struct call *c, struct node *dir, const char *name, mode_t mode, struct handle *h,
                 struct found *ret)
{
    struct document *none = NULL;
    if (c->vfs->options.read_only)
        return -EROFS;
    ret->ops = &whole_ops;
    h->node = node_take(c->vfs, dir, name, ret, false);
    if (!h->node)
        return -ENOMEM;
    int r = begin_writing(c, h->node, &none, true, h);
    if (r < 0)
        return r;
    h->writes = true; /* its close makes the file, also where its maker only reads */
    lock_take(&c->vfs->lock);
    struct whole *w = h->node->whole;
    w->set = (struct sftp_attrs){.flags = SFTP_ATTR_MODE, .mode = mode & 07777};
    attr_new(c->vfs, w, &ret->st);
    lock_drop(&c->vfs->lock);
    return 0;
}

static int whole_read(struct call *c, struct node *n, struct handle *h, off_t offset, size_t size,
                      struct buf *ret)
{
    struct span text = buf_span(&h->content);
    lock_take(&c->vfs->lock);
    if (h->writes)
        text = text_of(n->whole);
    int r = text_slice(text, offset, size, ret);
    lock_drop(&c->vfs->lock);
    return r;
}

static int refuse_writer(struct call *c, struct node *n, int r)
{
    if (r == 0)
        return 0;
    struct vmx_diag diag = {0};
    FREE_AUTO char *path = path_of(c, n);
    if (r == -ECANCELED)
        vmx_diag_set(&diag, 0, 0,
                     "what was written to it was thrown away when another who writes to it was "
                     "refused, or killed; open it again");
    return refuse(c->vfs, path, NULL, r, &diag);
}

/* What was written is thrown away if one piece of it cannot be taken. */
static int edit_locked(struct whole *w, struct handle *h, const struct text_edit *edit, size_t max)
{
    const bool cuts = edit->resize && edit->at == 0;
    if (!h->refused && h->epoch != w->epoch)
        h->refused = -ECANCELED;
    if (h->refused && !cuts)
        return h->refused;
    int r = 0;
    if (w->text.state == TEXT_CLEAN)
        r = text_load(&w->text, w->base ? vmx_dict_text(w->base->dict) : (struct span){0});
    if (r == 0 && edit->resize)
        r = text_resize(&w->text, edit->at, max);
    else if (r == 0)
        r = text_write(&w->text, edit->at, edit->append, edit->data, max);
    h->refused = r;
    if (r < 0)
        throw_away(w);
    h->epoch = w->epoch;
    h->edit = w->text.version;
    return r;
}

static int edit_text(struct call *c, struct node *n, struct handle *h, const struct text_edit *edit)
{
    struct whole *w = n->whole;
    const pid_t writer = call_process(c);
    lock_take(&c->vfs->lock);
    const int refused = h->refused;
    int r = edit_locked(w, h, edit, max_text(c));
    if (r == 0)
        w->text.writer = writer;
    w->flushed = false;
    lock_drop(&c->vfs->lock);
    return r == refused ? r : refuse_writer(c, n, r);
}

static int whole_write(struct call *c, struct node *n, struct handle *h, off_t offset,
                       struct span data)
{
    const struct text_edit edit = {.at = offset, .append = h->append, .data = data};
    return edit_text(c, n, h, &edit);
}

/* Whether what the handle has written was thrown away; he is told once. */
static int check_kept(struct call *c, struct node *n, struct handle *h)
{
    lock_take(&c->vfs->lock);
    const struct whole *w = n->whole;
    const int refused = h->refused;
    if (!refused && h->epoch != w->epoch && h->edit > w->committed)
        h->refused = -ECANCELED;
    int r = h->refused;
    lock_drop(&c->vfs->lock);
    return r == refused ? r : refuse_writer(c, n, r);
}

static int commit_written(struct call *c, struct node *n, struct handle *h, enum text_state least)
{
    if (!h->writes)
        return 0;
    int r = check_kept(c, n, h);
    if (r < 0)
        return r;
    r = commit_if(c, n, least);
    lock_take(&c->vfs->lock);
    if (r < 0) /* he has been told before that it was taken: he cannot go on in it */
        h->refused = r;
    else
        n->whole->flushed = n->whole->text.state == TEXT_CLEAN;
    lock_drop(&c->vfs->lock);
    return r;
}

static int whole_flush(struct call *c, struct node *n, struct handle *h)
{
    return commit_written(c, n, h, TEXT_DIRTY);
}

/* Unlike a shell's close before it writes, this asks for what there is, be it nothing. */
static int whole_fsync(struct call *c, struct node *n, struct handle *h)
{
    return commit_written(c, n, h, TEXT_CUT);
}

static void whole_drop(struct call *c, struct node *n, struct handle *h)
{
    const pid_t writer = call_process(c);
    bool own = false;
    lock_take(&c->vfs->lock);
    struct whole *w = h->writes ? n->whole : NULL;
    if (w && w->text.state != TEXT_CLEAN && writer != 0 && w->text.writer == writer) {
        throw_away(w);
        w->set.flags = 0;
        h->edit = 0;
        own = true;
    }
    lock_drop(&c->vfs->lock);
    FREE_AUTO char *path = own ? path_of(c, n) : NULL;
    if (own)
        note_killed(c->vfs, path, NULL);
}

static void whole_release(struct call *c, struct node *n, struct handle *h)
{
    if (!h->writes)
        return;
    lock_take(&c->vfs->lock);
    bool last = ++n->whole->closing == n->whole->writers;
    lock_drop(&c->vfs->lock);
    if (last)
        commit_if(c, n, TEXT_CUT); /* a refusal is noted; nobody else can be told */
    lock_take(&c->vfs->lock);
    n->whole->closing--;
    if (--n->whole->writers == 0)
        document_unref(&n->whole->base);
    lock_drop(&c->vfs->lock);
    /* What was created as a file is a directory from now on. The kernel trusts the name of what is
     * being created for no time, and looks it up again. */
    bool becomes_folder = last && !vmx_above(c->vfs, n) && !node_is_plain(c->vfs, n);
    lock_take(&c->vfs->lock);
    if (becomes_folder)
        node_lose_name(c->vfs, n);
    condition_wake_all(&c->vfs->changed);
    lock_drop(&c->vfs->lock);
}

void whole_uncreate(struct call *c, struct handle *h)
{
    lock_take(&c->vfs->lock);
    if (h->node->whole->writers == 1)
        text_clean(&h->node->whole->text);
    lock_drop(&c->vfs->lock);
    whole_release(c, h->node, h);
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
    if (h && h->writes) /* committed when it is closed, unless something is written first */
        return edit_text(c, n, h, &edit);
    struct handle own = {.node = n, .writes = true};
    int r = whole_open(c, n, O_WRONLY, &own);
    if (r < 0)
        return r;
    r = edit_text(c, n, &own, &edit);
    if (r == 0)
        r = commit_if(c, n, TEXT_CUT);
    whole_release(c, n, &own);
    return r;
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
    bool later = false;
    bool empty = false;
    struct sftp_attrs attrs = {0};
    wanted(st, valid, &attrs);
    lock_take(&c->vfs->lock);
    struct whole *w = n->whole;
    if (w && w->text.state != TEXT_CLEAN) {
        wanted(st, valid, &w->set);
        later = true;
        empty = w->staged && w->text.state == TEXT_CUT;
    }
    lock_drop(&c->vfs->lock);
    /* Who makes a file and sets its times, as touch does, wants it empty, and can be told. */
    if (empty && attrs.flags & SFTP_ATTR_TIMES)
        return commit_text(c, n);
    FREE_AUTO char *path = path_of(c, n);
    if (later || !attrs.flags)
        return 0;
    int r = path ? remote_setattr(c->vfs->remote, path, &attrs, &c->wait) : -ENOMEM;
    return refuse(c->vfs, path, NULL, r, NULL);
}

static void whole_destroy(struct vfs *vfs, struct node *n)
{
    (void)vfs;
    if (!n->whole)
        return;
    text_done(&n->whole->text);
    document_unref(&n->whole->base);
    free(n->whole);
}

const struct node_ops whole_ops = {
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
