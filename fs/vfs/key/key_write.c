/* SPDX-License-Identifier: MIT */
/*
 * Key files: the value and one newline.
 *
 * What is being written belongs to the key, not to the handle. The first write of a handle, if the
 * text ends in a newline then, is committed before it is answered, because shells drop the error of
 * close(). Other text is committed at flush or fsync: a value of many lines is not rewritten for
 * each. What a process that is killed had not finished is dropped (caller.c). A truncation, or a
 * creation, that nothing followed is committed when the last writer closes: shells close the file
 * once before they write to it.
 */
#include "key_write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "key_change.h"
#include "key_show.h"
#include "vfs/node/node_path.h"
#include "vfs/notify.h"
#include "vfs/ops/caller.h"
#include "vfs/recent.h"
#include "vfs/refuse.h"

int key_may_write(struct request *rq, const struct key_at *at, const char *name)
{
    struct diag diag = {0};
    int r = 0;
    if (rq->vfs->options.read_only)
        r = -EROFS;
    else if (vmx_dict_encrypted(at->doc->dict))
        r = refuse_encrypted(&diag);
    return refuse(rq, at->path, name, r, &diag);
}

int key_open_to_write(struct request *rq, struct node *n, int flags, struct handle *h)
{
    KEY_AT_AUTO at = {0};
    FREE_AUTO char *name = node_name(rq->vfs, n);
    if (!name)
        return -ENOMEM;
    enum writing how = flags & O_TRUNC ? WRITING_ANEW : WRITING;
    int r = key_at_to_write(rq, n->parent, name, how, &at);
    if (r < 0) {
        FREE_AUTO char *path = node_path(rq->vfs, n->parent);
        return refuse(rq, path, name, r, NULL);
    }
    r = key_may_write(rq, &at, name);
    r = r ?: key_attr(rq, n->parent, &at, &(struct stat){0});
    /* A removal of ours overtook the open. An error that says so would not do: the kernel looks
     * once more, and may find the next key. */
    if (r == -ENOENT && recent_is(rq->vfs, RECENT_REMOVED_LINE, n->parent, buf_span(&at.key))) {
        how = WRITING_ANEW;
        r = 0;
    }
    return r ?: key_begin_writing(rq, n->parent, name, &at, how, h);
}

void key_uncreate(struct request *rq, struct node *dir, struct handle *h)
{
    lock_take(&rq->vfs->lock);
    if (h->key->writers == 1)
        text_draft_clean(&h->key->draft);
    lock_drop(&rq->vfs->lock);
    key_end_writing(rq, dir, h);
}

/* The key that was being written was renamed to an editor's backup, whose name is not a key's. */
static int refuse_moved(struct request *rq, struct node *n)
{
    struct diag diag = {0};
    diag_set(&diag,
             "the setting got this name, which is not a setting's, while it was being written");
    return refuse_written(rq, n, -ECANCELED, &diag);
}

/* Commits the text that was taken, whichever handle wrote it. A failure throws it away, with what
 * was added since, but not a text that was begun anew: nothing is tried again in silence. again: an
 * interrupted caller asks again. */
static int commit_taken(struct request *rq, struct node *n, struct handle *h,
                        const struct taken *taken, bool again)
{
    struct key_state *ks = h->key;
    struct span value = text_value(buf_span(&taken->bytes));
    lock_take(&rq->vfs->lock);
    const bool moved = n->ops->kind != KIND_SETTING;
    FREE_AUTO char *name = strdup(n->name);
    lock_drop(&rq->vfs->lock);
    int r = moved  ? refuse_moved(rq, n)
            : name ? key_set(rq, n->parent, name, value, ks, taken)
                   : -ENOMEM;
    lock_take(&rq->vfs->lock);
    if (r == -EINTR && again) {
        if (ks->committing == 0)
            ks->sent = ks->committed; /* nothing of it is under way any more */
        lock_drop(&rq->vfs->lock);
        return r;
    }
    if (r == 0 && h->edit == taken->version)
        h->lost = false; /* what another's failure threw away meanwhile was in this */
    if (r == 0 && ks->draft.version == taken->version) {
        text_draft_clean(&ks->draft);
    } else if (r < 0) {
        h->edit = 0;
        if (ks->begun <= taken->version)
            key_draft_drop(rq->vfs, ks, ks->committed);
    }
    if (h->wrote) /* else it has still to begin */
        h->truncated = r < 0 && taken->anew;
    h->wrote = h->wrote && r == 0; /* a writer that begins anew is told the next error, too */
    lock_drop(&rq->vfs->lock);
    if (r < 0)
        notify_inode(rq->vfs, n);
    return r;
}

