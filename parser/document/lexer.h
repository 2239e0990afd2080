/* SPDX-License-Identifier: MIT */
/*
 * One line of a .vmx, taken apart as VMware's own reader does: ws name ws = ws value ws [#comment].
 *
 * Lines end at LF, CRLF or a lone CR. White space is space and tab. Nothing fails here: a line that
 * is not a setting is a comment, a blank or a malformed line, and stays as text.
 */
#pragma once

#include <stdint.h>

#include "parser/text/buf.h"
#include "parser/text/diag.h"

enum vmx_line_kind {
    VMX_LINE_ENTRY,   /* name = value */
    VMX_LINE_BLANK,   /* white space only */
    VMX_LINE_COMMENT, /* begins with # */
    VMX_LINE_HEADING, /* [text] [#comment]: only when asked for, in profiles. Its name is the text,
                         less the white space around it; it ends at the first ] */
    VMX_LINE_MALFORMED, /* anything else */
    VMX_LINE_BOM,       /* a UTF-8 byte order mark at the start of the file; an extent of its own */
};

/* All offsets are bytes from the start of the line; 32 bits, because caches hold many of these. */
struct vmx_line {
    enum vmx_line_kind kind;
    bool quoted;
    uint32_t len;      /* with its ending */
    uint32_t body_len; /* without its ending */
    uint32_t name_at, name_len;
    uint32_t value_at, value_len; /* the raw value, without its quotes; value_at is right for an
                                     empty value too: where one would have to be inserted */
    uint32_t error_at;            /* malformed: where it stopped making sense */
};

/* Reads the line at the start of text (0 < text.n <= UINT32_MAX). */
void vmx_lex_line(struct span text, bool headings, struct vmx_line *ret);

/* The value with its quotes, if it has any. text: the line. */
static inline struct span vmx_line_token(const char *text, const struct vmx_line *line)
{
    size_t quote = line->quoted ? 1 : 0;
    return (struct span){text + line->value_at - quote, line->value_len + 2 * quote};
}

/* Appends the value's bytes, unescaped: |XX in one pass; |00 ends the value. -ENOMEM. */
int vmx_unescape(struct span raw, struct buf *ret);

/* Appends bytes in VMware's escaped form (01-08, 0A-1F, 7F, quote and bar as |XX, upper case).
 * 0, -EINVAL for a NUL, which the format cannot hold, -ENOMEM. */
int vmx_escape(struct span bytes, struct buf *ret);
