/* SPDX-License-Identifier: MIT */
/* The names that people know directories by, and where links and absolute paths lead. */
#pragma once

#include "remote/remote.h"

/* The path of the directory beside it that a link stands for: a datastore, which people know by the
 * name of the link (aliases.h). Inside, only the directory's own path is used. *ret: a string of
 * the caller's; NULL: the link is shown as a link. 0; -EIO, -EINTR, -ENOMEM. */
int remote_stands_for(struct remote *remote, const char *link, int64_t max_age_ms,
                      const struct wait *wait, char **ret);

/* Appends a path with the names that people know its directories by, as far as they have been
 * learned: from listings, or by remote_learn_shown. Waits for nothing. -ENOMEM. */
int remote_add_shown(struct remote *remote, const char *path, struct buf *ret);

/* Lists the directories of a path in which names may differ, unless that was done. 0; -EIO, -EINTR,
 * -ENOMEM. */
int remote_learn_shown(struct remote *remote, const char *path, const struct wait *wait);

/* Whether people know the directory at path by another name. */
bool remote_is_shown_otherwise(struct remote *remote, const char *path);

/* The paths below the root, free of links, of absolute paths of the server: as strings of the
 * caller's. NULL for a path that is outside, is not there, or is NULL itself. All are asked for at
 * once. 0; -EIO, -EINTR, -ENOMEM (then none is set). */
int remote_locate(struct remote *remote, const char *const *paths, size_t n,
                  const struct wait *wait, char **ret);

/* The path, free of links, that a link leads to on the server. A path outside of the root begins
 * with ".."; all functions take it. *ret: a string of the caller's; NULL: the link leads nowhere.
 * 0; -EIO, -EINTR, -ENOMEM. */
int remote_follow(struct remote *remote, const char *path, const struct wait *wait, char **ret);
