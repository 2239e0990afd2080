/* SPDX-License-Identifier: MIT */
#include "unsaved_text.h"

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "remote/file/files.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"
#include "vmx_file_change.h"

char *vmx_file_path(struct request *rq, struct node *n)
{
    struct node *vmx = vmx_above(rq->vfs, n); /* of raw; the others are not below one */
    return node_path(rq->vfs, vmx ? vmx : n);
}

void unsaved_text_free(struct unsaved_text *t)
{
    if (!t)
        return;
    text_draft_done(&t->draft);
    free(t);
}

int unsaved_text_begin(struct request *rq, struct node *n, struct span seen,
                       struct fingerprint base, bool truncated, struct handle *h)
{
    const pid_t writer = truncated ? caller_process(rq) : 0;
    struct unsaved_text *t = calloc(1, sizeof(*t));
    int r = t ? text_draft_load(&t->draft, seen) : -ENOMEM;
    if (r == 0 && truncated)
        r = text_draft_resize(&t->draft, 0, max_text(rq));
    lock_take(&rq->vfs->lock);
    const bool begun = h->unsaved; /* a scratch file that became raw is written by two at once */
    if (!n->vmx_file)
        n->vmx_file = calloc(1, sizeof(*n->vmx_file));
    struct vmx_file *w = r == 0 && !begun ? n->vmx_file : NULL;
    if (w) {
        t->base = base;
        h->writer = writer;
        h->unsaved = t;
        if (w->writers++ == 0)
            w->staged = !base.there;
        if (truncated)
            w->shown = h;
    }
    lock_drop(&rq->vfs->lock);
    if (w)
        return 0;
    unsaved_text_free(t);
    return begun ? 0 : -ENOMEM;
}

/* The server's text is shown again, or another writer's. */
static void hide(struct node *n, const struct handle *h)
{
    if (n->vmx_file->shown == h)
        n->vmx_file->shown = NULL;
}

void unsaved_text_throw_away(struct node *n, struct handle *h, int r)
{
    h->unsaved->draft.state = DRAFT_CLEAN;
    h->unsaved->draft.version++;
    h->unsaved->set.flags = 0;
    h->refused = r;
    hide(n, h);
}

static int edit_locked(struct node *n, struct handle *h, const struct text_draft_edit *edit,
                       size_t max)
{
    if (h->refused && !text_draft_edit_truncates(edit))
        return h->refused;
    int r = text_draft_apply(&h->unsaved->draft, edit, max);
    if (r < 0) {
        unsaved_text_throw_away(n, h, r);
        return r;
    }
    h->refused = 0;
    n->vmx_file->shown = h;
    return 0;
}

int unsaved_text_edit(struct request *rq, struct node *n, struct handle *h,
                      const struct text_draft_edit *edit)
{
    const pid_t writer = caller_process(rq);
    lock_take(&rq->vfs->lock);
    const int refused = h->refused;
    int r = edit_locked(n, h, edit, max_text(rq));
    if (r == 0)
        h->writer = writer;
    n->vmx_file->flushed = false;
    lock_drop(&rq->vfs->lock);
    if (r == 0 || r == refused)
        return r;
    FREE_AUTO char *path = vmx_file_path(rq, n);
    return refuse(rq, path, NULL, r, NULL);
}

/* ---- the commit */

int unsaved_text_take(struct node *n, struct handle *h, struct unsaved_copy *ret)
{
    struct unsaved_text *t = h->unsaved;
    *ret = (struct unsaved_copy){.version = t->draft.version, .base = t->base, .set = t->set};
    int r = buf_add(&ret->text, buf_span(&t->draft.bytes));
    if (r < 0)
        return r;
    t->committing = true;
    t->sent = t->draft.version;
    n->vmx_file->making |= !t->base.there;
    return 0;
}

/* Takes what is to be committed. 1: it was taken; 0: nothing is; -errno: the writer was refused
 * before, or an earlier commit cannot be waited for. A text that is only truncated waits for the
 * release: shells close a file once before they write to it. */
