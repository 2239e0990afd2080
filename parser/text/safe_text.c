/* SPDX-License-Identifier: MIT */
#include "safe_text.h"

struct range {
    unsigned char first, last;
};

static bool is_in(unsigned char c, struct range range)
{
    return c >= range.first && c <= range.last;
}

/* The bytes of the UTF-8 character of several bytes that the text begins with. 0: of none; that is
 * also what a longer way to write it than needed, half of a pair and what is beyond 10FFFF are. */
static size_t character_bytes(const unsigned char *p, size_t n)
{
    static const struct {
        struct range first, second;
        size_t bytes;
    } forms[] = {
        {{0xc2, 0xdf}, {0x80, 0xbf}, 2}, {{0xe0, 0xe0}, {0xa0, 0xbf}, 3},
        {{0xe1, 0xec}, {0x80, 0xbf}, 3}, {{0xed, 0xed}, {0x80, 0x9f}, 3},
        {{0xee, 0xef}, {0x80, 0xbf}, 3}, {{0xf0, 0xf0}, {0x90, 0xbf}, 4},
        {{0xf1, 0xf3}, {0x80, 0xbf}, 4}, {{0xf4, 0xf4}, {0x80, 0x8f}, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (!is_in(p[0], forms[i].first))
            continue;
        bool whole = n >= forms[i].bytes && is_in(p[1], forms[i].second);
        for (size_t at = 2; whole && at < forms[i].bytes; at++)
            whole = is_in(p[at], (struct range){0x80, 0xbf});
        return whole ? forms[i].bytes : 0;
    }
    return 0;
}

/* Of a whole character: C1, ends of lines and paragraphs (2028, 2029), and what turns the direction
 * of the text around it (202A to 202E, 2066 to 2069). */
static bool is_control(const unsigned char *p)
{
    return (p[0] == 0xc2 && p[1] <= 0x9f) ||
           (p[0] == 0xe2 && ((p[1] == 0x80 && is_in(p[2], (struct range){0xa8, 0xae})) ||
                             (p[1] == 0x81 && is_in(p[2], (struct range){0xa6, 0xa9}))));
}

/* How many bytes belong together at the beginning of a text that is not empty. */
static size_t step(const char *text, size_t n, bool *ret_safe)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t bytes = character_bytes(p, n);
    if (bytes == 0)
        *ret_safe = p[0] >= ' ' && p[0] != 0x7f && !is_in(p[0], (struct range){0x80, 0x9f});
    else
        *ret_safe = !is_control(p);
    return bytes ? bytes : 1;
}

bool safe_text_is(struct span text)
{
    bool safe = true;
    for (size_t at = 0; at < text.n && safe;)
        at += step(text.p + at, text.n - at, &safe);
    return safe;
}

void safe_text_make(char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        bool safe;
        size_t bytes = step(text + at, n - at, &safe);
        if (!safe)
            memset(text + at, '?', bytes);
        at += bytes;
    }
}

int safe_text_add(struct buf *ret, struct span text)
{
    size_t before = ret->len;
    int r = buf_add(ret, text);
    if (r == 0)
        safe_text_make(ret->data + before, text.n);
    return r;
}

int safe_field_add(struct buf *ret, struct span text, char separator)
{
    size_t before = ret->len;
    int r = safe_text_add(ret, text);
    for (size_t i = before; r == 0 && i < ret->len; i++) {
        if (ret->data[i] == separator)
            ret->data[i] = '?';
    }
    return r;
}
