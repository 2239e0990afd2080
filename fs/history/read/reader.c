/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include <errno.h>
#include <string.h>

#include "parser/text/list.h"

enum { LOOK_EACH = 64 }; /* commits, until it is looked whether the caller still waits */

int reader_new(const char *dir, const char *branch, const char *host, struct history_reader **ret)
{
    struct history_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    turn_init(&reader->turn);
    reader->dir = strdup(dir);
    reader->branch = strdup(branch);
    reader->host = strdup(host);
    if (!reader->dir || !reader->branch || !reader->host) {
        reader_free(reader);
        return -ENOMEM;
    }
    *ret = reader;
    return 0;
}

static void list_done(struct reader_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        walk_commit_done(&list->commits[i]);
    for (size_t i = 0; i < list->n_changes; i++)
        free(list->changes[i].lines);
    free(list->commits);
    free(list->first);
    free(list->changes);
    *list = (struct reader_list){0};
}

static void end_walk(struct reader_walk *walk)
{
    list_done(&walk->list);
    walk->on = false;
}

static void forget_known(struct history_reader *reader)
{
    list_done(&reader->known);
    end_walk(&reader->below);
    for (struct reader_file *f = reader->files; f; f = f->hh.next)
        f->n = 0;
    reader->tip = (git_oid){{0}};
}

static void close_repository(struct history_reader *reader)
{
    if (reader->open)
        walk_close(&reader->walk);
    reader->open = false;
}

void reader_free(struct history_reader *reader)
{
    if (!reader)
        return;
    close_repository(reader);
    forget_known(reader);
    end_walk(&reader->above);
    while (reader->files) {
        struct reader_file *f = reader->files;
        HASH_DEL(reader->files, f);
        free(f->name);
        free(f->changes);
        free(f);
    }
    turn_done(&reader->turn);
    free(reader->dir);
    free(reader->branch);
    free(reader->host);
    free(reader);
}

/* ---- files */

struct reader_file *reader_find(struct history_reader *reader, struct span name)
{
    struct reader_file *f = NULL;
    HASH_FIND(hh, reader->files, name.p, name.n, f);
    return f;
}

static struct reader_file *file_of(struct history_reader *reader, struct span name)
{
    struct reader_file *f = reader_find(reader, name);
    if (f)
        return f;
    f = calloc(1, sizeof(*f));
    if (f)
        f->name = strndup(name.p, name.n);
    if (f && f->name) {
        HASH_ADD_KEYPTR(hh, reader->files, f->name, name.n, f);
        if (f->hh.tbl)
            return f;
    }
    if (f)
        free(f->name);
    free(f);
    return NULL;
}

static int note_in_file(struct reader_file *f, size_t change)
{
    uint32_t *changes = list_room(f->changes, f->n, sizeof(*changes));
    if (!changes)
        return -ENOMEM;
    f->changes = changes;
    changes[f->n++] = (uint32_t)change;
    return 0;
}

static int note_in_files(struct history_reader *reader, size_t from)
{
    int r = 0;
    for (size_t i = from; r == 0 && i < reader->known.n_changes; i++)
        r = note_in_file(reader->known.changes[i].file, i);
    return r;
}

/* ---- lists */

static size_t behind_last(const struct reader_list *list, size_t commit)
{
    return commit + 1 < list->n ? list->first[commit + 1] : list->n_changes;
}

static int add_change(struct reader_list *list, const struct reader_change *change)
{
    struct reader_change *changes = list_room(list->changes, list->n_changes, sizeof(*changes));
    if (!changes)
        return -ENOMEM;
    list->changes = changes;
    changes[list->n_changes] = *change;
    changes[list->n_changes++].commit = (uint32_t)list->n;
    return 0;
}

/* A commit whose changes, from first on, are in the list already. */
static int add_commit(struct reader_list *list, const struct walk_commit *commit, size_t first)
{
    struct walk_commit *commits = list_room(list->commits, list->n, sizeof(*commits));
    if (commits)
        list->commits = commits;
    uint32_t *firsts = list_room(list->first, list->n, sizeof(*firsts));
    if (firsts)
        list->first = firsts;
    if (!commits || !firsts)
        return -ENOMEM;
    commits[list->n] = *commit;
    firsts[list->n++] = (uint32_t)first;
    return 0;
}

