/* SPDX-License-Identifier: MIT */
/* How the functions of versions.h get at the reader of a history. */
#pragma once

#include "history/file_path.h"
#include "history/history_private.h"
#include "reader.h"

/* The history's reader, in the caller's turn, with what is new in it (reader_update). 0; -EINTR,
 * -EIO, -ENOMEM. */
int reading_begin(struct history *history, size_t wanted, const struct wait *wait,
                  struct history_reader **ret);
void reading_end(struct history_reader *reader);

/* The file that has this path in the mount; *ret NULL: none was ever there. 0, -errno. */
int reading_find(struct history *history, struct history_reader *reader, const char *path,
                 struct reader_file **ret);
