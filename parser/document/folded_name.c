/* SPDX-License-Identifier: MIT */
#include "folded_name.h"

#include "parser/text/text.h"

static size_t digits_at(struct span name, size_t at)
{
    size_t end = at;
    while (end < name.n && text_digit(name.p[end]) < 10)
        end++;
    return end - at;
}

/* What stands between two dots, where it is hexadecimal and does not look like a word. */
static size_t hex_part_at(struct span name, size_t at)
{
    bool number = false;
    size_t end = at;
    if (at > 0 && name.p[at - 1] != '.')
        return 0;
    for (; end < name.n && name.p[end] != '.'; end++) {
        if (text_digit(name.p[end]) == 16)
            return 0;
        number |= text_digit(name.p[end]) < 10;
    }
    return number || end == at + 1 ? end - at : 0;
}

size_t name_number_length(struct span name, size_t at)
{
    size_t end = at;
    size_t digits = name.p[at] == '#' ? 1 : hex_part_at(name, at);
    if (digits > 0)
        return digits;
    for (end += digits_at(name, at); end < name.n && name.p[end] == ':'; end += 1 + digits) {
        digits = digits_at(name, end + 1);
        if (digits == 0)
            break;
    }
    return end - at;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

size_t name_fold(struct span name, char *ret, size_t size)
{
    size_t n = 0;
    for (size_t at = 0; at < name.n; n++) {
        const size_t number = name_number_length(name, at);
        if (n == size)
            return 0;
        ret[n] = number > 0 ? '#' : lower(name.p[at]);
        at += number > 0 ? number : 1;
    }
    return n;
}
