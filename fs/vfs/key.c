/* SPDX-License-Identifier: MIT */
/*
 * Key files: the value and one newline.
 *
 * What is being written belongs to the key, not to the handle. The first write of a handle, if the
 * text ends in a newline then, is committed before it is answered, because shells drop the error of
 * close(). Other text is committed at flush or fsync: a value of many lines is not rewritten for
 * each. What a process that is killed had not finished is dropped (killed.c). A truncation, or a
 * creation, that nothing followed is committed when the last writer closes: shells close the file
 * once before they write to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "pages.h"
#include "parser/dict.h"
#include "recent.h"
#include "vmx.h"

/* Size of what the file shows; -ENOENT when there is no such file. */
static off_t shown_size(struct call *c, struct node *dir, const struct key_at *at)
{
    off_t size = -ENOENT;
    lock_take(&c->vfs->lock);
    struct key_state *ks = key_state(c->vfs, dir, buf_span(&at->key), false);
    if (ks && ks->text.state != TEXT_CLEAN)
        size = (off_t)ks->text.bytes.len;
    else if (at->extent != SIZE_MAX && !recent_find(c->vfs, RECENT_HIDDEN, dir, buf_span(&at->key)))
        size = (off_t)vmx_dict_value_size(at->doc->dict, at->extent) + 1;
    lock_drop(&c->vfs->lock);
    return size;
}

static int fill_attr(struct call *c, struct node *dir, const struct key_at *at, struct stat *st)
{
    off_t size = shown_size(c, dir, at);
    if (size < 0)
        return (int)size;
    attr_file(c->vfs, st, 0644, size, at->doc->attrs.mtime);
    return 0;
}

int key_lookup(struct call *c, struct node *dir, const char *name, struct found *ret)
{
    KEY_AT_AUTO at = {0};
    int r = key_at(c, dir, name, cache_ms(c), &at);
    if (r == 0)
        r = fill_attr(c, dir, &at, &ret->st);
    if (r < 0)
        return is_no_key(r) ? -ENOENT : r;
    ret->ops = &key_ops;
    ret->folded = true;
    /* Another spelling is never kept by the kernel: it would outlive the key's removal. */
    if (at.extent != SIZE_MAX && span_eq(vmx_dict_name(at.doc->dict, at.extent), buf_span(&at.key)))
        ret->true_at = remote_document_true_at(c->vfs->remote, at.path);
    return 0;
}

/* The key that a node has the name of. */
static int key_at_node(struct call *c, struct node *n, struct key_at *ret)
{
    FREE_AUTO char *name = node_name(c->vfs, n);
    return name ? key_at(c, n->parent, name, cache_ms(c), ret) : -ENOMEM;
}

static int key_getattr(struct call *c, struct node *n, struct stat *st, int64_t *ret_true_at)
{
    KEY_AT_AUTO at = {0};
    int r = key_at_node(c, n, &at);
    if (r == 0)
        r = fill_attr(c, n->parent, &at, st);
    if (r == 0)
        *ret_true_at = remote_document_true_at(c->vfs->remote, at.path);
    return r;
}

int key_current_text(struct call *c, struct node *dir, const struct key_at *at, struct buf *ret)
{
    int r = -ENOENT;
    lock_take(&c->vfs->lock);
    struct key_state *ks = key_state(c->vfs, dir, buf_span(&at->key), false);
    if (ks && ks->text.state != TEXT_CLEAN)
        r = buf_add(ret, buf_span(&ks->text.bytes));
    else if (!recent_find(c->vfs, RECENT_HIDDEN, dir, buf_span(&at->key)))
        r = key_text(at, ret);
    lock_drop(&c->vfs->lock);
    return r;
}

static int may_write(struct call *c, const struct key_at *at, const char *name)
{
    int r = 0;
    if (c->vfs->options.read_only)
        r = -EROFS;
    else if (vmx_dict_encrypted(at->doc->dict))
        r = -EPERM;
    return refuse(c, at->path, name, r, NULL);
}

