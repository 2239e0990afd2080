/* SPDX-License-Identifier: MIT */
#include "dot.h"

#include "parser/text/safe_text.h"

/* In a label a backslash begins an escape, and a quote ends it. */
static int add_escaped(struct buf *ret, struct span text)
{
    BUF_AUTO safe = {0};
    int r = safe_text_add(&safe, text);
    for (size_t i = 0; r == 0 && i < safe.len; i++) {
        const char c = safe.data[i];
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