/* Commits a text that is truncated, or (unless cut) dirty. */
static int commit_rest(struct request *rq, struct node *n, struct handle *h, bool cut)
{
    TAKEN_AUTO taken = {0};
    lock_take(&rq->vfs->lock);
    const enum text_draft_state state = h->key->draft.state;
    bool due = state == DRAFT_TRUNCATED || (state == DRAFT_DIRTY && !cut);
    int r = due ? key_draft_take(h->key, &taken) : 0;
    lock_drop(&rq->vfs->lock);
    return r == 0 && due ? commit_taken(rq, n, h, &taken, false) : r;
}

/* Edits the key's text. ret: NULL for a size, which is not a value. 1: what was taken is to be
 * committed before the caller is answered; 0; -errno. */
static int edit_text(struct request *rq, struct node *n, struct handle *h,
                     const struct text_draft_edit *edit, struct taken *ret)
{
    struct key_state *ks = h->key;
    const pid_t writer = caller_process(rq);
    lock_take(&rq->vfs->lock);
    const int refused = h->refused;
    int r = key_draft_edit(rq->vfs, h, edit, max_text(rq));
    h->writer = writer;
    if (r == 0)
        ks->writer = writer;
    const bool due = r == 0 && ret && !h->wrote && text_draft_is_whole(&ks->draft);
    if (due)
        r = key_draft_take(ks, ret);
    h->wrote = h->wrote || (r == 0 && !h->truncated);
    lock_drop(&rq->vfs->lock);
    if (r < 0)
        return r == refused ? r : refuse_written(rq, n, r, NULL);
    return due;
}

int key_write(struct request *rq, struct node *n, struct handle *h, off_t offset, struct span data)
{
    TAKEN_AUTO taken = {0};
    const struct text_draft_edit edit = {.at = offset, .append = h->append, .data = data};
    /* Without a key it was opened as a scratch file, which then was renamed onto the key. */
    int r = h->key ? 0 : key_open_to_write(rq, n, O_WRONLY, h);
    if (r == -ENOENT) /* an open is told nothing */
        return refuse_written(rq, n, r, NULL);
    r = r ?: edit_text(rq, n, h, &edit, &taken);
    return r > 0 ? commit_taken(rq, n, h, &taken, false) : r;
}

/* Commits what the handle has written, or, if that is to be synced, truncated. Other handles
 * complete their own. A handle that is refused was told before that its text was taken, so it
 * cannot go on in it.
 */
static int commit_own(struct request *rq, struct node *n, struct handle *h, bool sync)
{
    TAKEN_AUTO taken = {0};
    lock_take(&rq->vfs->lock);
    struct key_state *ks = h->key;
    if (!ks) {
        lock_drop(&rq->vfs->lock);
        return 0;
    }
    const int refused = h->refused;
    int r = refused ? refused : key_draft_is_lost(ks, h) ? -ECANCELED : 0;
    const bool truncated = sync && ks->draft.state == DRAFT_TRUNCATED && h->truncated;
    const bool due = r == 0 && (truncated || key_draft_is_due(ks, h));
    if (due)
        r = key_draft_take(ks, &taken);
    lock_drop(&rq->vfs->lock);
    if (r < 0)
        r = r == refused ? r : refuse_written(rq, n, r, NULL);
    else if (due)
        r = commit_taken(rq, n, h, &taken, sync);
    if (r < 0 && !(sync && r == -EINTR)) {
        lock_take(&rq->vfs->lock);
        h->refused = r == -EINTR ? -ECANCELED : r;
        lock_drop(&rq->vfs->lock);
    }
    return r;
}