/* Moves a commit from one list to the end of another. */
static int move_commit(struct reader_list *to, struct reader_list *from, size_t at)
{
    const size_t first = to->n_changes;
    int r = 0;
    for (size_t i = from->first[at]; r == 0 && i < behind_last(from, at); i++) {
        r = add_change(to, &from->changes[i]);
        if (r == 0)
            from->changes[i].lines = NULL;
    }
    r = r ?: add_commit(to, &from->commits[at], first);
    if (r == 0)
        from->commits[at].user = from->commits[at].program = NULL;
    return r;
}

/* What a walk has found becomes known: behind what is, which is older. */
static int take_above(struct history_reader *reader)
{
    struct reader_list *from = &reader->above.list;
    const size_t changes = reader->known.n_changes;
    int r = 0;
    for (size_t i = from->n; r == 0 && i-- > 0;)
        r = move_commit(&reader->known, from, i);
    r = r ?: note_in_files(reader, changes);
    end_walk(&reader->above);
    if (r < 0)
        forget_known(reader);
    else
        reader->tip = reader->target;
    return r;
}

/* The same in front of it. */
static int take_below(struct history_reader *reader)
{
    struct reader_list *from = &reader->below.list;
    struct reader_list all = {0};
    int r = 0;
    for (size_t i = from->n; r == 0 && i-- > 0;)
        r = move_commit(&all, from, i);
    for (size_t i = 0; r == 0 && i < reader->known.n; i++)
        r = move_commit(&all, &reader->known, i);
    const git_oid tip = reader->tip;
    forget_known(reader);
    reader->known = all;
    r = r ?: note_in_files(reader, 0);
    if (r < 0)
        forget_known(reader);
    else
        reader->tip = tip;
    return r;
}

/* ---- walks */

static int see(void *ctx, struct span name, const git_oid *before, const git_oid *after)
{
    struct history_reader *reader = ctx;
    struct reader_change change = {.file = file_of(reader, name)};
    if (!change.file)
        return -ENOMEM;
    if (before)
        change.before = *before;
    if (after)
        change.after = *after;
    return add_change(reader->walked, &change);
}

/* Looks at one commit. *ret_first: there is none before it. */
static int step(struct history_reader *reader, struct reader_walk *walk, bool *ret_first)
{
    struct walk_commit commit = {0};
    const size_t first = walk->list.n_changes;
    reader->walked = &walk->list;
    int r = walk_commit(&reader->walk, &walk->at, &commit);
    const bool changes = walk->list.n_changes > first;
    if (r == 0 && changes)
        r = add_commit(&walk->list, &commit, first);
    if (r == 0) {
        walk->at = commit.parent;
        *ret_first = !commit.has_parent;
    } else {
        walk->list.n_changes = first;
    }
    if (r < 0 || !changes)
        walk_commit_done(&commit);
    return r;
}

/* Changes of a list's commits from one on that are not a host's own. */
static size_t count_made(const struct reader_list *list, size_t from)
{
    size_t count = 0;
    for (size_t i = from; i < list->n; i++) {
        if (list->commits[i].origin != HISTORY_HOST)
            count += behind_last(list, i) - list->first[i];
    }
    return count;
}

/* Walks until the first commit, the one that is known, or until so many changes were found. */
static int walk_on(struct history_reader *reader, struct reader_walk *walk, size_t wanted,
                   const struct wait *wait, bool *ret_first)
{
    size_t count = count_made(&walk->list, 0);
    int r = 0;
    *ret_first = false;
    for (unsigned i = 1; r == 0 && !*ret_first; i++) {
        const size_t before = walk->list.n;
        if (git_oid_equal(&walk->at, &reader->tip) || (wanted != READER_ALL && count >= wanted))
            return 0;
        r = step(reader, walk, ret_first);
        if (r < 0 && walk == &reader->above) /* the branch may leave what cannot be read */
            end_walk(walk);
        if (r == 0 && i % LOOK_EACH == 0)
            r = wait_sleep(wait, 0);
        count += count_made(&walk->list, before);
    }
    return r;
}

