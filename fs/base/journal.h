/* SPDX-License-Identifier: MIT */
/*
 * The last refusals and notes, newest last, for the files called errors. A line that was given out
 * stays as it is, and where it is, until the older half goes: a reader that goes on where it was
 * finds all that was added. So do those who count the lines before and after a refusal.
 *
 * A program that is refused the same again and again must not push out what others were refused.
 * A refusal that says the same as one of a moment ago, but for the time, only counts there. The
 * count becomes a line of its own, with the time of the last one and the words of the first, and
 * behind them "(12 times more)". A note is of one event, and always has its line.
 *
 *     said ----> line written ----> the same again, within JOURNAL_JOIN_MS: counted
 *                                        |
 *                                        v
 *                                  a line "(N times more)", when the journal is read, or
 *                                  JOURNAL_JOIN_MS have passed since the line and anything is
 *                                  said, or JOURNAL_NEAR other lines stand behind it
 */
#pragma once

#include <stdbool.h>

#include "parser/text/buf.h"

enum {
    JOURNAL_BYTES = 1 << 20, /* of all lines; when they would take more, the older half goes */
    JOURNAL_JOIN_MS = 5000,
    JOURNAL_NEAR = 64,
};

struct journal;

int journal_new(struct journal **ret);
void journal_free(struct journal *journal);

/* How files are named in the lines from now on: show appends the name that people know one by, or
 * is NULL. No line of a file may be being added. */
void journal_name_files(struct journal *journal,
                        int (*show)(void *ctx, const char *file, struct buf *ret), void *ctx);

/* Adds a line: time (UTC), the errno's name (NOTE for 0), file, key and reason, TAB-separated; "-"
 * for what is NULL or empty. Logs it too. Any thread. Without memory it is only logged. */
void journal_add(struct journal *journal, int error, const char *file, const char *key,
                 const char *reason);

/* Appends all lines, or those of whose file pick says yes: as it was given to journal_add, or NULL.
 * -ENOMEM. */
int journal_print(struct journal *journal, bool (*pick)(const void *ctx, const char *file),
                  const void *ctx, struct buf *ret);
