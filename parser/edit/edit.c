/* SPDX-License-Identifier: MIT */
#include "edit.h"

#include <errno.h>

#include "draft.h"

static int apply_one(struct draft *draft, const struct vmx_edit *edit, struct diag *diag)
{
    switch (edit->op) {
    case VMX_EDIT_SET:
        return draft_set(draft, edit, diag);
    case VMX_EDIT_REMOVE:
        return draft_remove(draft, buf_span(&edit->key));
    case VMX_EDIT_RENAME:
        return draft_rename(draft, buf_span(&edit->key), buf_span(&edit->new_key), diag);
    }
    return -EINVAL;
}

int vmx_edits_apply(const struct vmx_edits *edits, const struct vmx_dict *dict, struct buf *ret,
                    struct diag *diag)
{
    DRAFT_AUTO draft = {0};
    int r = draft_init(&draft, dict, edits->n);
    for (size_t i = 0; r == 0 && i < edits->n; i++)
        r = apply_one(&draft, &edits->items[i], diag);
    return r ?: draft_write(&draft, ret, diag);
}
