/* SPDX-License-Identifier: MIT */
/*
 * Whether a path may be opened before its attributes are there, to save a round trip. A server that
 * opens a named pipe waits for a writer, and answers nothing else meanwhile. So
 *
 *   - in a folder whose listing is known, only a regular file is opened ahead;
 *   - elsewhere LSTAT goes directly before OPEN; if it shows that the guess was wrong and the
 * server hangs, the connection is replaced;
 *   - a path at which a guess was wrong is never opened ahead again.
 */
#pragma once

#include "remote/remote_private.h"

bool open_ahead_allowed(struct remote *remote, const char *path);

/* The attributes (of stat) show that path, which the call opens, is not a regular file. Waits for
 * the answer only as long as a server needs that does not hang, and closes what it opened. */
void open_ahead_was_wrong(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                          struct sftp_call *open, const struct wait *wait);

/* Waits for the attributes. If they do not show a regular file, waits no longer than that for the
 * call that opens it. The caller owns what it opened. open: may be NULL. */
void open_ahead_check(struct remote *remote, const char *path, struct sftp_call *stat,
                      struct sftp_call *open, const struct wait *wait);
