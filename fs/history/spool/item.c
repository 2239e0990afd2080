/* SPDX-License-Identifier: MIT */
/*
 * A file of fields, each "NAME LENGTH", a newline, that many bytes, and a newline. The last one is
 * "end": a file without it was not written to its end.
 */
#include "item.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/text/text.h"

#define FORM "vmxfs-item"

struct field {
    struct span name, value;
};

void item_done(struct item *item)
{
    char *const strings[] = {item->file,    item->from,  item->user,  item->mail,
                             item->program, item->mount, item->undoes};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        free(strings[i]);
    buf_done(&item->before);
    buf_done(&item->after);
    *item = (struct item){0};
}

static int add(struct buf *ret, const char *name, struct span value)
{
    return buf_addf(ret, "%s %zu\n", name, value.n)
        ?: buf_add(ret, value)
        ?: buf_add_char(ret, '\n');
}

static int add_string(struct buf *ret, const char *name, const char *value)
{
    return value ? add(ret, name, span_of(value)) : 0;
}

static int add_number(struct buf *ret, const char *name, int64_t value)
{
    BUF_AUTO text = {0};
    return buf_addf(&text, "%lld", (long long)value) ?: add(ret, name, buf_span(&text));
}

int item_write(const struct item *item, struct buf *ret)
{
    return add_number(ret, FORM, 1)
        ?: add_number(ret, "kind", (int64_t)item->kind)
        ?: add_number(ret, "time", item->time_ns)
        ?: add_number(ret, "undoes-since", item->undoes_since)
        ?: add_string(ret, "file", item->file)
        ?: add_string(ret, "from", item->from)
        ?: add_string(ret, "user", item->user)
        ?: add_string(ret, "mail", item->mail)
        ?: add_string(ret, "program", item->program)
        ?: add_string(ret, "mount", item->mount)
        ?: add_string(ret, "undoes", item->undoes)
        ?: (item->existed ? add(ret, "before", buf_span(&item->before)) : 0)
        ?: add(ret, "after", buf_span(&item->after))
        ?: add(ret, "end", SPAN_LITERAL(""));
}

static bool take_field(struct span *rest, struct field *ret)
{
    struct span line;
    if (!text_line(rest, &line) || line.n == 0)
        return false;
    const size_t space = text_find(line, ' ');
    size_t n = 0;
    for (size_t i = space + 1; i < line.n; i++) {
        const unsigned digit = text_digit(line.p[i]);
        if (digit > 9 || n > SIZE_MAX / 16)
            return false;
        n = 10 * n + digit;
    }
    if (space + 1 >= line.n || rest->n < 1 || n > rest->n - 1 || rest->p[n] != '\n')
        return false;
    *ret = (struct field){span_head(line, space), span_head(*rest, n)};
    *rest = span_from(*rest, n + 1);
    return true;
}

static int copy(char **to, struct span value)
{
    if (text_find(value, '\0') < value.n)
        return -EBADMSG;
    free(*to);
    *to = strndup(value.n ? value.p : "", value.n);
    return *to ? 0 : -ENOMEM;
}

static int64_t number(struct span value)
{
    int64_t n = 0;
    for (size_t i = 0; i < value.n && text_digit(value.p[i]) < 10 && n < INT64_MAX / 16; i++)
        n = 10 * n + text_digit(value.p[i]);
    return n;
}

static int take_string(struct item *item, const struct field *f)
{
    const struct {
        const char *name;
        char **to;
    } strings[] = {{"file", &item->file},    {"from", &item->from},       {"user", &item->user},
                   {"mail", &item->mail},    {"program", &item->program}, {"mount", &item->mount},
                   {"undoes", &item->undoes}};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        if (span_eq(f->name, span_of(strings[i].name)))
            return copy(strings[i].to, f->value);
    }
    return 0; /* of a newer vmxfs */
}

static int take(struct item *item, const struct field *f)
{
    if (span_eq(f->name, SPAN_LITERAL("kind")))
        item->kind = (enum item_kind)number(f->value);
    else if (span_eq(f->name, SPAN_LITERAL("time")))
        item->time_ns = number(f->value);
    else if (span_eq(f->name, SPAN_LITERAL("undoes-since")))
        item->undoes_since = number(f->value) != 0;
    else if (span_eq(f->name, SPAN_LITERAL("before"))) {
        item->existed = true;
        return buf_add(&item->before, f->value);
    } else if (span_eq(f->name, SPAN_LITERAL("after")))
        return buf_add(&item->after, f->value);
    else
        return take_string(item, f);
    return 0;
}

static bool is_whole(const struct item *item)
{
    return item->file && item->user && item->mail && item->program && item->mount && item->undoes &&
           item->kind <= ITEM_REMOVED && (item->from || item->kind != ITEM_RENAMED);
}

int item_read(struct span text, struct item *ret)
{
    struct item item = {0};
    struct field f;
    int r = take_field(&text, &f) && span_eq(f.name, SPAN_LITERAL(FORM)) ? 0 : -EBADMSG;
    bool ended = false;
    while (r == 0 && !ended && take_field(&text, &f)) {
        ended = span_eq(f.name, SPAN_LITERAL("end"));
        r = take(&item, &f);
    }
    if (r == 0 && (!ended || !is_whole(&item)))
        r = -EBADMSG;
    if (r < 0)
        item_done(&item);
    *ret = item;
    return r;
}
