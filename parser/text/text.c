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