int key_flush(struct request *rq, struct node *n, struct handle *h)
{
    return caller_is_bystander(rq, h) ? handle_refused(rq->vfs, h) : commit_own(rq, n, h, false);
}

int key_fsync(struct request *rq, struct node *n, struct handle *h)
{
    return commit_own(rq, n, h, true);
}

/* Another writer would go on in the middle, so its next write is refused. */
void key_drop(struct request *rq, struct node *n, struct handle *h)
{
    if (!h->key)
        return;
    const pid_t writer = caller_process(rq);
    lock_take(&rq->vfs->lock);
    struct key_state *ks = h->key;
    /* A commit that is under way goes on by itself. */
    bool own = ks->draft.state != DRAFT_CLEAN && ks->draft.version > ks->sent && writer != 0 &&
               ks->writer == writer;
    if (own) {
        key_draft_drop(rq->vfs, ks, ks->sent);
        ks->generation++;
    }
    lock_drop(&rq->vfs->lock);
    if (!own)
        return;
    FREE_AUTO char *path = node_path(rq->vfs, n->parent);
    FREE_AUTO char *name = node_name(rq->vfs, n);
    note_killed(rq->vfs, path, name);
    notify_inode(rq->vfs, n);
}

void key_release(struct request *rq, struct node *n, struct handle *h)
{
    if (!h->key)
        return;
    lock_take(&rq->vfs->lock);
    h->closing = true;
    bool last = ++h->key->closing == h->key->writers;
    /* A rename has made a scratch file of the key: what was to come of it is not known any more. */
    if (n->ops->kind != KIND_SETTING && last)
        text_draft_clean(&h->key->draft);
    lock_drop(&rq->vfs->lock);
    if (last)
        commit_rest(rq, n, h, false); /* a refusal is noted; nobody else can be told */
    key_end_writing(rq, n->parent, h);
}

/* A caller that sets the times of a file that was just created or truncated, as touch does, wants
 * it as it is. It is committed at once, so that the error can be told. */
static int commit_cut(struct request *rq, struct node *n)
{
    KEY_AT_AUTO at = {0};
    struct handle own = {.node = n};
    unsigned long sets;
    int r = key_at_node(rq, n, &at);
    if (r < 0)
        return r;
    own.key = key_enter(rq, n->parent, &at, &sets);
    if (!own.key)
        return -ENOMEM;
    r = commit_rest(rq, n, &own, true);
    key_end_writing(rq, n->parent, &own);
    return r;
}

int key_setattr(struct request *rq, struct node *n, struct handle *h, const struct stat *st,
                int valid)
{
    if (!(valid & FUSE_SET_ATTR_SIZE)) /* chmod, chown and times are accepted and ignored */
        return valid & FUSE_SET_ATTR_MTIME ? commit_cut(rq, n) : 0;
    const struct text_draft_edit edit = {.resize = true, .at = st->st_size};
    if (h && h->key) /* committed when it is closed, unless something is written first */
        return edit_text(rq, n, h, &edit, NULL);
    struct handle own = {.node = n, .writes = true};
    int r = key_pages_write(rq->vfs, n, NULL) ?: key_open_to_write(rq, n, O_WRONLY, &own);
    if (r < 0)
        return r;
    r = edit_text(rq, n, &own, &edit, NULL) ?: commit_rest(rq, n, &own, false);
    key_end_writing(rq, n->parent, &own);
    return r;
}
