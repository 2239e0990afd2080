/* SPDX-License-Identifier: MIT */
/*
 * What the spool holds becomes commits.
 *
 * Each change says which text it was made from. If that is what is recorded, it follows. If not, a
 * change before it, of another process, may still be on its way to the spool, and it waits for up
 * to RECORD_WAIT_MS. What is missing then was done by others: a commit of theirs leads to the text
 * that the change was made from, and the change follows that.
 *
 * A removal waits, too: a program that saves a text as a new file under the old one's name, as vim
 * does, has changed the text, and each line that it left alone stays of whoever made it.
 */
#pragma once

#include "recording.h"

enum {
    RECORD_WAIT_MS = 5000,
    RECORD_FIRST_WAIT_MS = 1000, /* where nothing is recorded of the file */
    RECORD_REMOVAL_WAIT_MS = 5000,
    RECORD_ITEMS = 2000, /* at a time, so that the lock is not held for long */
};

struct record_item {
    const char *name; /* in the spool; borrowed */
    struct item item;
    bool done;
};

struct record_items {
    struct spool_names names;
    struct record_item *list;
    size_t n;
    bool more; /* than these are in the spool */
};

/* Reads the oldest ones of the spool. Files that are no items are removed, those that cannot be
 * read passed over; *why says so, and is left alone otherwise. 0, -errno. */
int record_items_read(const struct spool *spool, struct record_items *ret, struct diag *why);
void record_items_done(struct record_items *items);

/* Whether one that is not done is of this file. */
bool record_items_wait_for(const struct record_items *items, const char *file);

/* Records what it can. all: it is the last time, so that nothing waits that only might go better
 * later. *ret_next: how many ms from now on the next one is due that waits, or -1. */
int record_items(struct recording *rec, struct record_items *items, bool all, int64_t *ret_next,
                 struct diag *why);
