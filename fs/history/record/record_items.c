/* SPDX-License-Identifier: MIT */
#include "record_items.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "others.h"

static const int64_t ns_of_ms = 1000000;

/* ---- the list */

static int read_one(const struct spool *spool, struct record_items *items, const char *name,
                    struct diag *why)
{
    struct record_item *to = &items->list[items->n];
    const int r = spool_get(spool, name, &to->item);
    if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
        return r;
    if (r == -EBADMSG) {
        spool_remove(spool, name);
        diag_set(why, "a change was lost: its file in the spool, %s, is broken", name);
    } else if (r < 0 && r != -ENOENT) {
        diag_set(why, "%s/spool/%s cannot be read and is not recorded: %s", spool->dir, name,
                 strerror(-r));
    }
    if (r < 0)
        return 0;
    to->name = name;
    items->n++;
    return 0;
}

int record_items_read(const struct spool *spool, struct record_items *ret, struct diag *why)
{
    struct record_items items = {0};
    int r = spool_list(spool, &items.names);
    if (r == 0 && items.names.n > 0) {
        items.list = calloc(items.names.n, sizeof(*items.list));
        r = items.list ? 0 : -ENOMEM;
    }
    size_t looked_at = 0;
    while (r == 0 && looked_at < items.names.n && items.n < RECORD_ITEMS)
        r = read_one(spool, &items, items.names.list[looked_at++], why);
    items.more = looked_at < items.names.n;
    if (r < 0) {
        record_items_done(&items);
        return r;
    }
    *ret = items;
    return 0;
}

void record_items_done(struct record_items *items)
{
    for (size_t i = 0; i < items->n; i++)
        item_done(&items->list[i].item);
    free(items->list);
    spool_names_done(&items->names);
    *items = (struct record_items){0};
}

bool record_items_wait_for(const struct record_items *items, const char *file)
{
    for (size_t i = 0; i < items->n; i++) {
        const struct item *item = &items->list[i].item;
        if (!items->list[i].done &&
            (strcmp(item->file, file) == 0 || (item->from && strcmp(item->from, file) == 0)))
            return true;
    }
    return false;
}

/* ---- whether one follows what is recorded */

/* The file that its text is recorded at, before it. */
static const char *source_of(const struct item *item)
{
    return item->kind == ITEM_RENAMED ? item->from : item->file;
}

/* 1: it follows. 0: it does not. -errno. */
static int follows(const struct recording *rec, const struct item *item)
{
    git_oid recorded;
    git_oid before;
    int r = recording_blob(rec, source_of(item), &recorded);
    if (r < 0 && r != -ENOENT)
        return r;
    const bool is_there = r == 0;
    if (item->kind != ITEM_COMMITTED)
        return is_there;
    if (!item->existed || !is_there)
        return !item->existed && !is_there;
    r = recording_id(buf_span(&item->before), &before);
    return r < 0 ? r : git_oid_equal(&recorded, &before);
}

static bool share_file(const struct item *a, const struct item *b)
{
    return strcmp(a->file, b->file) == 0 || (a->from && strcmp(a->from, b->file) == 0) ||
           (b->from && strcmp(a->file, b->from) == 0);
}

/* Whether both names in the spool are of one mount: TIME-WHO-SERIAL. */
static bool share_mount(const char *a, const char *b)
{
    const char *in_a = strchr(a, '-');
    const char *in_b = strchr(b, '-');
    const char *end = in_a ? strchr(in_a + 1, '-') : NULL;
    return end && in_b && strncmp(in_a, in_b, (size_t)(end - in_a) + 1) == 0;
}

/* Whether one that was made before it must come first: by the same mount; or any, where it does
 * not say itself what it follows. A file that goes would take along what is still to come. */
static bool is_behind(const struct record_items *items, size_t i)
{
    const struct record_item *own = &items->list[i];
    for (size_t k = 0; k < i; k++) {
        const struct record_item *other = &items->list[k];
        if (!other->done && share_file(&other->item, &own->item) &&
            (own->item.kind != ITEM_COMMITTED || share_mount(other->name, own->name)))
            return true;
    }
    return false;
}

