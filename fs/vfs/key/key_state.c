/* SPDX-License-Identifier: MIT */
#include "key_state.h"

#include <errno.h>
#include <stdlib.h>

#include <uthash.h>

#include "base/cleanup.h"
#include "sftp/results.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/caller.h"

void seen_done(struct seen *seen)
{
    buf_done(&seen->value);
    sftp_call_free(&seen->look);
    seen->known = false;
}

int seen_set(struct seen *seen, bool there, struct span value)
{
    struct buf copy = {0};
    int r = buf_add(&copy, value);
    if (r < 0)
        return r;
    seen_done(seen);
    *seen = (struct seen){.known = true, .there = there, .value = copy};
    return 0;
}

void seen_take_answer(struct seen *seen)
{
    const struct wait no_wait = {0};
    if (!seen->look || !sftp_call_has_ended(seen->look))
        return;
    const int r = sftp_wait(seen->look, &no_wait);
    seen->dated = r == 0;
    seen->gone = r == -ENOENT;
    if (seen->dated) {
        const struct sftp_attrs *attrs = sftp_call_attrs(seen->look);
        seen->outdated = !document_same_version(&seen->attrs, attrs);
        seen->attrs = *attrs;
    }
    sftp_call_free(&seen->look);
}

static void free_state(struct key_state *ks)
{
    text_draft_done(&ks->draft);
    seen_done(&ks->base);
    free(ks);
}

static void fold(struct span key, char *ret)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        ret[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
}

void key_state_tidy(struct vfs *vfs, struct node *dir, struct key_state *ks)
{
    (void)vfs;
    if (ks->writers > 0 || ks->draft.state != DRAFT_CLEAN)
        return;
    HASH_DEL(dir->keys, ks);
    dir->refs--; /* the caller holds another one */
    free_state(ks);
}

struct key_state *key_state(struct vfs *vfs, struct node *dir, struct span key, bool create)
{
    (void)vfs;
    struct key_state *ks = NULL;
    if (!create && !dir->keys)
        return NULL;
    struct key_state *fresh = calloc(1, sizeof(*fresh) + key.n + 1);
    if (!fresh)
        return NULL;
    fold(key, fresh->id);
    HASH_FIND(hh, dir->keys, fresh->id, key.n, ks);
    if (ks || !create) {
        free(fresh);
        return ks;
    }
    HASH_ADD_KEYPTR(hh, dir->keys, fresh->id, key.n, fresh);
    if (!fresh->hh.tbl) {
        free(fresh);
        return NULL;
    }
    dir->refs++; /* the directory's node lives as long as something is written in it */
    return fresh;
}

void key_states_free(struct vfs *vfs, struct node *dir)
{
    (void)vfs;
    struct key_state *ks;
    struct key_state *next;
    HASH_ITER (hh, dir->keys, ks, next) {
        HASH_DEL(dir->keys, ks);
        free_state(ks);
    }
}

void key_states_see(struct vfs *vfs, const char *path, const struct document *before)
{
    struct node *dir = before ? node_at(vfs, path, false) : NULL;
    if (!dir)
        return;
    lock_take(&vfs->lock);
    for (struct key_state *ks = dir->keys; ks; ks = ks->hh.next) {
        BUF_AUTO value = {0};
        struct seen *base = &ks->base;
        seen_take_answer(base);
        if (!base->known || !base->outdated || !document_same_version(&base->attrs, &before->attrs))
            continue;
        const struct span key = {ks->id, ks->hh.keylen};
        const int r = vmx_dict_get(before->dict, key, &value);
        if (r == 0 || r == -ENOENT) /* else its writer is refused, as by somebody else's change */
            (void)seen_set(base, r == 0, buf_span(&value));
    }
    lock_drop(&vfs->lock);
    node_unref(vfs, dir);
}

struct key_state *key_enter(struct request *rq, struct node *dir, const struct key_at *at,
                            unsigned long *ret_sets)
{
    lock_take(&rq->vfs->lock);
    struct key_state *ks = key_state(rq->vfs, dir, buf_span(&at->key), true);
    if (ks) {
        ks->writers++;
        *ret_sets = ks->sets;
    }
    lock_drop(&rq->vfs->lock);
    return ks;
}

