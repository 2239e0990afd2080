/* SPDX-License-Identifier: MIT */
#include "edit.h"

#include <errno.h>

#include "draft.h"
#include "parser/text/text.h"

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

/* ---- quotes alone */

static struct span line_of(const struct vmx_dict *dict, size_t extent)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    return (struct span){vmx_dict_text(dict).p + e->at, e->line.len};
}

/* Both are entries, of which the first has no quotes. */
static int only_quotes(const struct vmx_dict *before, const struct vmx_dict *after, size_t extent,
                       bool *ret)
{
    const struct span old = line_of(before, extent);
    const struct span new = line_of(after, extent);
    const struct vmx_line *o = &vmx_dict_extent(before, extent)->line;
    const struct vmx_line *n = &vmx_dict_extent(after, extent)->line;
    BUF_AUTO old_bytes = {0};
    BUF_AUTO new_bytes = {0};
    int r = vmx_unescape(vmx_dict_raw_value(before, extent), &old_bytes)
                ?: vmx_unescape(vmx_dict_raw_value(after, extent), &new_bytes);
    *ret = n->quoted && n->value_at == o->value_at + 1 &&
           span_eq(span_head(old, o->value_at), span_head(new, o->value_at)) &&
           span_eq(span_from(old, o->value_at + o->value_len),
                   span_from(new, n->value_at + n->value_len + 1)) &&
           span_eq(buf_span(&old_bytes), buf_span(&new_bytes));
    return r;
}

int vmx_edits_only_quote(const struct vmx_dict *dict, struct span text, bool *ret)
{
    struct vmx_dict *after = NULL;
    int r = vmx_dict_parse(text, &after);
    bool same = r == 0 && vmx_dict_extents(after) == vmx_dict_extents(dict);
    for (size_t i = 0; r == 0 && same && i < vmx_dict_extents(dict); i++) {
        const struct vmx_line *line = &vmx_dict_extent(dict, i)->line;
        bool entries =
            line->kind == VMX_LINE_ENTRY && vmx_dict_extent(after, i)->line.kind == VMX_LINE_ENTRY;
        same = span_eq(line_of(dict, i), line_of(after, i));
        if (!same && entries && !line->quoted)
            r = only_quotes(dict, after, i, &same);
    }
    vmx_dict_free(after);
    if (r == 0)
        *ret = same;
    return r;
}

/* ---- all of them */

int vmx_edits_apply(const struct vmx_edits *edits, const struct vmx_dict *dict, struct buf *ret,
                    struct diag *diag)
{
    DRAFT_AUTO draft = {0};
    int r = draft_init(&draft, dict, edits->n);
    for (size_t i = 0; r == 0 && i < edits->n; i++)
        r = apply_one(&draft, &edits->items[i], diag);
    return r ?: draft_write(&draft, ret, diag);
}
