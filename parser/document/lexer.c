/* SPDX-License-Identifier: MIT */
#include "lexer.h"

/*
 * What a byte means to the reader. A NUL ends the text of its line, but not the line: what follows
 * it, up to the ending, is kept and never looked at.
 */
enum { NEWLINE = 1, NUL = 2, SPACE = 4, HASH = 8, EQUALS = 16, QUOTE = 32, END = NEWLINE | NUL };

static const unsigned char classes[256] = {
    ['\0'] = NUL,   ['\n'] = NEWLINE, ['\r'] = NEWLINE, [' '] = SPACE,
    ['\t'] = SPACE, ['#'] = HASH,     ['='] = EQUALS,   ['"'] = QUOTE,
};

static bool is(struct span s, size_t at, unsigned mask)
{
    return classes[(unsigned char)s.p[at]] & mask;
}

static bool at_end(struct span s, size_t at)
{
    return at == s.n || is(s, at, END);
}

static size_t find(struct span s, size_t at, unsigned mask)
{
    while (at < s.n && !is(s, at, mask))
        at++;
    return at;
}

static size_t skip_space(struct span s, size_t at)
{
    while (at < s.n && is(s, at, SPACE))
        at++;
    return at;
}

/* The functions below return how far they have read, on the same line. */

static size_t malformed(struct vmx_line *line, size_t at, size_t error_at)
{
    *line = (struct vmx_line){.kind = VMX_LINE_MALFORMED, .error_at = (uint32_t)error_at};
    return at;
}

/* Behind a value only white space and a comment may stand. */
static size_t lex_rest(struct span s, size_t at, struct vmx_line *line)
{
    at = skip_space(s, at);
    return at_end(s, at) || is(s, at, HASH) ? at : malformed(line, at, at);
}

static size_t lex_value(struct span s, size_t at, struct vmx_line *line)
{
    line->quoted = at < s.n && is(s, at, QUOTE);
    size_t start = line->quoted ? at + 1 : at;
    size_t end = find(s, start, line->quoted ? QUOTE | END : SPACE | HASH | END);
    if (line->quoted && at_end(s, end))
        return malformed(line, end, at);
    line->value_at = (uint32_t)start;
    line->value_len = (uint32_t)(end - start);
    return lex_rest(s, line->quoted ? end + 1 : end, line);
}

static size_t lex_entry(struct span s, size_t at, struct vmx_line *line)
{
    size_t end = find(s, at, SPACE | HASH | EQUALS | END);
    line->kind = VMX_LINE_ENTRY;
    line->name_at = (uint32_t)at;
    line->name_len = (uint32_t)(end - at);
    at = skip_space(s, end);
    if (line->name_len == 0 || at_end(s, at) || !is(s, at, EQUALS))
        return malformed(line, at, at);
    return lex_value(s, skip_space(s, at + 1), line);
}

static size_t lex_heading(struct span s, size_t at, struct vmx_line *line)
{
    size_t open = at;
    size_t start = skip_space(s, at + 1);
    size_t end = start; /* of the text, less white space behind it */
    for (at = start; !at_end(s, at) && s.p[at] != ']'; at++) {
        if (!is(s, at, SPACE))
            end = at + 1;
    }
    if (at_end(s, at))
        return malformed(line, at, open);
    line->kind = VMX_LINE_HEADING;
    line->name_at = (uint32_t)start;
    line->name_len = (uint32_t)(end - start);
    return lex_rest(s, at + 1, line);
}

static size_t lex_body(struct span s, bool headings, struct vmx_line *line)
{
    size_t at = skip_space(s, 0);
    if (at_end(s, at)) {
        line->kind = VMX_LINE_BLANK;
        return at;
    }
    if (is(s, at, HASH)) {
        line->kind = VMX_LINE_COMMENT;
        return at;
    }
    return headings && s.p[at] == '[' ? lex_heading(s, at, line) : lex_entry(s, at, line);
}

void vmx_lex_line(struct span text, bool headings, struct vmx_line *ret)
{
    struct vmx_line line = {0};
    size_t end = find(text, lex_body(text, headings, &line), NEWLINE);
    size_t ending = 0;
    if (end < text.n)
        ending = text.p[end] == '\r' && end + 1 < text.n && text.p[end + 1] == '\n' ? 2 : 1;
    line.body_len = (uint32_t)end;
    line.len = (uint32_t)(end + ending);
    *ret = line;
}
