/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "edit.h"

static struct span ending_of(const struct vmx_dict *dict, size_t extent)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    return (struct span){vmx_dict_text(dict).p + e->at + e->line.body_len,
                         e->line.len - e->line.body_len};
}

/* What a removal takes: the line, and, so that the file goes on having no final ending, the ending
 * of the line before it; unless that is an empty line, which would be lost with its ending. */
static int removed_bytes(const struct vmx_dict *dict, size_t extent, struct buf *ret)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    int r = 0;
    if (e->line.len == e->line.body_len && extent > 0 &&
        vmx_dict_extent(dict, extent - 1)->line.body_len > 0)
        r = buf_add(ret, ending_of(dict, extent - 1));
    struct span line = {vmx_dict_text(dict).p + e->at, e->line.len};
    return r ?: buf_add(ret, line);
}

/* Duplicates that go with the key are passed over; other superseded lines are as good as text. */
static int find_predecessor(const struct vmx_dict *dict, size_t extent, struct vmx_place *ret)
{
    struct span key = vmx_dict_name(dict, extent);
    for (size_t i = extent; i-- > 0;) {
        enum vmx_line_kind kind = vmx_dict_extent(dict, i)->line.kind;
        if (kind == VMX_LINE_BOM)
            break;
        struct span name = kind == VMX_LINE_ENTRY ? vmx_dict_name(dict, i) : (struct span){0};
        if (kind == VMX_LINE_ENTRY && vmx_dict_find(dict, name) == i)
            return buf_add(&ret->predecessor, name);
        if (kind != VMX_LINE_ENTRY || !span_eq_fold(name, key))
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
    int r = removed_bytes(dict, extent, &place.line) ?: find_predecessor(dict, extent, &place);
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
