/* SPDX-License-Identifier: MIT */
/*
 * The text of a key while it is being written, by several handles perhaps: whose edit goes into
 * which text, and whose comes too late. All of it under vfs->lock.
 */
#include <errno.h>

#include "vmx.h"

int key_text_take(struct key_state *ks, struct taken *ret)
{
    ret->anew = ks->text.anew;
    ret->version = ks->text.version;
    ks->sent = ks->text.version;
    return buf_add(&ret->bytes, buf_span(&ks->text.bytes));
}

void key_text_drop(struct key_state *ks)
{
    ks->dropped = ks->text.version;
    text_clean(&ks->text);
}

/* Fills a clean text with what the file shows to a writer: nothing, if the writer cut it. */
static int load_text(struct key_state *ks, const struct handle *h)
{
    BUF_AUTO shown = {0};
    int r = 0;
    if (ks->base.there && !h->cut)
        r = buf_add(&shown, buf_span(&ks->base.value));
    if (r == 0 && ks->base.there && !h->cut)
        r = buf_add_char(&shown, '\n');
    if (r == 0)
        r = text_load(&ks->text, buf_span(&shown));
    if (r == 0)
        ks->text.anew = h->cut;
    return r;
}

/* Whether the handle has cut the key to set it, and written nothing yet. */
static bool begins(const struct handle *h)
{
    return h->cut && !h->wrote;
}

/* Whether the writer would undo what came after it was opened, or go on in a value that another one
 * has begun since. Who begins himself comes after a removal. */
static bool is_late(const struct key_state *ks, const struct handle *h)
{
    return h->epoch != ks->epoch || (h->removals != ks->removals && !begins(h)) ||
           (h->wrote && !h->append && h->edit < ks->begun);
}

/* Whether the writer would go on in what was thrown away. */
static bool goes_on_in_dropped(const struct key_state *ks, const struct handle *h)
{
    return !h->cut && h->edit > ks->committed && h->edit <= ks->dropped;
}

bool key_text_is_due(const struct key_state *ks, const struct handle *h)
{
    return ks->text.state == TEXT_DIRTY && h->edit > ks->committed && h->edit >= ks->begun;
}

bool key_text_is_lost(const struct key_state *ks, const struct handle *h)
{
    return h->edit > ks->committed &&
           (h->edit <= ks->dropped || (h->edit < ks->begun && ks->text.state != TEXT_CLEAN));
}

int key_text_edit(struct handle *h, const struct text_edit *edit, size_t max)
{
    struct key_state *ks = h->key;
    const bool cuts = edit->resize && edit->at == 0;
    if (!h->refused && goes_on_in_dropped(ks, h))
        h->refused = -ECANCELED;
    if (h->refused && !cuts)
        return h->refused;
    if (is_late(ks, h)) {
        if (key_text_is_due(ks, h)) /* half a value */
            key_text_drop(ks);
        return -ECANCELED;
    }
    /* Who begins puts nothing into another's text. */
    const bool anew = edit->resize ? cuts : begins(h) && !h->append;
    int r = ks->text.state == TEXT_CLEAN || anew ? load_text(ks, h) : 0;
    if (r == 0 && edit->resize)
        r = text_resize(&ks->text, edit->at, max);
    else if (r == 0)
        r = text_write(&ks->text, edit->at, edit->append, edit->data, max);
    h->refused = r;
    if (r < 0) {
        key_text_drop(ks);
        h->wrote = false; /* he may begin anew */
        return r;
    }
    h->cut = cuts;
    h->edit = ks->text.version;
    if (anew) {
        ks->begun = h->edit;
        h->removals = ks->removals;
    }
    return 0;
}
