/* SPDX-License-Identifier: MIT */
/* Which thread has the turn of an open file, and what it waits for. */
#pragma once

#include "open_file.h"

/* Takes the file's turn, which turn_give gives back. 0, -EINTR, -EIO when the deadline has passed.
 */
int file_begin(struct remote_file *file, const struct wait *wait);

/* The same, once the data taken through the file's other handles is on the server. */
int file_begin_behind_others(struct remote_file *file, const struct wait *wait);

/* Acts in the file's turn once the data taken through its other handles is on the server. A lost
 * link starts it over, since those handles have to send the data again. 0: the caller has the turn;
 * on an error no thread has it. */
int file_act_behind_others(struct remote_file *file,
                           int (*act)(struct remote_file *file, const struct wait *wait, void *ctx),
                           const struct wait *wait, void *ctx);

/* Waits until the data written to path through an open plain file is on the server. *ret_any (may
 * be NULL): there is such a file, and cached attributes are not to be trusted. 0; -EIO, -EINTR: the
 * wait. An error of lost data belongs to its writer. */
int remote_settle(struct remote *remote, const char *path, const struct wait *wait, bool *ret_any);
