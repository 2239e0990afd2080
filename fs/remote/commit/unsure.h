/* SPDX-License-Identifier: MIT */
/*
 * Requests that were under way when a link was lost. The server's process of the old connection may
 * still carry a request out, long after it was sent again and answered. Repeating the same request
 * does no harm. But the old request could undo a different one after the caller was told that it is
 * safe. So a different request is refused while this may happen: for a minute at the most.
 *
 *      may be written    other bytes there, an end of the file before them
 *      may be set        another value; for a size also bytes behind it, and a new file
 *      may go            (be removed, renamed or replaced) bytes, a size, and a new file
 *
 * A list is of a file, for what was sent through a handle, or of a name (unsure_names.h). It is
 * protected by its owner's lock.
 */
#pragma once

#include <stdint.h>

#include "sftp/sftp.h"

enum { UNSURE_MS = 60 * 1000 };

struct unsure;

/* 0, -ENOMEM. */
int unsure_note_write(struct unsure **list, uint64_t offset, struct span data);
int unsure_note_attrs(struct unsure **list, const struct sftp_attrs *attrs);
int unsure_note_going(struct unsure **list);

/* Whether an old request may undo this one. Forgets what is too old. */
bool unsure_hinders_write(struct unsure **list, uint64_t offset, struct span data);
bool unsure_hinders_attrs(struct unsure **list, const struct sftp_attrs *attrs);
bool unsure_hinders_new(struct unsure **list);

/* Whether anything is noted. Forgets what is too old. */
bool unsure_any(struct unsure **list);

void unsure_free(struct unsure **list);