static int open_to_write(struct call *c, struct node *n, int flags, struct handle *h)
{
    KEY_AT_AUTO at = {0};
    FREE_AUTO char *name = node_name(c->vfs, n);
    if (!name)
        return -ENOMEM;
    /* A writer's base must be what the server has now, or an old foreign edit looks like a new one.
     */
    int r = key_at(c, n->parent, name, DOCUMENT_TO_WRITE, &at);
    if (r < 0) {
        FREE_AUTO char *path = node_path(c->vfs, n->parent);
        return refuse(c, path, name, r, NULL);
    }
    r = may_write(c, &at, name);
    enum writing how = flags & O_TRUNC ? WRITING_ANEW : WRITING;
    if (r == 0)
        r = fill_attr(c, n->parent, &at, &(struct stat){0});
    /* A removal of ours overtook the opening. To say so would not do: the kernel looks once more,
     * and may find the next one. */
    if (r == -ENOENT && recent_is(c->vfs, RECENT_REMOVED_LINE, n->parent, buf_span(&at.key))) {
        how = WRITING_ANEW;
        r = 0;
    }
    if (r == 0)
        r = key_begin_writing(c, n->parent, name, &at, how, h);
    return r;
}

static int open_to_read(struct call *c, struct node *n, int flags, struct handle *h)
{
    KEY_AT_AUTO at = {0};
    int r = key_at_node(c, n, &at);
    if (r == 0)
        r = key_current_text(c, n->parent, &at, &h->content);
    /* The kernel cuts what it has when it is told to cut, though nobody can write. */
    if (r == 0)
        r = flags & O_TRUNC ? pages_write(c->vfs, n, h)
                            : pages_open(c->vfs, n, buf_span(&h->content), h);
    if (h->io == IO_PAGED)
        buf_done(&h->content);
    return r;
}

static int key_open(struct call *c, struct node *n, int flags, struct handle *h)
{
    if (!h->writes)
        return open_to_read(c, n, flags, h);
    int r = pages_write(c->vfs, n, h);
    return r == 0 ? open_to_write(c, n, flags, h) : r;
}

int key_create(struct call *c, struct node *dir, const char *name, int flags, struct handle *h,
               struct found *ret)
{
    KEY_AT_AUTO at = {0};
    int r = key_at(c, dir, name, DOCUMENT_TO_WRITE, &at);
    if (r < 0)
        return refuse_name(c, dir, name, r);
    bool there = shown_size(c, dir, &at) >= 0;
    r = there && flags & O_EXCL ? -EEXIST : may_write(c, &at, name);
    if (r == 0)
        r = key_begin_writing(c, dir, name, &at, !there || flags & O_TRUNC ? WRITING_ANEW : WRITING,
                              h);
    if (r < 0)
        return r;
    ret->ops = &key_ops;
    ret->folded = true;
    ret->written = true;
    r = fill_attr(c, dir, &at, &ret->st);
    if (r < 0)
        key_uncreate(c, dir, h);
    return r;
}

void key_uncreate(struct call *c, struct node *dir, struct handle *h)
{
    lock_take(&c->vfs->lock);
    if (h->key->writers == 1)
        text_clean(&h->key->text);
    lock_drop(&c->vfs->lock);
    key_end_writing(c, dir, h);
}

static int key_read(struct call *c, struct node *n, struct handle *h, off_t offset, size_t size,
                    struct buf *ret)
{
    BUF_AUTO live = {0};
    struct span text = buf_span(&h->content);
    if (h->writes || h->io == IO_NONE) { /* or opened as a scratch file */
        KEY_AT_AUTO at = {0};
        int r = key_at_node(c, n, &at);
        if (r == 0)
            r = key_current_text(c, n->parent, &at, &live);
        if (r < 0)
            return r;
        text = buf_span(&live);
    }
    return text_slice(text, offset, size, ret);
}

/* The key that was being written was renamed to an editor's backup, whose name is no key's. */
static int refuse_moved(struct call *c, struct node *n, const char *name)
{
    struct vmx_diag diag = {0};
    FREE_AUTO char *path = node_path(c->vfs, n->parent);
    vmx_diag_set(&diag, 0, 0,
                 "it got this name, which is no setting's, while it was being written");
    return refuse(c, path, name, -ECANCELED, &diag);
}

/* Commits what was taken, whoever wrote it. A failure throws it away, with what was added since,
 * but not what was begun anew: nothing is tried again behind the back. again: who is interrupted
 * asks again. */