static int walk_above(struct history_reader *reader, size_t wanted, const struct wait *wait)
{
    struct reader_walk *above = &reader->above;
    bool first;
    int r = walk_on(reader, above, wanted, wait, &first);
    if (r < 0)
        return r;
    const bool meets = git_oid_equal(&above->at, &reader->tip);
    const git_oid next = above->at;
    if (!meets)
        forget_known(reader);
    r = take_above(reader);
    if (r == 0 && !meets && !first)
        reader->below = (struct reader_walk){.on = true, .at = next};
    return r;
}

static int walk_below(struct history_reader *reader, size_t wanted, const struct wait *wait)
{
    const size_t count = count_made(&reader->known, 0);
    bool first;
    if (wanted != READER_ALL && count >= wanted)
        return 0;
    int r = walk_on(reader, &reader->below, READER_ALL, wait, &first);
    return r ?: take_below(reader);
}

static int begin_above(struct history_reader *reader)
{
    git_oid tip;
    int r = walk_tip(&reader->walk, reader->branch, &tip);
    if (r == -ENOENT)
        forget_known(reader);
    if (r < 0 || git_oid_equal(&tip, &reader->tip))
        return r == -ENOENT ? 0 : r;
    reader->target = tip;
    reader->above = (struct reader_walk){.on = true, .at = tip};
    return 0;
}

static int open_repository(struct history_reader *reader)
{
    if (reader->open)
        return 0;
    reader->walk.see = see;
    reader->walk.ctx = reader;
    int r = walk_open(&reader->walk, reader->dir, reader->host);
    reader->open = r == 0;
    return r;
}

static int update(struct history_reader *reader, size_t wanted, const struct wait *wait)
{
    int r = open_repository(reader);
    if (r == 0 && reader->above.on)
        r = walk_above(reader, wanted, wait);
    r = r ?: begin_above(reader);
    if (r == 0 && reader->above.on)
        r = walk_above(reader, wanted, wait);
    if (r == 0 && reader->below.on)
        r = walk_below(reader, wanted, wait);
    return r;
}

/* Packs go while they are read, where somebody joins them: then it is looked for them once more. */
int reader_update(struct history_reader *reader, size_t wanted, const struct wait *wait)
{
    int r = update(reader, wanted, wait);
    if (r != -EIO || wait_sleep(wait, 0) < 0)
        return r;
    close_repository(reader);
    return update(reader, wanted, wait);
}

int reader_text(struct history_reader *reader, const git_oid *blob, struct buf *ret)
{
    int r = open_repository(reader) ?: walk_text(&reader->walk, blob, ret);
    if (r != -EIO)
        return r;
    close_repository(reader);
    return open_repository(reader) ?: walk_text(&reader->walk, blob, ret);
}

/* The one change of the commit that fits: from a text to it (made), or from it to none. NULL: there
 * is none, or another. */
static const struct reader_change *only(const struct reader_list *known, uint32_t commit,
                                        const git_oid *text, bool made)
{
    const struct reader_change *found = NULL;
    for (size_t i = known->first[commit]; i < behind_last(known, commit); i++) {
        const struct reader_change *c = &known->changes[i];
        const bool fits = made ? git_oid_equal(&c->after, text)
                               : git_oid_is_zero(&c->after) && git_oid_equal(&c->before, text);
        if (fits && found)
            return NULL;
        if (fits)
            found = c;
    }
    return found;
}

const struct reader_change *reader_moved_from(const struct history_reader *reader,
                                              const struct reader_change *change)
{
    const struct reader_list *known = &reader->known;
    if (git_oid_is_zero(&change->after) ||
        only(known, change->commit, &change->after, true) != change)
        return NULL;
    return only(known, change->commit, &change->after, false);
}

bool reader_moved_to(const struct history_reader *reader, const struct reader_change *change)
{
    const struct reader_list *known = &reader->known;
    return git_oid_is_zero(&change->after) && only(known, change->commit, &change->before, true) &&
           only(known, change->commit, &change->before, false) == change;
}
