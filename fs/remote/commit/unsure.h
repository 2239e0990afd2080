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
 * A list is of a file, for what was sent through a handle, or of names (unsure_names.h). It is
 * protected by its owner's lock.
 */
#pragma once

#include <stdint.h>

#include "sftp/sftp.h"

enum { UNSURE_MS = 60 * 1000 };

/* What a request does. */
struct effect {
    enum { EFFECT_WRITE, EFFECT_ATTRS, EFFECT_NAME } what;
    uint64_t offset;         /* where ... */
    struct span data;        /* ... this is written; p NULL: bytes that nobody knows */
    struct sftp_attrs attrs; /* that are set */
};

struct unsure;

/* path: the name that the request was for; NULL: the list is of a file. 0, -ENOMEM. */
int unsure_note(struct unsure **list, const char *path, const struct effect *effect);

/* Whether an old request, of this path, may undo this one. Forgets what is too old. */
bool unsure_hinders(struct unsure **list, const char *path, const struct effect *effect);

/* Whether anything is noted. Forgets what is too old. */
bool unsure_any(struct unsure **list);

/* Forgets what is noted of a path; NULL: all. */
void unsure_forget(struct unsure **list, const char *path);
