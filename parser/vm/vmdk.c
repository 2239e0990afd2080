/* SPDX-License-Identifier: MIT */
#include "vmdk.h"

#include <string.h>

#include "parser/text/text.h"

static bool next_line(struct span *rest, struct span *ret)
{
    if (rest->n == 0)
        return false;
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
        n++;
    *ret = text_trim(span_head(*rest, n));
    *rest = span_from(*rest, n < rest->n ? n + 1 : n);
    return true;
}

/* The text between quotes at the front. Empty where there is none. */
static struct span quoted(struct span s)
{
    if (s.n == 0 || s.p[0] != '"')
        return (struct span){0};
    s = span_from(s, 1);
    return span_head(s, text_find(s, '"'));
}

/* The value of KEY = "value" (the quotes may be missing), or an empty span. */
static struct span value_of(struct span line, const char *key)
{
    size_t at = text_find(line, '=');
    if (at == line.n || !span_eq_fold(text_trim(span_head(line, at)), span_of(key)))
        return (struct span){0};
    struct span value = text_trim(span_from(line, at + 1));
    return value.n > 0 && value.p[0] == '"' ? quoted(value) : value;
}

/* The file of: access, size, type, "file", and an offset for some types. */
static struct span extent_of(struct span line)
{
    static const char *const accesses[] = {"RW", "RDONLY", "NOACCESS"};
    struct span access;
    struct span skipped;
    bool extent = false;
    if (!text_word(&line, &access))
        return (struct span){0};
    for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++)
        extent = extent || span_eq_fold(access, span_of(accesses[i]));
    if (!extent || !text_word(&line, &skipped) || !text_word(&line, &skipped))
        return (struct span){0};
    return quoted(text_trim(line));
}

int vmdk_parents(struct span descriptor, struct buf *ret)
{
    struct span line;
    int r = 0;
    while (r == 0 && next_line(&descriptor, &line))
        r = buf_add_name(ret, value_of(line, "parentFileNameHint"));
    return r;
}

int vmdk_extents(struct span descriptor, struct buf *ret)
{
    struct span line;
    int r = 0;
    while (r == 0 && next_line(&descriptor, &line)) {
        r = buf_add_name(ret, extent_of(line))
                ?: buf_add_name(ret, value_of(line, "changeTrackPath"));
    }
    return r;
}
