/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include "parser/text/text.h"

bool line_next(struct span *rest, struct span *ret)
{
    while (rest->n > 0) {
        size_t n = text_find(*rest, '\n');
        struct span line = span_head(*rest, n);
        *rest = span_from(*rest, n < rest->n ? n + 1 : n);
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (text_find(line, '\0') == line.n) {
            *ret = line;
            return true;
        }
    }
    return false;
}

bool line_field(struct span line, struct span *ret_name, struct span *ret_value)
{
    size_t colon = text_find(line, ':');
    if (colon == line.n || !text_blank(line.p[0]))
        return false;
    struct span name = text_trim(span_head(line, colon));
    if (name.n == 0)
        return false;
    *ret_name = name;
    *ret_value = text_trim(span_from(line, colon + 1));
    return true;
}

bool line_number(struct span *rest, unsigned base, unsigned long max, unsigned long *ret)
{
    unsigned long value = 0;
    size_t i = 0;
    for (; i < rest->n && text_digit(rest->p[i]) < base; i++) {
        unsigned long digit = text_digit(rest->p[i]);
        if (digit > max || value > (max - digit) / base)
            return false;
        value = value * base + digit;
    }
    if (i == 0)
        return false;
    *rest = span_from(*rest, i);
    *ret = value;
    return true;
}

bool line_skip(struct span *rest, struct span what)
{
    if (!span_starts_with(*rest, what))
        return false;
    *rest = span_from(*rest, what.n);
    return true;
}

size_t line_place(struct span row, size_t at, bool chars)
{
    size_t i = 0;
    if (!chars)
        return at < row.n ? at : row.n;
    for (; i < row.n && at > 0; at--) {
        size_t bytes = text_character(span_from(row, i));
        i += bytes > 0 ? bytes : 1;
    }
    return i;
}
