/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>

#include "../git/join.h"
#include "../git/work_tree.h"

enum {
    TRIES = 5,           /* for a branch that its owner moves at the same time */
    WORK_TREE_MS = 1000, /* until a work tree that he has locked is looked at again */
};

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static int record_all(struct recording *rec, struct record_items *items,
                      struct sightings *sightings, bool all, int64_t *ret_next, struct diag *why)
{
    int64_t next_item = -1;
    int r = record_items(rec, items, all, &next_item, why)
        ?: record_seen(rec, sightings, items, all)
        ?: recording_publish(rec, why);
    sightings_end(sightings, r == 0);
    if (r == 0)
        *ret_next = items->more ? 0 : next_item;
    return r;
}

/* remark: what was wrong in the spool, which is said of it only once, or with the work tree. */
static int record_once(const struct history *history, const struct spool *spool,
                       struct sightings *sightings, bool all, int64_t *ret_next, struct diag *why,
                       struct diag *remark)
{
    struct recording rec;
    struct record_items items = {0};
    int r = recording_begin(&rec, history, spool, why) ?: record_items_read(spool, &items, remark);
    const git_oid from = rec.tip;
    const git_oid *tip = git_oid_is_zero(&from) ? NULL : &from;
    r = r
        ?: work_tree_prepare(rec.repository, history->branch, tip)
        ?: record_all(&rec, &items, sightings, all, ret_next, why);
    record_items_done(&items);
    if (r == 0) {
        /* What follows is of no account for what is recorded: it is made good the next time. */
        const int shown = work_tree_update(rec.repository, history->branch, tip);
        if (shown == -EAGAIN)
            *ret_next = sooner(*ret_next, WORK_TREE_MS);
        else if (shown < 0 && !remark->text[0])
            diag_set(remark,
                     "the history is written, but its work tree is not brought up to date: %s",
                     shown == -EBADMSG ? "git's index cannot be read" : strerror(-shown));
        join_packs(rec.repository);
    }
    recording_end(&rec);
    return r;
}

int record(const struct history *history, const struct spool *spool, struct sightings *sightings,
           bool all, int64_t *ret_next, struct diag *why)
{
    struct diag failed;
    struct diag remark = {0};
    int r = -EAGAIN;
    for (int i = 0; r == -EAGAIN && i < TRIES; i++) {
        failed = (struct diag){0};
        r = record_once(history, spool, sightings, all, ret_next, &failed, &remark);
    }
    if (r < 0)
        diag_set(why, "%s", failed.text[0] ? failed.text : strerror(-r));
    else if (remark.text[0])
        diag_set(why, "%s", remark.text);
    return r;
}
