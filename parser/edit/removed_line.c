/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "edit.h"

/* A removal takes the line, and, so that the file goes on having no final ending, the ending of the
 * line before it; unless that is an empty line, which would be lost with its ending. */
static struct span removed_bytes(const struct vmx_dict *dict, size_t extent)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    size_t lead = 0;
    if (e->line.len == e->line.body_len && extent > 0) {
        const struct vmx_line *before = &vmx_dict_extent(dict, extent - 1)->line;
        lead = before->body_len > 0 ? before->len - before->body_len : 0;
    }
    return (struct span){vmx_dict_text(dict).p + e->at - lead, lead + e->line.len};
}

/* Duplicates that go with the key are passed over; other superseded lines are as good as text. */
static int find_predecessor(const struct vmx_dict *dict, size_t extent, struct vmx_place *ret)
{
    struct span key = vmx_dict_name(dict, extent);
    for (size_t i = extent; i-- > 0;) {
        enum vmx_line_kind kind = vmx_dict_extent(dict, i)->line.kind;
        if (kind == VMX_LINE_BOM)
            break;
        if (vmx_dict_counts(dict, i))
            return buf_add(&ret->predecessor, vmx_dict_name(dict, i));
        if (kind != VMX_LINE_ENTRY || !span_eq_fold(vmx_dict_name(dict, i), key))
            ret->skip++;
    }
    return 0;
}

int vmx_place_of(const struct vmx_dict *dict, struct span key, struct vmx_place *ret)
{
    size_t extent = vmx_dict_find(dict, key);
    if (extent == SIZE_MAX)
        return -ENOENT;
    struct vmx_place place = {0};
    int r =
        buf_add(&place.line, removed_bytes(dict, extent)) ?: find_predecessor(dict, extent, &place);
    if (r == 0)
        *ret = place;
    else
        vmx_place_done(&place);
    return r;
}

void vmx_place_done(struct vmx_place *place)
{
    buf_done(&place->line);
    buf_done(&place->predecessor);
    *place = (struct vmx_place){0};
}
