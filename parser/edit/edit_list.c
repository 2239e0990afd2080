/* SPDX-License-Identifier: MIT */
/* Lists of edits: they own copies of all they are given. */
#include <errno.h>
#include <stdlib.h>

#include "edit.h"
#include "parser/text/list.h"

static void edit_done(struct vmx_edit *edit)
{
    buf_done(&edit->key);
    buf_done(&edit->value);
    buf_done(&edit->new_key);
    vmx_place_done(&edit->place);
}

static int append(struct vmx_edits *edits, const struct vmx_edit *edit)
{
    struct vmx_edit *items = list_room(edits->items, edits->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    edits->items = items;
    items[edits->n++] = *edit;
    return 0;
}

/* Takes the edit over if r, what making it has come to, is 0; frees it otherwise. */
static int add(struct vmx_edits *edits, struct vmx_edit *edit, int r)
{
    r = r ?: append(edits, edit);
    if (r != 0)
        edit_done(edit);
    return r;
}

int vmx_edits_set(struct vmx_edits *edits, struct span key, struct span value)
{
    return vmx_edits_set_at(edits, key, value, &(struct vmx_place){0});
}

int vmx_edits_set_at(struct vmx_edits *edits, struct span key, struct span value,
                     const struct vmx_place *place)
{
    struct vmx_edit edit = {.op = VMX_EDIT_SET, .place.skip = place->skip};
    int r = buf_add(&edit.key, key)
        ?: buf_add(&edit.value, value)
        ?: buf_add(&edit.place.line, buf_span(&place->line))
        ?: buf_add(&edit.place.predecessor, buf_span(&place->predecessor));
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
    size_t before = edits->n;
    int r = 0;
    for (size_t i = 0; r == 0 && i < from->n; i++)
        r = append(edits, &from->items[i]);
    if (r == 0)
        from->n = 0;
    else
        edits->n = before;
    return r;
}

void vmx_edits_done(struct vmx_edits *edits)
{
    for (size_t i = 0; i < edits->n; i++)
        edit_done(&edits->items[i]);
    free(edits->items);
    *edits = (struct vmx_edits){0};
}
