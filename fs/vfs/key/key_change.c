/* SPDX-License-Identifier: MIT */
/*
 * Changes to keys, as the remote layer's commits want them: a function from the text that the
 * server has to the new one. Where the value of the key is not what the user saw, somebody
 * else changed it, and the change is refused rather than lost; where it already is what the user
 * wants, nothing is refused.
 */
#include "key_change.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "parser/document/names.h"
#include "parser/document/value.h"
#include "remote/commit/commit.h"
#include "vfs/host/host_view.h"
#include "vfs/node/node_path.h"
#include "vfs/notify.h"
#include "vfs/ops/caller.h"
#include "vfs/recent.h"
#include "vfs/refuse.h"

struct key_change {
    struct change change;
    struct vfs *vfs;
    struct node *dir;
    const char *path;
    const char *name;
    struct span key;
    enum vmx_edit_op op;
    struct span value;         /* SET */
    struct span new_key;       /* RENAME */
    const char *new_name;      /* RENAME */
    bool exclusive;            /* RENAME: onto no key that is there */
    struct key_state *ks;      /* what of it the caller saw is its base */
    const struct taken *taken; /* the text that it sets, or NULL */
};

/* Whether what the server has was there when the user looked: the attributes have not changed
 * since, and by then the second was over in which they could stay the same. Of a text that the user
 * was not shown that second is the user's. */
static bool was_there(const struct seen *base, const struct server_text *server)
{
    int64_t clock_then = (int64_t)server->clock_s * 1000 - (clock_ms() - base->asked_at);
    return base->dated && document_same_version(&base->attrs, &server->doc->attrs) &&
           (base->outdated || clock_then >= ((int64_t)base->attrs.mtime + 1) * 1000);
}

static bool has_value(const struct vmx_dict *dict, struct span key, bool there, struct span value)
{
    BUF_AUTO found = {0};
    int r = vmx_dict_get(dict, key, &found);
    return there ? r == 0 && span_eq(buf_span(&found), value) : r == -ENOENT;
}

/* Whether a value was put there by this mount's own users of the key, earlier in the same commit:
 * each of them would have told the next, had they been committed one by one. */
static bool is_our_own(const struct key_change *k, bool there, struct span value)
{
    const struct change *change = &k->change;
    while ((change = change_before(change))) {
        const struct key_change *earlier = (const struct key_change *)change;
        if (change->apply != k->change.apply || change->result < 0)
            continue;
        if (earlier->op == VMX_EDIT_RENAME && span_eq_fold(earlier->new_key, k->key))
            return there;
        if (!span_eq_fold(earlier->key, k->key))
            continue;
        return earlier->op == VMX_EDIT_SET ? there && span_eq(earlier->value, value) : !there;
    }
    return false;
}

/* Compares what the user saw with what there is: on the server, or made by the changes before. */
static int check_base(struct key_change *k, const struct server_text *server,
                      const struct vmx_dict *current)
{
    BUF_AUTO now = {0};
    int r = vmx_dict_get(current, k->key, &now);
    if (r < 0 && r != -ENOENT)
        return r;
    bool there = r == 0;
    struct span value = buf_span(&now);
    if (k->op == VMX_EDIT_SET && there && span_eq(value, k->value))
        return 0;
    if (k->op == VMX_EDIT_REMOVE && !there)
        return 0;
    if (is_our_own(k, there, value))
        return 0;
    /* Nothing in it was made from the value that the caller saw. */
    const bool anew = k->op != VMX_EDIT_SET || (k->taken && k->taken->anew);
    lock_take(&k->vfs->lock);
    struct seen *base = &k->ks->base;
    seen_take_answer(base);
    bool same =
        !base->known ||
        (anew && was_there(base, server) && has_value(server->doc->dict, k->key, there, value)) ||
        (base->there == there && (!there || span_eq(buf_span(&base->value), value)));
    lock_drop(&k->vfs->lock);
    return same ? 0 : -ECANCELED;
}

/* Adds the setting of a value; a line that was just removed is taken up again. */
static int add_set(struct key_change *k, const struct vmx_dict *current, struct vmx_edits *edits,
                   struct diag *diag)
{
    if (vmx_dict_find(current, k->key) != SIZE_MAX)
        return vmx_edits_set(edits, k->key, k->value);
    lock_take(&k->vfs->lock);
    const struct recent_detail *removed = recent_find(k->vfs, RECENT_REMOVED_LINE, k->dir, k->key);
    int r = removed ? vmx_edits_set_at(edits, k->key, k->value, &removed->place)
                    : vmx_name_check_new(k->key, diag) ?: vmx_edits_set(edits, k->key, k->value);
    lock_drop(&k->vfs->lock);
    return r;
}

