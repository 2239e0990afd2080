/* SPDX-License-Identifier: MIT */
/*
 * Names for which a request by path was under way when a link was lost (unsure.h): the old server
 * process may still remove, rename, replace or truncate the file that has the name by then.
 */
#pragma once

#include "remote/remote_private.h"
#include "unsure.h"

/* Whether a request that ended with r was sent, and its outcome is unknown. */
bool unsure_is_unanswered(const struct sftp_call *call, int r);

/* 0, -ENOMEM. */
int unsure_name_note(struct remote *remote, const char *path, const struct effect *effect);

/* The names may go; to may be NULL. 0, -ENOMEM. */
int unsure_names_going(struct remote *remote, const char *path, const char *to);

/* No request noted of a name can take effect any more. */
void unsure_name_settled(struct remote *remote, const char *path);
