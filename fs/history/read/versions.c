/* SPDX-License-Identifier: MIT */
#include "history/versions.h"

#include <errno.h>
#include <string.h>

#include "ancestry.h"
#include "history/worker.h"
#include "reading.h"

int history_wait(struct history *history, const struct wait *wait)
{
    return worker_settle(history->worker, wait);
}

static int read_ancestry(struct history *history, const char *path, const struct wait *wait,
                         struct history_reader **ret_reader, struct ancestry *ret)
{
    struct history_reader *reader;
    struct reader_file *file = NULL;
    int r = reading_begin(history, READER_ALL, wait, &reader);
    if (r < 0)
        return r;
    r = reading_find(history, reader, path, &file) ?: ancestry_of(reader, file, ret);
    if (r < 0)
        reading_end(reader);
    else
        *ret_reader = reader;
    return r;
}

/* Whether the file had a text of its own then: not only another name, or none. */
static bool is_text(const struct ancestor *a)
{
    return !a->moved_from && !git_oid_is_zero(&a->change->after);
}

static int by_time(const void *a, const void *b)
{
    const struct history_version *const *x = a;
    const struct history_version *const *y = b;
    if ((*x)->time_s != (*y)->time_s)
        return (*x)->time_s < (*y)->time_s ? -1 : 1;
    return *x < *y ? -1 : 1;
}

/* Counts the texts of each second. Times may go back: what others did is recorded a while later,
 * and clocks are set. */
static int number(struct history_versions *versions)
{
    FREE_AUTO struct history_version **sorted =
        calloc(versions->n + 1, sizeof(struct history_version *));
    size_t n = 0;
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < versions->n; i++) {
        if (!versions->list[i].gone && !versions->list[i].moved)
            sorted[n++] = &versions->list[i];
    }
    qsort(sorted, n, sizeof(struct history_version *), by_time);
    for (size_t i = 0; i < n; i++)
        sorted[i]->nth =
            i > 0 && sorted[i - 1]->time_s == sorted[i]->time_s ? sorted[i - 1]->nth + 1 : 1;
    return 0;
}

static int add_version(struct history_versions *versions, const struct history_reader *reader,
                       const struct ancestor *a)
{
    const struct walk_commit *c = &reader->known.commits[a->change->commit];
    struct history_version *v = &versions->list[versions->n];
    *v = (struct history_version){.time_s = c->time_s,
                                  .origin = c->origin,
                                  .gone = git_oid_is_zero(&a->change->after),
                                  .moved = a->moved_from != NULL,
                                  .user = strdup(c->user),
                                  .program = strdup(c->program),
                                  .undoes_since = c->undoes_since};
    git_oid_tostr(v->id, sizeof(v->id), &c->id);
    if (c->undoes_any)
        git_oid_tostr(v->undoes, sizeof(v->undoes), &c->undoes);
    versions->n++;
    return v->user && v->program ? 0 : -ENOMEM;
}

int history_versions(struct history *history, const char *path, const struct wait *wait,
                     struct history_versions *ret)
{
    ANCESTRY_AUTO ancestry = {0};
    struct history_versions versions = {0};
    struct history_reader *reader;
    int r = read_ancestry(history, path, wait, &reader, &ancestry);
    if (r < 0)
        return r;
    if (ancestry.n > 0)
        versions.list = calloc(ancestry.n, sizeof(*versions.list));
    if (ancestry.n > 0 && !versions.list)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && i < ancestry.n; i++)
        r = add_version(&versions, reader, &ancestry.list[i]);
    reading_end(reader);
    r = r ?: number(&versions);
    if (r == 0)
        *ret = versions;
    else
        history_versions_done(&versions);
    return r;
}

void history_versions_done(struct history_versions *versions)
{
    for (size_t i = 0; i < versions->n; i++) {
        free(versions->list[i].user);
        free(versions->list[i].program);
    }
    free(versions->list);
    *versions = (struct history_versions){0};
}

int history_text(struct history *history, const char *path, const char *id, const struct wait *wait,
                 struct buf *ret)
{
    ANCESTRY_AUTO ancestry = {0};
    struct history_reader *reader;
    git_oid commit;
    if (strlen(id) != HISTORY_ID || git_oid_fromstr(&commit, id) < 0)
        return -ENOENT;
    int r = read_ancestry(history, path, wait, &reader, &ancestry);
    if (r < 0)
        return r;
    r = -ENOENT;
    for (size_t i = ancestry.n; r == -ENOENT && i-- > 0;) {
        const struct reader_change *change = ancestry.list[i].change;
        if (git_oid_equal(&reader->known.commits[change->commit].id, &commit) &&
            !git_oid_is_zero(&change->after))
            r = reader_text(reader, &change->after, ret);
    }
    reading_end(reader);
    return r;
}

int history_text_of_time(struct history *history, const char *path, int64_t time_s, unsigned nth,
                         const struct wait *wait, struct buf *ret)
{
    ANCESTRY_AUTO ancestry = {0};
    struct history_reader *reader;
    unsigned n = 0;
    int r = read_ancestry(history, path, wait, &reader, &ancestry);
    if (r < 0)
        return r;
    r = -ENOENT;
    for (size_t i = 0; r == -ENOENT && i < ancestry.n; i++) {
        const struct ancestor *a = &ancestry.list[i];
        if (is_text(a) && reader->known.commits[a->change->commit].time_s == time_s && ++n == nth)
            r = reader_text(reader, &a->change->after, ret);
    }
    reading_end(reader);
    return r;
}