static int take_due(struct request *rq, struct node *n, struct handle *h, enum occasion when,
                    struct unsaved_copy *ret)
{
    struct unsaved_text *t = h->unsaved;
    const enum text_draft_state least = when == AT_FLUSH ? DRAFT_DIRTY : DRAFT_TRUNCATED;
    int r = 0;
    lock_take(&rq->vfs->lock);
    while (r == 0 && (t->committing || (n->vmx_file->making && !t->base.there)))
        r = wait_on(&rq->wait, &rq->vfs->changed, &rq->vfs->lock);
    if (r == 0) {
        r = h->refused;
        rq->told = r < 0; /* maybe while this waited */
    }
    if (r == 0 && t->draft.state >= least) {
        r = unsaved_text_take(n, h, ret);
        r = r == 0 ? 1 : r;
    }
    lock_drop(&rq->vfs->lock);
    return r;
}

/* The file was created empty, as those saw it that opened it while there was none. */
static void share_base(struct vfs *vfs, struct node *n, struct fingerprint base)
{
    struct handle *h;
    DL_FOREACH (vfs->handles, h) {
        if (h->node == n && h->unsaved && !h->unsaved->base.there)
            h->unsaved->base = base;
    }
}

static void note_committed(struct vfs *vfs, struct node *n, struct handle *h,
                           const struct unsaved_copy *taken)
{
    struct unsaved_text *t = h->unsaved;
    t->base = fingerprint_of(buf_span(&taken->text));
    if (!taken->base.there && taken->text.len == 0)
        share_base(vfs, n, t->base);
    t->set.flags = 0;
    if (t->draft.version != taken->version)
        return;
    t->draft.state = DRAFT_CLEAN;
    hide(n, h);
}

int unsaved_text_commit_taken(struct request *rq, struct node *n, struct handle *h,
                              const struct unsaved_copy *taken, enum occasion when)
{
    struct diag diag = {0};
    FREE_AUTO char *path = vmx_file_path(rq, n);
    int r = path ? vmx_file_replace(rq, path, buf_span(&taken->text), taken->base, &diag) : -ENOMEM;
    /* A truncation is overtaken by whatever anybody else has written since. */
    const bool overtaken =
        when == AT_RELEASE && taken->text.len == 0 && (r == -ECANCELED || r == -EEXIST);
    if (!overtaken)
        r = refuse_change(rq, path, NULL, r, &diag);
    if (r == 0 && taken->set.flags) /* a failure is reported, and is not one of the text */
        refuse(rq, path, NULL, remote_setattr(rq->vfs->remote, path, &taken->set, &rq->wait), NULL);
    lock_take(&rq->vfs->lock);
    h->unsaved->committing = false;
    n->vmx_file->making &= taken->base.there;
    if (r == 0)
        note_committed(rq->vfs, n, h, taken);
    else if (r != -EINTR)
        unsaved_text_throw_away(n, h, r);
    else if (when != AT_FSYNC) /* a caller that is interrupted in fsync asks again */
        unsaved_text_throw_away(n, h, -ECANCELED);
    condition_wake_all(&rq->vfs->changed);
    lock_drop(&rq->vfs->lock);
    return r;
}

int unsaved_text_commit(struct request *rq, struct node *n, struct handle *h, enum occasion when)
{
    struct unsaved_copy taken = {0};
    int r = take_due(rq, n, h, when, &taken);
    if (r > 0)
        r = unsaved_text_commit_taken(rq, n, h, &taken, when);
    buf_done(&taken.text);
    return r;
}

void unsaved_text_end(struct request *rq, struct node *n, struct handle *h)
{
    const struct wait until = {.deadline = INT64_MAX / 2};
    const bool becomes_folder = !vmx_above(rq->vfs, n) && !node_is_plain(rq->vfs, n);
    lock_take(&rq->vfs->lock);
    while (h->unsaved->committing) /* by a caller that sets the file's times */
        wait_on(&until, &rq->vfs->changed, &rq->vfs->lock);
    hide(n, h);
    unsaved_text_free(h->unsaved);
    h->unsaved = NULL;
    /* A .vmx that was created as a file is a directory from now on. The kernel trusts the name of
     * what is being created for no time, and looks it up again. */
    if (--n->vmx_file->writers == 0 && becomes_folder)
        node_lose_name(rq->vfs, n);
    condition_wake_all(&rq->vfs->changed);
    lock_drop(&rq->vfs->lock);
}