/* What is left of a wait of most ms. 0: nothing, also where the clock was set back. A recording may
 * take long, and nothing of this process comes to the spool meanwhile: that time does not count. */
static int64_t left_of(int64_t most, const struct recording *rec, const struct item *item)
{
    const int64_t age = (rec->began_ns - item->time_ns) / ns_of_ms;
    return age < -RECORD_WAIT_MS || age >= most ? 0 : most - age;
}

/* How long it may still wait for what it follows. */
static int64_t may_wait_ms(const struct recording *rec, const struct item *item, bool all)
{
    git_oid recorded;
    const bool first = item->existed && recording_blob(rec, source_of(item), &recorded) == -ENOENT;
    if (item->kind == ITEM_REMOVED)
        return all ? 0 : left_of(RECORD_REMOVAL_WAIT_MS, rec, item);
    return !first ? left_of(RECORD_WAIT_MS, rec, item)
           : all  ? 0
                  : left_of(RECORD_FIRST_WAIT_MS, rec, item);
}

/* ---- a file that was removed, and made anew at once */

/* The next change of the same file, or NULL. */
static struct record_item *next_of(struct record_items *items, size_t removal)
{
    for (size_t i = removal + 1; i < items->n; i++) {
        struct record_item *next = &items->list[i];
        if (!next->done && strcmp(next->item.file, items->list[removal].item.file) == 0)
            return next;
    }
    return NULL;
}

/* Whether it waits for what may come behind it. */
static bool is_held(const struct recording *rec, struct record_items *items, size_t i, bool all)
{
    const struct item *item = &items->list[i].item;
    return item->kind == ITEM_REMOVED && !all && !next_of(items, i) &&
           left_of(RECORD_REMOVAL_WAIT_MS, rec, item) > 0;
}

/* Makes a removal, and the file that the same user made in its place, one change of the text. */
static int join_removal(struct recording *rec, struct record_items *items, size_t i)
{
    git_oid blob;
    struct record_item *removal = &items->list[i];
    struct record_item *next = removal->item.kind == ITEM_REMOVED ? next_of(items, i) : NULL;
    if (!next || next->item.kind != ITEM_COMMITTED || next->item.existed || is_behind(items, i) ||
        strcmp(next->item.user, removal->item.user) != 0)
        return 0;
    int r = recording_blob(rec, removal->item.file, &blob);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = objects_read(&rec->objects, &blob, GIT_OBJECT_BLOB, &next->item.before)
            ?: last_add_done(&rec->last, removal->name);
    if (r == 0)
        next->item.existed = removal->done = true;
    return r;
}

/* ---- one becomes a commit */

static int commit(struct recording *rec, const struct item *item,
                  const struct recording_change *changes, size_t n, const char *subject)
{
    const struct message message = {.author = {item->user, item->mail},
                                    .time_s = item->time_ns / 1000000000,
                                    .subject = subject,
                                    .program = item->program,
                                    .mount = item->mount,
                                    .by = "vmxfs",
                                    .undoes = item->undoes,
                                    .undoes_since = item->undoes_since};
    return recording_commit(rec, changes, n, &message);
}

/* Whether a change that was made after it is recorded: its process was held up for so long that
 * what it made was taken for others' doing. */
static bool is_late(const struct recording *rec, const struct item *item)
{
    return item->kind == ITEM_COMMITTED && last_change_ns(&rec->last, item->file) > item->time_ns;
}

/* late: its author gets a commit, which leaves the file as it is. */
static int commit_text(struct recording *rec, const struct item *item, bool late)
{
    const struct span after = buf_span(&item->after);
    BUF_AUTO subject = {0};
    bool by_host = false;
    const int r = item->existed ? message_changed(item->file, buf_span(&item->before), after,
                                                  &subject, &by_host)
                                : message_subject(item->file, "created", &subject);
    const struct recording_change change = {item->file, &after};
    return r ?: commit(rec, item, &change, late ? 0 : 1, subject.data);
}

