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
int unsure_name_going(struct remote *remote, const char *path);
int unsure_name_attrs(struct remote *remote, const char *path, const struct sftp_attrs *attrs);

/* No request noted of a name can take effect any more. */
void unsure_name_settled(struct remote *remote, const char *path);

/* The requests noted of a name; NULL: none. remote->lock is held as long as they are used. */
struct unsure **unsure_of_name(struct remote *remote, const char *path) REQUIRES(remote->lock);

void unsure_names_done(struct remote *remote);