/* Remembers where the line stands that is about to be removed, also for a set in the same commit.
 */
static int note_place(struct key_change *k, const struct vmx_dict *current)
{
    struct recent_detail detail = {0};
    int r = vmx_place_of(current, k->key, &detail.place);
    if (r < 0)
        return r;
    lock_take(&k->vfs->lock);
    recent_note(k->vfs, RECENT_REMOVED_LINE, k->dir, k->key, detail);
    lock_drop(&k->vfs->lock);
    return 0;
}

static int add_edit(struct key_change *k, const struct vmx_dict *current, struct vmx_edits *edits,
                    struct diag *diag)
{
    if (k->op == VMX_EDIT_SET)
        return add_set(k, current, edits, diag);
    if (k->op == VMX_EDIT_RENAME)
        return vmx_edits_rename(edits, k->key, k->new_key);
    int r = note_place(k, current);
    return r < 0 && r != -ENOENT ? r : vmx_edits_remove(edits, k->key);
}

/* A value must fit the name that it gets. */
static int check_new_name(const struct key_change *k, const struct vmx_dict *current,
                          struct diag *diag)
{
    BUF_AUTO value = {0};
    int r = vmx_dict_get(current, k->key, &value);
    const bool there = vmx_dict_find(current, k->new_key) != SIZE_MAX;
    if (k->exclusive && there)
        return -EEXIST;
    if (r == 0 && !there)
        r = vmx_name_check_new(k->new_key, diag);
    return r ?: vmx_value_check(span_of(k->new_name), buf_span(&value), diag);
}

static int apply(struct change *change, const struct server_text *server,
                 const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    struct key_change *k = (struct key_change *)change;
    const bool same = k->op == VMX_EDIT_SET && has_value(current, k->key, true, k->value);
    if (!server->exists)
        return refuse_gone(diag);
    if (vmx_dict_encrypted(current))
        return same ? buf_add(ret, vmx_dict_text(current)) : refuse_encrypted(diag);
    int r = check_base(k, server, current);
    /* Also a value that would be refused today may stay. */
    if (r == 0 && k->op == VMX_EDIT_SET && !same)
        r = vmx_value_check(span_of(k->name), k->value, diag);
    else if (r == 0 && k->op == VMX_EDIT_RENAME)
        r = check_new_name(k, current, diag);
    if (r < 0)
        return r;
    struct vmx_edits edits = {0};
    const struct vmx_around around = around_alone(k->vfs);
    r = add_edit(k, current, &edits, diag)
        ?: vmx_plan_follow(current, &around, &edits)
        ?: vmx_edits_apply(&edits, current, ret, diag);
    vmx_edits_done(&edits);
    return r;
}

/* Notes which version of the key's text is on the server. Where there is none, or an older one than
 * before, a writer that goes on in the old text would put its own into the new one. */
static void note_version(struct key_state *ks, const struct taken *taken)
{
    if (taken && taken->version >= ks->committed) {
        ks->committed = taken->version;
    } else if (ks->draft.state == DRAFT_CLEAN || ks->draft.version <= ks->committed) {
        text_draft_clean(&ks->draft);
        ks->begun = ks->draft.version;
    }
}

/* A key was replaced or renamed in which others have a text that is not complete: it was made from
 * what is not there any more, and they are told. A removal ends it in silence (vmx_unlink). */
static void end_unfinished(struct key_change *k, struct key_state *ks) REQUIRES(k->vfs->lock)
{
    if (k->taken || k->op == VMX_EDIT_REMOVE || ks->draft.state != DRAFT_DIRTY ||
        ks->draft.version <= ks->sent)
        return;
    key_draft_drop(k->vfs, ks, ks->sent);
    ks->generation++;
}

/* Notes that a key was set to a value, or removed. */
static void note_change(struct key_change *k, struct span key, bool there, struct span value)
{
    lock_take(&k->vfs->lock);
    struct key_state *ks = key_state(k->vfs, k->dir, key, false);
    if (there)
        recent_forget(k->vfs, RECENT_HIDDEN, k->dir, key);
    if (ks) {
        ks->sets++;
        if (ks->writers > 0)
            seen_set(&ks->base, there, value);
        end_unfinished(k, ks);
        /* A truncation that was not committed yet is cancelled by what came later. */
        if (ks->draft.state == DRAFT_TRUNCATED)
            text_draft_clean(&ks->draft);
        note_version(ks, k->taken);
        key_state_tidy(k->vfs, k->dir, ks);
    }
    lock_drop(&k->vfs->lock);
}

