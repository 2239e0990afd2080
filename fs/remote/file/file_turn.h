/* SPDX-License-Identifier: MIT */
/* Whose turn it is with an open file, and what it waits for. */
#pragma once

#include "open_file.h"

/* Takes the file's turn, which turn_give gives back. 0, -EINTR, -EIO when the deadline has passed.
 */
int file_begin(struct remote_file *file, const struct wait *wait);

/* The same when what was taken through the file's other handles is on the server. */
int file_begin_behind_others(struct remote_file *file, const struct wait *wait);

/* What is done with a file in its turn; the first member of what the caller has besides. */
struct file_act {
    int (*run)(struct file_act *act, struct remote_file *file, const struct wait *wait);
};

/* Acts in the file's turn when what was taken through its other handles is on the server; anew
 * behind a lost link, since those have to send it again. 0: the caller has the turn; else nobody
 * has. */
int file_act_behind_others(struct remote_file *file, struct file_act *act, const struct wait *wait);

/* Waits until what was written to path through an open plain file is on the server. *ret_any (may
 * be NULL): there is such a file, and cached attributes are not to be trusted. 0; -EIO, -EINTR: the
 * wait. Data that was lost is its writer's to know. */
int remote_settle(struct remote *remote, const char *path, const struct wait *wait, bool *ret_any);
