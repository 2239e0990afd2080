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

static size_t max_text(const struct call *c)
{
    return remote_options(c->vfs->remote)->vmx_max;
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
    struct whole *w = r == 0 ? state(n) : NULL;
    if (w) {
        t->base = base;
        t->text.writer = writer;
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
    return -ENOMEM;
}

void whole_text_throw_away(struct node *n, struct handle *h, int r)
{
    h->whole->text.state = TEXT_CLEAN;
    h->whole->text.version++;
    h->whole->set.flags = 0;
    h->refused = r;
    if (n->whole->shown == h)
        n->whole->shown = NULL;
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
        h->whole->text.writer = writer;
    n->whole->flushed = false;
    lock_drop(&c->vfs->lock);
    if (r == refused)
        return r;
    FREE_AUTO char *path = whole_path(c, n);
    return refuse(c->vfs, path, NULL, r, NULL);
}

/* ---- the commit */

int whole_text_take(struct node *n, struct handle *h, struct whole_version *ret)
{
    struct whole_text *t = h->whole;
    *ret = (struct whole_version){.number = t->text.version, .base = t->base, .set = t->set};
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
                    struct whole_version *ret)
{
    struct whole_text *t = h->whole;
    const enum text_state least = when == AT_FLUSH ? TEXT_DIRTY : TEXT_CUT;
    int r = 0;
    lock_take(&c->vfs->lock);
    while (r == 0 && (t->committing || (n->whole->making && !t->base.there)))
        r = wait_on(&c->wait, &c->vfs->changed, &c->vfs->lock);
    if (r == 0)
        r = h->refused;
    if (r == 0 && t->text.state >= least) {
        r = whole_text_take(n, h, ret);
        r = r == 0 ? 1 : r;
    }
    lock_drop(&c->vfs->lock);
    return r == -ETIMEDOUT ? -EIO : r;
}

/* Who has opened a file that was being created has seen nothing, as it was created by now. */
static void share_base(struct vfs *vfs, struct node *n, struct fingerprint base)
{
    struct handle *h;
    DL_FOREACH (vfs->handles, h) {
        if (h->node == n && h->whole && !h->whole->base.there)
            h->whole->base = base;
    }
}

static void version_committed(struct vfs *vfs, struct node *n, struct handle *h,
                              const struct whole_version *v)
{
    struct whole_text *t = h->whole;
    t->base = fingerprint_of(buf_span(&v->text), true);
    if (!v->base.there && v->text.len == 0)
        share_base(vfs, n, t->base);
    t->set.flags = 0;
    if (t->text.version != v->number)
        return;
    t->text.state = TEXT_CLEAN;
    if (n->whole->shown == h)
        n->whole->shown = NULL;
}

int whole_text_commit_taken(struct call *c, struct node *n, struct handle *h,
                            const struct whole_version *v, enum occasion when)
{
    struct vmx_diag diag = {0};
    FREE_AUTO char *path = whole_path(c, n);
    int r = path ? whole_replace(c, path, buf_span(&v->text), v->base, &diag) : -ENOMEM;
    /* A cut is overtaken by whatever anybody else has written since. */
    const bool overtaken =
        when == AT_RELEASE && v->text.len == 0 && (r == -ECANCELED || r == -EEXIST);
    if (!overtaken)
        r = refuse_change(c->vfs, path, NULL, r, &diag);
    if (r == 0 && v->set.flags)
        remote_setattr(c->vfs->remote, path, &v->set, &c->wait);
    lock_take(&c->vfs->lock);
    h->whole->committing = false;
    n->whole->making &= v->base.there;
    if (r == 0)
        version_committed(c->vfs, n, h, v);
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
    struct whole_version v = {0};
    int r = take_due(c, n, h, when, &v);
    if (r > 0)
        r = whole_text_commit_taken(c, n, h, &v, when);
    buf_done(&v.text);
    return r;
}

void whole_text_end(struct call *c, struct node *n, struct handle *h)
{
    const struct wait until = {.deadline = INT64_MAX / 2};
    struct whole *w = n->whole;
    const bool becomes_folder = !vmx_above(c->vfs, n) && !node_is_plain(c->vfs, n);
    lock_take(&c->vfs->lock);
    while (h->whole->committing) /* by who sets the file's times */
        wait_on(&until, &c->vfs->changed, &c->vfs->lock);
    if (w->shown == h)
        w->shown = NULL;
    whole_text_free(h->whole);
    h->whole = NULL;
    /* What was created as a file is a directory from now on. The kernel trusts the name of what is
     * being created for no time, and looks it up again. */
    if (--w->writers == 0 && becomes_folder)
        node_lose_name(c->vfs, n);
    condition_wake_all(&c->vfs->changed);
    lock_drop(&c->vfs->lock);
}
