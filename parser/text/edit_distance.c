/* SPDX-License-Identifier: MIT */
#include "edit_distance.h"

#include "text.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t edit_distance(struct span a, struct span b, size_t at_most)
{
    while (a.n > 0 && b.n > 0 && a.p[0] == b.p[0]) {
        a = span_from(a, 1);
        b = span_from(b, 1);
    }
    const size_t longer = a.n > b.n ? a.n : b.n;
    const size_t shorter = smaller(a.n, b.n);
    if (shorter == 0 || longer - shorter > at_most || at_most == 0)
        return smaller(longer, at_most + 1);
    const size_t rest = at_most - 1;
    size_t least = edit_distance(span_from(a, 1), span_from(b, 1), rest);
    least = smaller(least, edit_distance(span_from(a, 1), b, rest));
    least = smaller(least, edit_distance(a, span_from(b, 1), rest));
    if (shorter > 1 && a.p[0] == b.p[1] && a.p[1] == b.p[0])
        least = smaller(least, edit_distance(span_from(a, 2), span_from(b, 2), rest));
    return least + 1;
}