static int commit_removal(struct recording *rec, const struct item *item)
{
    BUF_AUTO subject = {0};
    const int r = message_subject(item->file, "removed", &subject);
    return r ?: commit(rec, item, &(struct recording_change){item->file, NULL}, 1, subject.data);
}

static int commit_renaming(struct recording *rec, const struct item *item)
{
    git_oid blob;
    BUF_AUTO text = {0};
    BUF_AUTO subject = {0};
    const int r = recording_blob(rec, item->from, &blob)
        ?: objects_read(&rec->objects, &blob, GIT_OBJECT_BLOB, &text)
        ?: message_renamed(item->from, item->file, &subject);
    const struct span after = buf_span(&text);
    const struct recording_change changes[] = {{item->file, &after}, {item->from, NULL}};
    return r ?: commit(rec, item, changes, 2, subject.data);
}

/* What others did before it, as far as that shows. */
static int catch_up(struct recording *rec, const struct item *item)
{
    const struct span before = buf_span(&item->before);
    if (item->kind != ITEM_COMMITTED && !item->existed)
        return 0;
    return others_commit(rec, source_of(item), item->existed ? &before : NULL,
                         item->time_ns / 1000000000, item->mount);
}

/* A file that went or was renamed, and of which nothing is known, leaves nothing to record. */
static int record_one(struct recording *rec, const struct item *item, bool late)
{
    git_oid recorded;
    if (item->kind == ITEM_COMMITTED)
        return commit_text(rec, item, late);
    const int r = recording_blob(rec, source_of(item), &recorded);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return item->kind == ITEM_RENAMED ? commit_renaming(rec, item) : commit_removal(rec, item);
}

static int record_and_note(struct recording *rec, struct record_item *i, bool late,
                           struct diag *why)
{
    const struct item *item = &i->item;
    int r = record_one(rec, item, late)
        ?: last_add_done(&rec->last, i->name)
        ?: (late ? 0 : last_add_change(&rec->last, item->file, item->time_ns))
        ?: (item->from ? last_add_change(&rec->last, item->from, item->time_ns) : 0);
    if (r == 0)
        i->done = true;
    if (r == 0 && rec->objects.bytes > RECORDING_BYTES)
        r = recording_publish(rec, why);
    return r;
}

/* In the order of time, and again from the front when one was recorded that others may have waited
 * for. A file's changes come nearly always in their order, so that this is one pass. */
static int record_those_that_follow(struct recording *rec, struct record_items *items, bool all,
                                    struct diag *why)
{
    bool skipped = false;
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < items->n; i++) {
            int r = items->list[i].done ? 0 : join_removal(rec, items, i);
            if (r < 0)
                return r;
            if (items->list[i].done)
                continue;
            r = is_held(rec, items, i, all) || is_behind(items, i)
                    ? 0
                    : follows(rec, &items->list[i].item);
            if (r > 0) {
                again |= skipped;
                r = record_and_note(rec, &items->list[i], false, why);
            } else {
                skipped = true;
            }
            if (r < 0)
                return r;
        }
        skipped = false;
    }
    return 0;
}

/* 1: one that has waited long enough was recorded. 0: there is none. */
static int record_one_that_waited(struct recording *rec, struct record_items *items, bool all,
                                  int64_t *ret_next, struct diag *why)
{
    *ret_next = -1;
    for (size_t i = 0; i < items->n; i++) {
        if (items->list[i].done)
            continue;
        const int64_t left = may_wait_ms(rec, &items->list[i].item, all);
        if (left == 0) {
            const bool late = is_late(rec, &items->list[i].item);
            const int r = (late ? 0 : catch_up(rec, &items->list[i].item))
                              ?: record_and_note(rec, &items->list[i], late, why);
            return r < 0 ? r : 1;
        }
        if (*ret_next < 0 || left < *ret_next)
            *ret_next = left;
    }
    return 0;
}

int record_items(struct recording *rec, struct record_items *items, bool all, int64_t *ret_next,
                 struct diag *why)
{
    int r;
    do {
        r = record_those_that_follow(rec, items, all, why)
                ?: record_one_that_waited(rec, items, all, ret_next, why);
    } while (r > 0);
    return r;
}
