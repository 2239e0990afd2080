/* SPDX-License-Identifier: MIT */
#include "names.h"

#include "parser/text/text.h"

static int add_encoded(struct buf *ret, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char byte = (unsigned char)c;
    const char text[3] = {'%', digits[byte >> 4], digits[byte & 15]};
    return buf_add(ret, (struct span){text, sizeof(text)});
}

/* HFS+ does not see these characters, so that git takes a name with one for the name without it:
 * U+200C to 200F, 202A to 202E, 206A to 206F, FEFF. */
static bool is_unseen(struct span s)
{
    static const struct {
        const char *lead;
        unsigned char from, to;
    } ranges[] = {{"\xe2\x80", 0x8c, 0x8f},
                  {"\xe2\x80", 0xaa, 0xae},
                  {"\xe2\x81", 0xaa, 0xaf},
                  {"\xef\xbb", 0xbf, 0xbf}};
    for (size_t i = 0; s.n >= 3 && i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        const unsigned char last = (unsigned char)s.p[2];
        if (memcmp(s.p, ranges[i].lead, 2) == 0 && last >= ranges[i].from && last <= ranges[i].to)
            return true;
    }
    return false;
}

/* Of names like .git and .gitmodules, git refuses also those that NTFS takes for one: GIT~1,
 * GI7EBA~1. */
static bool is_refused(struct span name, size_t i)
{
    const char c = name.p[i];
    const bool dots =
        span_eq(name, SPAN_LITERAL(".")) || (name.n == 2 && memcmp(name.p, "..", 2) == 0);
    return (unsigned char)c < 0x20 || c == 0x7f || c == '%' || c == '\\' || dots ||
           (i == 0 && span_starts_with_fold(name, SPAN_LITERAL(".git"))) ||
           (c == '~' && span_starts_with_fold(name, SPAN_LITERAL("gi")));
}

int names_add_component(struct buf *ret, struct span name)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < name.n; i++) {
        const size_t n = is_unseen(span_from(name, i)) ? 3 : 1;
        if (n == 1 && !is_refused(name, i))
            r = buf_add_char(ret, name.p[i]);
        for (size_t k = 0; r == 0 && k < n && (n == 3 || is_refused(name, i)); k++)
            r = add_encoded(ret, name.p[i + k]);
        i += n - 1;
    }
    return r;
}

int names_add_path(struct buf *ret, struct span path)
{
    bool first = true;
    int r = 0;
    while (r == 0 && path.n > 0) {
        const size_t n = text_find(path, '/');
        if (n > 0) {
            r = (first ? 0 : buf_add_char(ret, '/'))
                    ?: names_add_component(ret, span_head(path, n));
            first = false;
        }
        path = span_from(path, n < path.n ? n + 1 : n);
    }
    return r;
}

int names_decode(struct buf *ret, struct span encoded)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < encoded.n; i++) {
        const bool is = encoded.p[i] == '%' && i + 2 < encoded.n &&
                        text_digit(encoded.p[i + 1]) < 16 && text_digit(encoded.p[i + 2]) < 16;
        const unsigned byte =
            is ? text_digit(encoded.p[i + 1]) << 4 | text_digit(encoded.p[i + 2]) : 0;
        r = buf_add_char(ret, is ? (char)byte : encoded.p[i]);
        i += is ? 2 : 0;
    }
    return r;
}

/* git-check-ref-format(1): no dot at either end, none behind another, none before "lock". */
static bool is_of_branch(struct span name, size_t i)
{
    const char c = name.p[i];
    if (c == '.')
        return i > 0 && i + 1 < name.n && name.p[i - 1] != '.' &&
               !span_eq(span_from(name, i), SPAN_LITERAL(".lock"));
    if (c == '-')
        return i > 0;
    return text_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '@' ||
           (unsigned char)c >= 0x80;
}

int names_add_branch(struct buf *ret, struct span name)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < name.n; i++)
        r = is_of_branch(name, i) ? buf_add_char(ret, name.p[i]) : add_encoded(ret, name.p[i]);
    return r;
}
