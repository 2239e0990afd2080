/* SPDX-License-Identifier: MIT */
#include "dot.h"

#include "parser/text/safe_text.h"
#include "parser/text/text.h"

/* In a label a backslash begins an escape, a quote ends it, and "&lt;" is another way to write "<".
 * Of a byte that is of no character dot makes a picture that no program reads. */
static int add_escaped(struct buf *ret, struct span text)
{
    BUF_AUTO safe = {0};
    int r = safe_text_add(&safe, text);
    struct span rest = buf_span(&safe);
    while (r == 0 && rest.n > 0) {
        const char c = rest.p[0];
        const bool ascii = (unsigned char)c < 0x80;
        const size_t bytes = ascii ? 1 : text_character(rest);
        r = bytes == 0 ? buf_add_char(ret, '?')
            : c == '&' ? buf_add_str(ret, "&amp;")
                       : (c == '"' || c == '\\' ? buf_add_char(ret, '\\') : 0)
                    ?: buf_add(ret, span_head(rest, bytes));
        rest = span_from(rest, bytes > 0 ? bytes : 1);
    }
    return r;
}

int dot_add_label(struct buf *ret, const struct span *lines, size_t n)
{
    int r = buf_add_char(ret, '"');
    for (size_t i = 0; r == 0 && i < n; i++)
        r = (i > 0 ? buf_add_str(ret, "\\n") : 0) ?: add_escaped(ret, lines[i]);
    return r ?: buf_add_char(ret, '"');
}