static int commit_taken(struct call *c, struct node *n, struct handle *h, const struct taken *taken,
                        bool again)
{
    struct key_state *ks = h->key;
    struct span value = text_value(buf_span(&taken->bytes));
    lock_take(&c->vfs->lock);
    const bool moved = n->ops->kind != KIND_SETTING;
    FREE_AUTO char *name = strdup(n->name);
    lock_drop(&c->vfs->lock);
    int r = moved  ? refuse_moved(c, n, name)
            : name ? key_set(c, n->parent, name, value, ks, taken)
                   : -ENOMEM;
    lock_take(&c->vfs->lock);
    if (r == -EINTR && again) {
        if (ks->committing == 0)
            ks->sent = ks->committed; /* nothing of it is under way any more */
        lock_drop(&c->vfs->lock);
        return r;
    }
    if (r == 0 && h->edit == taken->version)
        h->lost = false; /* what another's failure threw away meanwhile was in this */
    if (r == 0 && ks->text.version == taken->version) {
        text_clean(&ks->text);
    } else if (r < 0) {
        h->edit = 0;
        if (ks->begun <= taken->version)
            key_text_drop(c->vfs, ks, ks->committed);
    }
    if (h->wrote) /* else it has still to begin */
        h->cut = r < 0 && taken->anew;
    h->wrote = h->wrote && r == 0; /* who begins anew is told the next error, too */
    lock_drop(&c->vfs->lock);
    if (r < 0)
        notify_inode(c->vfs, n);
    return r;
}

/* Commits a text that is cut or dirty. */
static int commit_rest(struct call *c, struct node *n, struct handle *h)
{
    TAKEN_AUTO taken = {0};
    lock_take(&c->vfs->lock);
    bool due = h->key->text.state != TEXT_CLEAN;
    int r = due ? key_text_take(h->key, &taken) : 0;
    lock_drop(&c->vfs->lock);
    return r == 0 && due ? commit_taken(c, n, h, &taken, false) : r;
}

static int refuse_write(struct call *c, struct node *n, int r)
{
    FREE_AUTO char *path = node_path(c->vfs, n->parent);
    FREE_AUTO char *name = node_name(c->vfs, n);
    return refuse_change(c, path, name, r, NULL);
}

/* Edits the key's text. *ret_due: what was taken is to be committed before the caller is answered.
 */
static int edit_text(struct call *c, struct node *n, struct handle *h, const struct text_edit *edit,
                     struct taken *ret, bool *ret_due)
{
    struct key_state *ks = h->key;
    const pid_t writer = call_process(c);
    lock_take(&c->vfs->lock);
    const int refused = h->refused;
    int r = key_text_edit(c->vfs, h, edit, max_text(c));
    h->writer = writer;
    if (r == 0)
        ks->writer = writer;
    *ret_due = r == 0 && !edit->resize && !h->wrote && text_is_whole(&ks->text);
    if (*ret_due)
        r = key_text_take(ks, ret);
    h->wrote = h->wrote || (r == 0 && !h->cut);
    lock_drop(&c->vfs->lock);
    return r < 0 && r != refused ? refuse_write(c, n, r) : r;
}

static int key_write(struct call *c, struct node *n, struct handle *h, off_t offset,
                     struct span data)
{
    bool due = false;
    TAKEN_AUTO taken = {0};
    const struct text_edit edit = {.at = offset, .append = h->append, .data = data};
    /* Without a key it was opened as a scratch file, which then was renamed onto the key. */
    int r = h->key ? 0 : open_to_write(c, n, O_WRONLY, h);
    if (r == -ENOENT) /* of an opening nothing is told */
        return refuse_write(c, n, r);
    if (r == 0)
        r = edit_text(c, n, h, &edit, &taken, &due);
    return r == 0 && due ? commit_taken(c, n, h, &taken, false) : r;
}

/* Commits what the handle has written, or, if that is to be synced, cut. What others have is theirs
 * to complete. Who is refused has been told before that it was taken: he cannot go on in it. */
static int commit_own(struct call *c, struct node *n, struct handle *h, bool sync)
{
    TAKEN_AUTO taken = {0};
    lock_take(&c->vfs->lock);
    struct key_state *ks = h->key;
    if (!ks) {
        lock_drop(&c->vfs->lock);
        return 0;
    }
    const int refused = h->refused;
    int r = refused ? refused : key_text_is_lost(ks, h) ? -ECANCELED : 0;
    const bool cut = sync && ks->text.state == TEXT_CUT && h->cut;
    const bool due = r == 0 && (cut || key_text_is_due(ks, h));
    if (due)
        r = key_text_take(ks, &taken);
    lock_drop(&c->vfs->lock);
    if (r < 0)
        r = r == refused ? r : refuse_write(c, n, r);
    else if (due)
        r = commit_taken(c, n, h, &taken, sync);
    if (r < 0 && !(sync && r == -EINTR)) {
        lock_take(&c->vfs->lock);
        h->refused = r == -EINTR ? -ECANCELED : r;
        lock_drop(&c->vfs->lock);
    }
    return r;
}

