/* SPDX-License-Identifier: MIT */
/*
 * Looks for what the server's process of a lost connection may still make. That process can carry
 * out the requests that it has read long after others were answered over the next connection. A
 * lock that it then takes has an owner that lives and does not know of it, and would keep others
 * out until its time is over. So a thread looks for what had no answer, and removes it, again and
 * again for a minute; the thread exists only while there is something to look for. The same holds
 * for a lock that is let go of when the link is lost.
 */
#pragma once

#include "lock.h"

enum { LATE_LOOK_MS = 1000, LATE_MS = 60000 };

struct late;

int late_new(struct sftp *sftp, struct late **ret);

/* Looks a last time, and ends the thread. */
void late_free(struct late *late);

/* Takes the paths over, looks for them at once, and then for LATE_MS. link: any handle of the link
 * on which all requests were answered so far; the first look is the last one unless that link is
 * lost by then. NULL: it is lost. */
void late_add(struct late *late, struct lock_paths *paths, const struct sftp_handle *link);

/* Looks for all that may be in this lock, before the lock is asked for. */
void late_clear(struct late *late, const char *lock);
