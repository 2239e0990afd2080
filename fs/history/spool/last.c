/* SPDX-License-Identifier: MIT */
#include "last.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../files.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

static const int64_t keep_ns = INT64_C(60) * 1000000000;
enum { LAST_MAX = 256 << 20 };

int last_add_done(struct last *last, const char *name)
{
    char **list = list_room(last->done.list, last->done.n, sizeof(*list));
    char *copy = list ? strdup(name) : NULL;
    if (list)
        last->done.list = list;
    if (!copy)
        return -ENOMEM;
    list[last->done.n++] = copy;
    return 0;
}

static struct last_change *find(const struct last *last, const char *file)
{
    struct last_change *c;
    HASH_FIND_STR(last->changes, file, c);
    return c;
}

int last_add_change(struct last *last, const char *file, int64_t time_ns)
{
    struct last_change *c = find(last, file);
    if (!c) {
        c = calloc(1, sizeof(*c));
        if (!c || !(c->file = strdup(file))) {
            free(c);
            return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, last->changes, c->file, strlen(c->file), c);
        if (!c->hh.tbl) {
            free(c->file);
            free(c);
            return -ENOMEM;
        }
    }
    if (c->time_ns < time_ns)
        c->time_ns = time_ns;
    return 0;
}

int64_t last_change_ns(const struct last *last, const char *file)
{
    const struct last_change *c = find(last, file);
    return c ? c->time_ns : 0;
}

void last_clear_done(struct last *last)
{
    spool_names_done(&last->done);
}

void last_done(struct last *last)
{
    struct last_change *c;
    struct last_change *next;
    HASH_ITER (hh, last->changes, c, next) {
        HASH_DEL(last->changes, c);
        free(c->file);
        free(c);
    }
    last_clear_done(last);
    *last = (struct last){0};
}

/* "at TIME FILE". A time that is still to come is of a clock that was set back since, and would
 * hide whatever happens until then. */
static int take_change(struct last *last, struct span value, int64_t now)
{
    const size_t space = text_find(value, ' ');
    int64_t time = 0;
    for (size_t i = 0; i < space && text_digit(value.p[i]) < 10 && time < INT64_MAX / 16; i++)
        time = 10 * time + text_digit(value.p[i]);
    if (space + 1 >= value.n || time > now)
        return 0;
    FREE_AUTO char *file = strndup(value.p + space + 1, value.n - space - 1);
    return file ? last_add_change(last, file, time) : -ENOMEM;
}

static int take_line(struct last *last, struct span line, int64_t now)
{
    const size_t space = text_find(line, ' ');
    const struct span word = span_head(line, space);
    const struct span value = span_from(line, space < line.n ? space + 1 : space);
    if (span_eq(word, SPAN_LITERAL("commit")) && value.n == GIT_OID_HEXSZ)
        git_oid_fromstrn(&last->commit, value.p, value.n);
    if (span_eq(word, SPAN_LITERAL("at")))
        return take_change(last, value, now);
    if (!span_eq(word, SPAN_LITERAL("done")) || value.n == 0)
        return 0;
    FREE_AUTO char *name = strndup(value.p, value.n);
    return name ? last_add_done(last, name) : -ENOMEM;
}

static char *path_of(const struct spool *spool)
{
    char *path;
    return asprintf(&path, "%s/last-%s", spool->dir, spool->branch) < 0 ? NULL : path;
}

int last_read(const struct spool *spool, struct last *ret)
{
    FREE_AUTO char *path = path_of(spool);
    FREE_AUTO char *old = path_join(spool->dir, "last");
    BUF_AUTO text = {0};
    struct span line;
    struct last last = {0};
    const int64_t now = clock_wall_ns();
    int r = path && old ? file_read(path, LAST_MAX, &text) : -ENOMEM;
    if (r == -ENOENT)
        r = file_read(old, LAST_MAX, &text);
    struct span rest = buf_span(&text);
    if (r < 0 && r != -ENOMEM)
        r = 0;
    while (r == 0 && text_line(&rest, &line))
        r = take_line(&last, line, now);
    if (r < 0)
        last_done(&last);
    *ret = last;
    return r;
}

int last_write(const struct spool *spool, const struct last *last)
{
    FREE_AUTO char *path = path_of(spool);
    BUF_AUTO text = {0};
    char id[GIT_OID_HEXSZ + 1];
    const int64_t oldest = clock_wall_ns() - keep_ns;
    int r = path ? buf_addf(&text, "commit %s\n", git_oid_tostr(id, sizeof(id), &last->commit))
                 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < last->done.n; i++)
        r = buf_addf(&text, "done %s\n", last->done.list[i]);
    for (const struct last_change *c = last->changes; r == 0 && c; c = c->hh.next) {
        if (c->time_ns > oldest)
            r = buf_addf(&text, "at %" PRId64 " %s\n", c->time_ns, c->file);
    }
    return r ?: files_replace(path, buf_span(&text), FILES_DURABLE);
}
