/* SPDX-License-Identifier: MIT */
#include "text.h"

struct span text_trim(struct span s)
{
    while (s.n > 0 && text_blank(s.p[0]))
        s = span_from(s, 1);
    while (s.n > 0 && text_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool text_word(struct span *rest, struct span *ret)
{
    struct span s = text_trim(*rest);
    size_t n = 0;
    while (n < s.n && !text_blank(s.p[n]))
        n++;
    if (n == 0)
        return false;
    *ret = span_head(s, n);
    *rest = span_from(s, n);
    return true;
}

size_t text_find(struct span s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

bool text_line(struct span *rest, struct span *ret)
{
    size_t n = text_find(*rest, '\n');
    if (rest->n == 0)
        return false;
    *ret = span_head(*rest, n);
    *rest = span_from(*rest, n < rest->n ? n + 1 : n);
    return true;
}

struct span text_value_of(struct span lines, const char *key)
{
    struct span line;
    const size_t n = strlen(key);
    while (text_line(&lines, &line)) {
        if (span_starts_with(line, span_of(key)) && line.n > n + 1 && line.p[n] == ':')
            return span_from(line, n + 2);
    }
    return SPAN_LITERAL("");
}

struct range {
    unsigned char first, last;
};

static bool is_in(unsigned char c, struct range range)
{
    return c >= range.first && c <= range.last;
}

size_t text_character(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    static const struct {
        struct range first, second;
        size_t bytes;
    } forms[] = {
        {{0xc2, 0xdf}, {0x80, 0xbf}, 2}, {{0xe0, 0xe0}, {0xa0, 0xbf}, 3},
        {{0xe1, 0xec}, {0x80, 0xbf}, 3}, {{0xed, 0xed}, {0x80, 0x9f}, 3},
        {{0xee, 0xef}, {0x80, 0xbf}, 3}, {{0xf0, 0xf0}, {0x90, 0xbf}, 4},
        {{0xf1, 0xf3}, {0x80, 0xbf}, 4}, {{0xf4, 0xf4}, {0x80, 0x8f}, 4},
    };
    for (size_t i = 0; s.n > 0 && i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (!is_in(p[0], forms[i].first))
            continue;
        bool whole = s.n >= forms[i].bytes && is_in(p[1], forms[i].second);
        for (size_t at = 2; whole && at < forms[i].bytes; at++)
            whole = is_in(p[at], (struct range){0x80, 0xbf});
        return whole ? forms[i].bytes : 0;
    }
    return 0;
}
