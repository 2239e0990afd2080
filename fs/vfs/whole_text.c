/* SPDX-License-Identifier: MIT */
#include "whole_text.h"

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "control.h"
#include "remote/files.h"
#include "whole_change.h"

char *whole_path(struct call *c, struct node *n)
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

void whole_text_free(struct whole_text *t)
{
    if (!t)
        return;
    text_done(&t->text);
    free(t);
}

int whole_text_begin(struct call *c, struct node *n, struct span seen, struct fingerprint base,
                     bool cut, struct handle *h)
{
    const pid_t writer = cut ? call_process(c) : 0;
    struct whole_text *t = calloc(1, sizeof(*t));
    int r = t ? text_load(&t->text, seen) : -ENOMEM;
    if (r == 0 && cut)
        r = text_resize(&t->text, 0, max_text(c));
    lock_take(&c->vfs->lock);
    const bool begun = h->whole; /* a scratch file that became raw is written by two at once */
    struct whole *w = r == 0 && !begun ? state(n) : NULL;
    if (w) {
        t->base = base;
        h->writer = writer;
        h->whole = t;
        if (w->writers++ == 0)
            w->staged = !base.there;
        if (cut)
            w->shown = h;
    }
    lock_drop(&c->vfs->lock);
    if (w)
        return 0;
    whole_text_free(t);
    return begun ? 0 : -ENOMEM;
}

/* What the server has is shown again, or what another one writes. */
static void hide(struct node *n, const struct handle *h)
{
    if (n->whole->shown == h)
        n->whole->shown = NULL;
}

void whole_text_throw_away(struct node *n, struct handle *h, int r)
{
    h->whole->text.state = TEXT_CLEAN;
    h->whole->text.version++;
    h->whole->set.flags = 0;
    h->refused = r;
    hide(n, h);
}

static int edit_locked(struct node *n, struct handle *h, const struct text_edit *edit, size_t max)
{
    if (h->refused && !text_edit_cuts(edit))
        return h->refused;
    int r = text_apply(&h->whole->text, edit, max);
    if (r < 0) {
        whole_text_throw_away(n, h, r);
        return r;
    }
    h->refused = 0;
    n->whole->shown = h;
    return 0;
}

int whole_text_edit(struct call *c, struct node *n, struct handle *h, const struct text_edit *edit)
{
    const pid_t writer = call_process(c);
    lock_take(&c->vfs->lock);
    const int refused = h->refused;
    int r = edit_locked(n, h, edit, max_text(c));
    if (r == 0)
        h->writer = writer;
    n->whole->flushed = false;
    lock_drop(&c->vfs->lock);
    if (r == 0 || r == refused)
        return r;
    FREE_AUTO char *path = whole_path(c, n);
    return refuse(c, path, NULL, r, NULL);
}

/* ---- the commit */

int whole_text_take(struct node *n, struct handle *h, struct whole_taken *ret)
{
    struct whole_text *t = h->whole;
    *ret = (struct whole_taken){.version = t->text.version, .base = t->base, .set = t->set};
    int r = buf_add(&ret->text, buf_span(&t->text.bytes));
    if (r < 0)
        return r;
    t->committing = true;
    t->sent = t->text.version;
    n->whole->making |= !t->base.there;
    return 0;
}

/* Takes what is to be committed. 1: it was taken; 0: nothing is; -errno: the writer was refused
 * before, or an earlier commit cannot be waited for. A text that is only cut waits for the release:
 * shells close a file once before they write to it. */
static int take_due(struct call *c, struct node *n, struct handle *h, enum occasion when,
                    struct whole_taken *ret)
{
    struct whole_text *t = h->whole;
    const enum text_state least = when == AT_FLUSH ? TEXT_DIRTY : TEXT_CUT;
    int r = 0;
    lock_take(&c->vfs->lock);
    while (r == 0 && (t->committing || (n->whole->making && !t->base.there)))
        r = wait_on(&c->wait, &c->vfs->changed, &c->vfs->lock);
    if (r == 0) {
        r = h->refused;
        c->told = r < 0; /* maybe while this waited */
    }
    if (r == 0 && t->text.state >= least) {
        r = whole_text_take(n, h, ret);
        r = r == 0 ? 1 : r;
    }
    lock_drop(&c->vfs->lock);
    return r == -ETIMEDOUT ? -EIO : r;
}

/* The file was created empty, which is what those saw who opened it while there was none. */
static void share_base(struct vfs *vfs, struct node *n, struct fingerprint base)
{
    struct handle *h;
    DL_FOREACH (vfs->handles, h) {
        if (h->node == n && h->whole && !h->whole->base.there)
            h->whole->base = base;
    }
}

static void note_committed(struct vfs *vfs, struct node *n, struct handle *h,
                           const struct whole_taken *taken)
{
    struct whole_text *t = h->whole;
    t->base = fingerprint_of(buf_span(&taken->text), true);
    if (!taken->base.there && taken->text.len == 0)
        share_base(vfs, n, t->base);
    t->set.flags = 0;
    if (t->text.version != taken->version)
        return;
    t->text.state = TEXT_CLEAN;
    hide(n, h);
}

int whole_text_commit_taken(struct call *c, struct node *n, struct handle *h,
                            const struct whole_taken *taken, enum occasion when)
{
    struct vmx_diag diag = {0};
    FREE_AUTO char *path = whole_path(c, n);
    int r = path ? whole_replace(c, path, buf_span(&taken->text), taken->base, &diag) : -ENOMEM;
    /* A cut is overtaken by whatever anybody else has written since. */
    const bool overtaken =
        when == AT_RELEASE && taken->text.len == 0 && (r == -ECANCELED || r == -EEXIST);
    if (!overtaken)
        r = refuse_change(c, path, NULL, r, &diag);
    if (r == 0 && taken->set.flags) /* what fails is told, and is no failure of the text */
        refuse(c, path, NULL, remote_setattr(c->vfs->remote, path, &taken->set, &c->wait), NULL);
    lock_take(&c->vfs->lock);
    h->whole->committing = false;
    n->whole->making &= taken->base.there;
    if (r == 0)
        note_committed(c->vfs, n, h, taken);
    else if (r != -EINTR)
        whole_text_throw_away(n, h, r);
    else if (when != AT_FSYNC) /* who is interrupted in fsync asks again */
        whole_text_throw_away(n, h, -ECANCELED);
    condition_wake_all(&c->vfs->changed);
    lock_drop(&c->vfs->lock);
    return r;
}

int whole_text_commit(struct call *c, struct node *n, struct handle *h, enum occasion when)
{
    struct whole_taken taken = {0};
    int r = take_due(c, n, h, when, &taken);
    if (r > 0)
        r = whole_text_commit_taken(c, n, h, &taken, when);
    buf_done(&taken.text);
    return r;
}

void whole_text_end(struct call *c, struct node *n, struct handle *h)
{
    const struct wait until = {.deadline = INT64_MAX / 2};
    const bool becomes_folder = !vmx_above(c->vfs, n) && !node_is_plain(c->vfs, n);
    lock_take(&c->vfs->lock);
    while (h->whole->committing) /* by who sets the file's times */
        wait_on(&until, &c->vfs->changed, &c->vfs->lock);
    hide(n, h);
    whole_text_free(h->whole);
    h->whole = NULL;
    /* What was created as a file is a directory from now on. The kernel trusts the name of what is
     * being created for no time, and looks it up again. */
    if (--n->whole->writers == 0 && becomes_folder)
        node_lose_name(c->vfs, n);
    condition_wake_all(&c->vfs->changed);
    lock_drop(&c->vfs->lock);
}