static void leave(struct request *rq, struct node *dir, struct key_state *ks)
    REQUIRES(rq->vfs->lock)
{
    if (--ks->writers == 0)
        seen_done(&ks->base);
    key_state_tidy(rq->vfs, dir, ks);
}

void key_end_writing(struct request *rq, struct node *dir, struct handle *h)
{
    lock_take(&rq->vfs->lock);
    struct key_state *ks = h->key;
    ks->closing -= h->closing;
    h->key = NULL;
    leave(rq, dir, ks);
    lock_drop(&rq->vfs->lock);
}

/* Makes what the server had when the handle was opened the base. Where others write already, that
 * can be news only if somebody else changed the key since; a text that was made from the old value
 * keeps it, and will be refused. */
static int take_base(struct key_state *ks, bool there, struct span value, bool truncated)
{
    const struct seen *base = &ks->base;
    if (base->known && base->there == there && span_eq(buf_span(&base->value), value))
        return 0;
    if (base->known && ks->draft.state != DRAFT_CLEAN && !truncated)
        return 0;
    bool late = base->known;
    int r = seen_set(&ks->base, there, value);
    if (r == 0 && late)
        ks->generation++;
    return r;
}

/* Notes what the file was when its document was asked for. */
static void date(struct seen *base, const struct key_at *at, struct key_at *asked)
{
    if (at->doc != asked->doc)
        return;
    base->dated = !asked->look;
    base->attrs = at->doc->attrs;
    base->asked_at = asked->asked_at;
    base->look = steal(asked->look);
}

int key_begin_writing(struct request *rq, struct node *dir, const char *name, struct key_at *asked,
                      enum writing how, struct handle *h)
{
    KEY_AT_AUTO at = {0};
    BUF_AUTO value = {0};
    unsigned long sets = 0;
    const pid_t writer = how == WRITING_ANEW ? caller_process(rq) : 0;
    struct key_state *ks = key_enter(rq, dir, asked, &sets);
    if (!ks)
        return -ENOMEM;
    /* An answer that was asked for before may be older than a commit of ours. The cached text is
     * not. */
    int r = key_at(rq, dir, name, DOCUMENT_ANY_AGE, &at);
    if (r == 0 && at.extent != SIZE_MAX)
        r = vmx_dict_value(at.doc->dict, at.extent, &value);
    lock_take(&rq->vfs->lock);
    const bool truncated = how == WRITING_ANEW;
    const bool first = !ks->base.known;
    const bool outdated = how == WRITING_FROM_CACHE && ks->base.known;
    if (r == 0 && ks->sets == sets && ks->committing == 0 && !outdated)
        r = take_base(ks, at.extent != SIZE_MAX, buf_span(&value), truncated);
    if (r == 0 && first && ks->base.known && how != WRITING_FROM_CACHE)
        date(&ks->base, &at, asked);
    if (r == 0 && truncated) {
        r = text_draft_resize(&ks->draft, 0, max_text(rq));
        ks->writer = writer;
        ks->begun = ks->draft.version;
    }
    if (r == 0 && !h->key) { /* a scratch file that became a key may be written by two at once */
        h->key = ks;
        h->key_generation = ks->generation;
        h->removals = ks->removals;
        h->truncated = truncated;
    } else {
        leave(rq, dir, ks);
    }
    lock_drop(&rq->vfs->lock);
    return r;
}

static bool is_written(struct request *rq, struct node *dir, const struct key_at *at)
{
    lock_take(&rq->vfs->lock);
    const struct key_state *ks = key_state(rq->vfs, dir, buf_span(&at->key), false);
    const bool written = ks && ks->writers > 0;
    lock_drop(&rq->vfs->lock);
    return written;
}

int key_at_to_write(struct request *rq, struct node *dir, const char *name, enum writing how,
                    struct key_at *ret)
{
    if (how == WRITING_ANEW) {
        int r = key_at(rq, dir, name, DOCUMENT_ANY_AGE, ret);
        if (r == 0 && !is_written(rq, dir, ret))
            ret->look = remote_ask_document(rq->vfs->remote, ret->path);
        if (r < 0 || ret->look)
            return r;
        key_at_done(ret);
    }
    return key_at(rq, dir, name, DOCUMENT_TO_WRITE, ret);
}