static int key_flush(struct call *c, struct node *n, struct handle *h)
{
    return call_is_bystander(c, h) ? handle_refused(c->vfs, h) : commit_own(c, n, h, false);
}

static int key_fsync(struct call *c, struct node *n, struct handle *h)
{
    return commit_own(c, n, h, true);
}

/* Who else writes to it would go on in the middle: its next write is refused. */
static void key_drop(struct call *c, struct node *n, struct handle *h)
{
    if (!h->key)
        return;
    const pid_t writer = call_process(c);
    lock_take(&c->vfs->lock);
    struct key_state *ks = h->key;
    /* What is being committed goes on by itself. */
    bool own = ks->text.state != TEXT_CLEAN && ks->text.version > ks->sent && writer != 0 &&
               ks->writer == writer;
    if (own) {
        key_text_drop(c->vfs, ks, ks->sent);
        ks->epoch++;
    }
    lock_drop(&c->vfs->lock);
    if (!own)
        return;
    FREE_AUTO char *path = node_path(c->vfs, n->parent);
    FREE_AUTO char *name = node_name(c->vfs, n);
    note_killed(c->vfs, path, name);
    notify_inode(c->vfs, n);
}

static void key_release(struct call *c, struct node *n, struct handle *h)
{
    if (!h->key)
        return;
    lock_take(&c->vfs->lock);
    h->closing = true;
    bool last = ++h->key->closing == h->key->writers;
    /* A rename has made a scratch file of the key: what was to come of it is not known any more. */
    if (n->ops->kind != KIND_SETTING && last)
        text_clean(&h->key->text);
    lock_drop(&c->vfs->lock);
    if (last)
        commit_rest(c, n, h); /* a refusal is noted; nobody else can be told */
    key_end_writing(c, n->parent, h);
}

/* Whoever sets the times of a file that was just created or cut, as touch does, wants it as it is:
 * committed at once, the error can be told. */
static int commit_cut(struct call *c, struct node *n)
{
    KEY_AT_AUTO at = {0};
    TAKEN_AUTO taken = {0};
    struct handle own = {.node = n};
    unsigned long sets;
    int r = key_at_node(c, n, &at);
    if (r < 0)
        return r;
    own.key = key_enter(c, n->parent, &at, &sets);
    if (!own.key)
        return -ENOMEM;
    lock_take(&c->vfs->lock);
    bool cut = own.key->text.state == TEXT_CUT;
    if (cut)
        r = key_text_take(own.key, &taken);
    lock_drop(&c->vfs->lock);
    if (r == 0 && cut)
        r = commit_taken(c, n, &own, &taken, false);
    key_end_writing(c, n->parent, &own);
    return r;
}

static int key_setattr(struct call *c, struct node *n, struct handle *h, const struct stat *st,
                       int valid)
{
    if (!(valid & FUSE_SET_ATTR_SIZE)) /* chmod, chown and times are accepted and ignored */
        return valid & FUSE_SET_ATTR_MTIME ? commit_cut(c, n) : 0;
    const struct text_edit edit = {.resize = true, .at = st->st_size};
    TAKEN_AUTO taken = {0}; /* nothing is: a size is no value */
    bool due;
    if (h && h->key) /* committed when it is closed, unless something is written first */
        return edit_text(c, n, h, &edit, &taken, &due);
    struct handle own = {.node = n, .writes = true};
    int r = pages_write(c->vfs, n, NULL);
    if (r == 0)
        r = open_to_write(c, n, O_WRONLY, &own);
    if (r < 0)
        return r;
    r = edit_text(c, n, &own, &edit, &taken, &due);
    if (r == 0)
        r = commit_rest(c, n, &own);
    key_end_writing(c, n->parent, &own);
    return r;
}

const struct node_ops key_ops = {
    .kind = KIND_SETTING,
    .type = S_IFREG,
    .getattr = key_getattr,
    .setattr = key_setattr,
    .open = key_open,
    .read = key_read,
    .write = key_write,
    .flush = key_flush,
    .drop = key_drop,
    .fsync = key_fsync,
    .release = key_release,
    .take = pages_take,
};
