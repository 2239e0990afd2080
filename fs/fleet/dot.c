/* SPDX-License-Identifier: MIT */
#include "dot.h"

#include "parser/text/columns.h"

/* In a label a backslash begins an escape, a quote ends it, and "&lt;" is another way to write "<".
 * Of a byte that is of no character dot makes a picture that no program reads. */
static int add_escaped(struct buf *ret, struct span text)
{
    BUF_AUTO clean = {0};
    int r = columns_add_clean(&clean, text);
    for (size_t i = 0; r == 0 && i < clean.len; i++) {
        const char c = clean.data[i];
        if (c == '&')
            r = buf_add_str(ret, "&amp;");
        else
            r = (c == '"' || c == '\\' ? buf_add_char(ret, '\\') : 0) ?: buf_add_char(ret, c);
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