static void committed(struct change *change, const struct document *before,
                      const struct document *after)
{
    struct key_change *k = (struct key_change *)change;
    BUF_AUTO value = {0};
    note_change(k, k->key, k->op == VMX_EDIT_SET, k->value);
    if (k->op == VMX_EDIT_RENAME && vmx_dict_get(after->dict, k->new_key, &value) == 0)
        note_change(k, k->new_key, true, buf_span(&value));
    notify_commit(k->vfs, k->path, before, after);
}

/* Whether there was no file any more when the caller opened it. */
static bool was_gone(struct vfs *vfs, struct key_state *ks)
{
    lock_take(&vfs->lock);
    seen_take_answer(&ks->base);
    const bool gone = ks->base.gone;
    lock_drop(&vfs->lock);
    return gone;
}

static int commit(struct request *rq, struct key_change *k)
{
    lock_take(&rq->vfs->lock);
    k->ks->committing++;
    lock_drop(&rq->vfs->lock);
    int r = remote_commit(rq->vfs->remote, k->path, &k->change, &rq->wait);
    lock_take(&rq->vfs->lock);
    k->ks->committing--;
    lock_drop(&rq->vfs->lock);
    return r;
}

static int run(struct request *rq, struct node *dir, const char *name, struct key_change *k)
{
    KEY_AT_AUTO at = {0};
    struct handle own = {.node = NULL};
    /* A text that takes a value's place was made from what the cache showed. A removal or a rename
     * is meant for what there is when it is asked for. */
    bool fresh = !k->ks && k->op != VMX_EDIT_SET;
    int64_t max_age_ms = k->ks ? DOCUMENT_ANY_AGE : cache_ms(rq);
    int r = fresh ? key_at_to_write(rq, dir, name, WRITING_ANEW, &at)
                  : key_at(rq, dir, name, max_age_ms, &at);
    if (r == -ENOENT)
        refuse_gone(&k->change.diag);
    if (r == 0 && !k->ks) {
        r = key_begin_writing(rq, dir, name, &at, fresh ? WRITING : WRITING_FROM_CACHE, &own);
        k->ks = own.key;
    }
    k->change.by = caller_by(rq);
    k->change.apply = apply;
    k->change.committed = committed;
    k->vfs = rq->vfs;
    k->dir = dir;
    k->name = name;
    k->path = at.path;
    k->key = buf_span(&at.key);
    r = r ?: commit(rq, k);
    FREE_AUTO char *path = r < 0 ? node_path(rq->vfs, dir) : NULL;
    if (k->op == VMX_EDIT_REMOVE)
        refuse_removal(rq, path, name, r, &k->change.diag, path);
    else if (k->op == VMX_EDIT_SET && r == -ENOENT && was_gone(rq->vfs, k->ks))
        rq->told = true; /* a name that is not there is nothing to tell of */
    else if (k->op == VMX_EDIT_SET)
        refuse_change(rq, path, name, r, &k->change.diag);
    else
        refuse(rq, path, name, r, &k->change.diag);
    if (own.key)
        key_end_writing(rq, dir, &own);
    return r;
}

int key_set(struct request *rq, struct node *dir, const char *name, struct span value,
            struct key_state *ks, const struct taken *taken)
{
    struct key_change k = {.op = VMX_EDIT_SET, .value = value, .ks = ks, .taken = taken};
    return run(rq, dir, name, &k);
}

int key_remove(struct request *rq, struct node *dir, const char *name)
{
    struct key_change k = {.op = VMX_EDIT_REMOVE};
    return run(rq, dir, name, &k);
}

int key_rename(struct request *rq, struct node *dir, const char *name, const char *new_name,
               bool exclusive)
{
    KEY_AT_AUTO to = {0};
    int r = key_at(rq, dir, new_name, cache_ms(rq), &to);
    if (r < 0)
        return refuse_name(rq, dir, new_name, r);
    struct key_change k = {.op = VMX_EDIT_RENAME,
                           .new_key = buf_span(&to.key),
                           .new_name = new_name,
                           .exclusive = exclusive};
    return run(rq, dir, name, &k);
}
