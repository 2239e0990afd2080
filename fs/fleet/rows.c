/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include "parser/text/text.h"

struct span row_field(struct span row, size_t number)
{
    struct span rest = row;
    for (; number > 0 && rest.n > 0; number--) {
        const size_t at = text_find(rest, '\t');
        rest = at < rest.n ? span_from(rest, at + 1) : SPAN_LITERAL("");
    }
    return span_head(rest, text_find(rest, '\t'));
}

bool row_next(struct span *rest, struct span *ret)
{
    while (text_line(rest, ret)) {
        if (ret->n > 0 && ret->p[0] != '#')
            return true;
    }
    return false;
}

bool status_is_up(struct span text)
{
    return span_eq(text_value_of(text, "link"), SPAN_LITERAL("up"));
}

bool row_lists(struct span field, struct span wanted)
{
    while (field.n > 0) {
        const size_t at = text_find(field, ',');
        if (span_eq(span_head(field, at), wanted))
            return true;
        field = at < field.n ? span_from(field, at + 1) : SPAN_LITERAL("");
    }
    return false;
}
