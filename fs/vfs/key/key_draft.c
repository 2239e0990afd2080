/* SPDX-License-Identifier: MIT */
/*
 * The text of a key while it is being written, by several handles perhaps: whose edit goes into
 * which text, and which comes too late. All of it under vfs->lock.
 */
#include "key_draft.h"

#include <errno.h>

#include <utlist.h>

int key_draft_take(struct key_state *ks, struct taken *ret)
{
    ret->anew = ks->draft.anew;
    ret->version = ks->draft.version;
    ks->sent = ks->draft.version;
    return buf_add(&ret->bytes, buf_span(&ks->draft.bytes));
}

void key_draft_drop(struct vfs *vfs, struct key_state *ks, unsigned long kept)
{
    struct handle *h;
    DL_FOREACH (vfs->handles, h) {
        if (h->key == ks && h->edit > kept)
            h->lost = true;
    }
    text_draft_clean(&ks->draft);
}

/* Fills a clean text with what the file shows to a writer: nothing, if the writer truncated it. */
static int load_text(struct key_state *ks, const struct handle *h)
{
    BUF_AUTO shown = {0};
    int r = 0;
    if (ks->base.there && !h->truncated)
        r = buf_add(&shown, buf_span(&ks->base.value)) ?: buf_add_char(&shown, '\n');
    r = r ?: text_draft_load(&ks->draft, buf_span(&shown));
    if (r == 0)
        ks->draft.anew = h->truncated;
    return r;
}

/* Whether the handle has truncated the key to set it, and written nothing yet. */
static bool begins(const struct handle *h)
{
    return h->truncated && !h->wrote;
}

/* Whether the writer would undo what came after it was opened, or go on in a value that another one
 * has begun since. A writer that begins a text itself comes after a removal. */
static bool is_late(const struct key_state *ks, const struct handle *h, bool truncates)
{
    return h->key_generation != ks->generation || (h->removals != ks->removals && !begins(h)) ||
           (h->wrote && !h->append && !truncates && h->edit < ks->begun);
}

bool key_draft_is_due(const struct key_state *ks, const struct handle *h)
{
    return !h->lost && ks->draft.state == DRAFT_DIRTY && h->edit > ks->committed &&
           h->edit >= ks->begun;
}

bool key_draft_is_lost(const struct key_state *ks, const struct handle *h)
{
    return h->lost ||
           (h->edit > ks->committed && h->edit < ks->begun && ks->draft.state != DRAFT_CLEAN);
}

int key_draft_edit(struct vfs *vfs, struct handle *h, const struct text_draft_edit *edit,
                   size_t max)
{
    struct key_state *ks = h->key;
    const bool truncates = text_draft_edit_truncates(edit);
    if (!h->refused && h->lost && !h->truncated)
        h->refused = -ECANCELED;
    if (h->refused && !truncates)
        return h->refused;
    if (is_late(ks, h, truncates)) {
        const bool half = key_draft_is_due(ks, h);
        h->edit = 0; /* its writer is told now, not once more at its close */
        if (half)
            key_draft_drop(vfs, ks, ks->sent);
        return -ECANCELED;
    }
    /* A writer that begins a text puts nothing into another's. */
    const bool anew = edit->resize ? truncates : begins(h) && !h->append;
    int r = ks->draft.state == DRAFT_CLEAN || anew ? load_text(ks, h) : 0;
    r = r ?: text_draft_apply(&ks->draft, edit, max);
    h->refused = r;
    h->lost = false;
    if (r < 0) {
        h->edit = 0;
        key_draft_drop(vfs, ks, ks->sent);
        h->wrote = false; /* the writer may begin anew */
        return r;
    }
    h->truncated = truncates;
    h->edit = ks->draft.version;
    if (anew) {
        ks->begun = h->edit;
        h->removals = ks->removals;
    }
    return 0;
}
