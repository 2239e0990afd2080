/* SPDX-License-Identifier: MIT */
/* Lists of edits: they own copies of all they are given. */
#include <errno.h>
#include <stdlib.h>

#include "edit.h"

static void edit_done(struct vmx_edit *edit)
{
    buf_done(&edit->key);
    buf_done(&edit->value);
    buf_done(&edit->new_key);
    vmx_place_done(&edit->place);
}

static int reserve(struct vmx_edits *edits, size_t extra)
{
    size_t cap = edits->cap == 0 ? 8 : edits->cap;
    while (cap < edits->n + extra)
        cap *= 2;
    if (cap == edits->cap)
        return 0;
    struct vmx_edit *items = reallocarray(edits->items, cap, sizeof(*items));
    if (!items)
        return -ENOMEM;
    edits->items = items;
    edits->cap = cap;
    return 0;
}

/* Takes the edit over if r, what making it has come to, is 0; frees it otherwise. */
static int add(struct vmx_edits *edits, struct vmx_edit *edit, int r)
{
    r = r ?: reserve(edits, 1);
    if (r == 0)
        edits->items[edits->n++] = *edit;
    else
        edit_done(edit);
    return r;
}

int vmx_edits_set(struct vmx_edits *edits, struct span key, struct span value)
{
    return vmx_edits_set_at(edits, key, value, NULL);
}

int vmx_edits_set_at(struct vmx_edits *edits, struct span key, struct span value,
                     const struct vmx_place *place)
{
    struct vmx_edit edit = {.op = VMX_EDIT_SET, .has_place = place != NULL};
    int r = buf_add(&edit.key, key) ?: buf_add(&edit.value, value);
    if (r == 0 && place)
        r = buf_add(&edit.place.line, buf_span(&place->line));
    if (r == 0 && place)
        r = buf_add(&edit.place.predecessor, buf_span(&place->predecessor));
    if (place)
        edit.place.skip = place->skip;
    return add(edits, &edit, r);
}

int vmx_edits_set_spelled(struct vmx_edits *edits, struct span key, struct span value)
{
    int r = vmx_edits_set(edits, key, value);
    if (r == 0)
        edits->items[edits->n - 1].spells = true;
    return r;
}

int vmx_edits_remove(struct vmx_edits *edits, struct span key)
{
    struct vmx_edit edit = {.op = VMX_EDIT_REMOVE};
    int r = buf_add(&edit.key, key);
    return add(edits, &edit, r);
}

int vmx_edits_rename(struct vmx_edits *edits, struct span key, struct span new_key)
{
    struct vmx_edit edit = {.op = VMX_EDIT_RENAME};
    int r = buf_add(&edit.key, key) ?: buf_add(&edit.new_key, new_key);
    return add(edits, &edit, r);
}

int vmx_edits_move(struct vmx_edits *edits, struct vmx_edits *from)
{
    int r = reserve(edits, from->n);
    if (r != 0)
        return r;
    if (from->n > 0)
        memcpy(&edits->items[edits->n], from->items, from->n * sizeof(*from->items));
    edits->n += from->n;
    from->n = 0;
    return 0;
}

void vmx_edits_done(struct vmx_edits *edits)
{
    for (size_t i = 0; i < edits->n; i++)
        edit_done(&edits->items[i]);
    free(edits->items);
    *edits = (struct vmx_edits){0};
}
