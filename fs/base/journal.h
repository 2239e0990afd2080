/* SPDX-License-Identifier: MIT */
/* The last refusals, newest last, for the file .vmxfs/errors: a ring of lines. */
#pragma once

#include "parser/text/buf.h"

enum { JOURNAL_LINES = 100 };

struct journal;

int journal_new(struct journal **ret);
void journal_free(struct journal *journal);

/* How files are named in the lines: show appends the name that people know one by. Before the first
 * line. */
void journal_name_files(struct journal *journal,
                        int (*show)(void *ctx, const char *file, struct buf *ret), void *ctx);

/* Adds a line: time (UTC), the errno's name (NOTE for 0), file, key ("-" for none) and reason,
 * TAB-separated. Logs it too. Any thread. Without memory the line is only logged. */
void journal_add(struct journal *journal, int error, const char *file, const char *key,
                 const char *reason);

/* Appends all lines. -ENOMEM. */
int journal_print(struct journal *journal, struct buf *ret);
