/* SPDX-License-Identifier: MIT */
/*
 * The lines of .vmxfs/log. Those of a change are made once, from the file's text before it and
 * after it: the subject of its commit, which is for people, names some of what it changed.
 */
#include <errno.h>
#include <string.h>

#include "ancestry.h"
#include "base/clock.h"
#include "history/names.h"
#include "history/versions.h"
#include "parser/history/changes.h"
#include "parser/text/safe_text.h"
#include "reading.h"

enum { LOOK_EACH = 64 }; /* changes, until it is looked whether the caller still waits */

static int add_field(struct buf *ret, const char *text, const char *without)
{
    return safe_text_add(ret, span_of(text ? text : without));
}

static int add_path(struct buf *ret, const struct reader_file *file)
{
    BUF_AUTO path = {0};
    return names_decode(&path, span_of(file->name)) ?: safe_text_add(ret, buf_span(&path));
}

/* What the lines of a change begin with. */
static int add_head(const struct walk_commit *c, const struct reader_file *file, struct buf *ret)
{
    char time[CLOCK_UTC_SIZE];
    clock_utc(c->time_s, time);
    return buf_addf(ret, "%s\t", time)
        ?: add_field(ret, c->user[0] ? c->user : NULL, "-")
        ?: buf_add_char(ret, '\t')
        ?: add_field(ret, c->program[0] ? c->program : NULL, "-")
        ?: buf_add_char(ret, '\t')
        ?: add_path(ret, file)
        ?: buf_add_char(ret, '\t');
}

static int add_setting(struct span head, const struct vmx_changed *changed, struct buf *ret)
{
    return buf_add(ret, head)
        ?: add_field(ret, changed->key, "-")
        ?: buf_add_char(ret, '\t')
        ?: add_field(ret, changed->old_value, "(unset)")
        ?: buf_add_char(ret, '\t')
        ?: add_field(ret, changed->new_value, "(unset)")
        ?: buf_add_char(ret, '\n');
}

static int add_event(struct span head, const char *event, const struct reader_file *from,
                     struct buf *ret)
{
    return buf_add(ret, head)
        ?: buf_addf(ret, "-\t-\t%s", event)
        ?: (from ? add_path(ret, from) : 0)
        ?: buf_add_char(ret, '\n');
}

static int add_settings(struct history_reader *reader, const struct reader_change *change,
                        struct span head, struct buf *ret)
{
    BUF_AUTO before = {0};
    BUF_AUTO after = {0};
    struct vmx_changes changes = {0};
    int r = reader_text(reader, &change->before, &before)
                ?: reader_text(reader, &change->after, &after)
                ?: vmx_changes_between(buf_span(&before), buf_span(&after), &changes);
    for (size_t i = 0; r == 0 && i < changes.n; i++)
        r = add_setting(head, &changes.list[i], ret);
    if (r == 0 && changes.n == 0)
        r = add_event(head, "text changed", NULL, ret);
    vmx_changes_done(&changes);
    return r;
}

static int make_lines(struct history_reader *reader, struct reader_change *change,
                      const struct reader_change *from)
{
    BUF_AUTO head = {0};
    BUF_AUTO lines = {0};
    const struct walk_commit *c = &reader->known.commits[change->commit];
    int r = add_head(c, change->file, &head);
    if (r < 0)
        return r;
    const struct span begin = buf_span(&head);
    if (from)
        r = add_event(begin, "renamed from ", from->file, &lines);
    else if (git_oid_is_zero(&change->after))
        r = add_event(begin, "removed", NULL, &lines);
    else if (git_oid_is_zero(&change->before))
        r = add_event(begin, c->origin == HISTORY_VMXFS ? "created" : "first seen", NULL, &lines);
    else
        r = add_settings(reader, change, begin, &lines);
    change->lines = r == 0 ? buf_steal(&lines) : NULL;
    return r ?: change->lines ? 0 : -ENOMEM;
}

/* *ret: its lines, borrowed; NULL: it has none, as a host made it. */
static int lines_of(struct history_reader *reader, struct reader_change *change,
                    const struct reader_change *from, const char **ret)
{
    *ret = NULL;
    if (reader->known.commits[change->commit].origin == HISTORY_HOST)
        return 0;
    int r = change->lines ? 0 : make_lines(reader, change, from);
    *ret = r == 0 ? change->lines : NULL;
    return r;
}

static int log_of_file(struct history_reader *reader, const struct reader_file *file,
                       const struct wait *wait, struct buf *ret)
{
    ANCESTRY_AUTO ancestry = {0};
    int r = ancestry_of(reader, file, &ancestry);
    for (size_t i = 0; r == 0 && i < ancestry.n; i++) {
        const char *lines;
        r = i % LOOK_EACH == 0 ? wait_sleep(wait, 0) : 0;
        r = r ?: lines_of(reader, ancestry.list[i].change, ancestry.list[i].moved_from, &lines);
        if (r == 0 && lines)
            r = buf_add_str(ret, lines);
    }
    return r;
}

/* ---- of all: the newest lines */

static size_t count_lines(const char *lines)
{
    size_t n = 0;
    while ((lines = strchr(lines, '\n'))) {
        lines++;
        n++;
    }
    return n;
}

/* The name that another file has taken goes without a line. */
static int lines_of_any(struct history_reader *reader, struct reader_change *change,
                        const char **ret)
{
    *ret = NULL;
    if (reader_moved_to(reader, change))
        return 0;
    return lines_of(reader, change, reader_moved_from(reader, change), ret);
}

/* *ret_from: the first change whose lines are shown; *ret_skip: how many of them are not. */
static int find_first(struct history_reader *reader, const struct wait *wait, size_t *ret_from,
                      size_t *ret_skip)
{
    size_t count = 0;
    size_t i = reader->known.n_changes;
    int r = 0;
    while (r == 0 && i > 0 && count < HISTORY_LOG_MAX) {
        const char *lines;
        r = lines_of_any(reader, &reader->known.changes[--i], &lines);
        count += r == 0 && lines ? count_lines(lines) : 0;
        if (r == 0 && i % LOOK_EACH == 0)
            r = wait_sleep(wait, 0);
    }
    *ret_from = i;
    *ret_skip = count > HISTORY_LOG_MAX ? count - HISTORY_LOG_MAX : 0;
    return r;
}

static int log_of_all(struct history_reader *reader, const struct wait *wait, struct buf *ret)
{
    size_t from;
    size_t skip;
    int r = find_first(reader, wait, &from, &skip);
    for (size_t i = from; r == 0 && i < reader->known.n_changes; i++) {
        const char *lines;
        r = lines_of_any(reader, &reader->known.changes[i], &lines);
        for (; r == 0 && lines && skip > 0; skip--)
            lines = strchr(lines, '\n') + 1;
        if (r == 0 && lines)
            r = buf_add_str(ret, lines);
    }
    return r;
}

int history_log(struct history *history, const char *path, const struct wait *wait, struct buf *ret)
{
    struct history_reader *reader;
    struct reader_file *file = NULL;
    int r = reading_begin(history, path ? READER_ALL : HISTORY_LOG_MAX, wait, &reader);
    if (r < 0)
        return r;
    if (path)
        r = reading_find(history, reader, path, &file) ?: log_of_file(reader, file, wait, ret);
    else
        r = log_of_all(reader, wait, ret);
    reading_end(reader);
    return r;
}
