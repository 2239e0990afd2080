/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include "safe_text.h"

size_t columns_first(struct span text)
{
    const size_t n = text_character(text);
    return n ? n : 1;
}

size_t columns_of(struct span text)
{
    size_t columns = 0;
    for (; text.n > 0; columns++)
        text = span_from(text, columns_first(text));
    return columns;
}

/* How many bytes so many columns have. */
static size_t bytes_of(struct span text, size_t columns)
{
    size_t at = 0;
    for (; columns > 0 && at < text.n; columns--)
        at += columns_first(span_from(text, at));
    return at;
}

int columns_add_clean(struct buf *ret, struct span text)
{
    size_t at = ret->len;
    const int r = safe_text_add(ret, text);
    while (r == 0 && at < ret->len) {
        const struct span rest = span_from(buf_span(ret), at);
        if (text_character(rest) == 0 && (unsigned char)rest.p[0] >= 0x80)
            ret->data[at] = '?';
        at += columns_first(rest);
    }
    return r;
}

int columns_add_cut(struct buf *ret, struct span text, size_t columns)
{
    if (columns_of(text) <= columns)
        return buf_add(ret, text);
    const size_t kept = bytes_of(text, columns - (sizeof(COLUMNS_CUT) - 1));
    return buf_add(ret, span_head(text, kept)) ?: buf_add_str(ret, COLUMNS_CUT);
}
