/* SPDX-License-Identifier: MIT */
/* What errors of the server mean, and how to handle them. */
#pragma once

#include <errno.h>

#include "remote.h"

/* Whether an error says nothing about the file that was asked for: the link, the caller or this
 * machine caused it. */
static inline bool is_unanswered(int r)
{
    return r == -ENOTCONN || r == -EIO || r == -EINTR || r == -ENOMEM;
}

/* r, if it is such an error, or else 0. */
static inline int without_answer(int r)
{
    return is_unanswered(r) ? r : 0;
}

/* True when the operation that ended with r may be started over: the link was lost and is up again
 * within the wait. Otherwise *r is what to return: -ENOTCONN has become -EIO or -EINTR. */
bool remote_again(struct remote *remote, const struct wait *wait, int *r);

/* 0, or -EOPNOTSUPP, with *diag, where the server cannot rename as a commit needs it. */
int remote_check_rename(struct remote *remote, struct diag *diag);

/* Finds out what a bare "failure" (-EREMOTEIO) of writing at path meant: -ENOSPC when the server's
 * filesystem is full, -EROFS when it is mounted so, else -EIO. Other errors are returned as is. */
int remote_write_error(struct remote *remote, const char *path, const struct wait *wait, int r);

/* The same for a request that would make a file so large: -EFBIG, also of -EINVAL, when the
 * server's whole filesystem is smaller. */
int remote_size_error(struct remote *remote, const char *path, uint64_t size,
                      const struct wait *wait, int r);

/* The same for a rename: -EXDEV when its names lie in two filesystems of the server's, and -ENOENT,
 * -EISDIR, -ENOTDIR, -ENOTEMPTY by the files that have them; otherwise as remote_write_error for
 * the new name. lost: the rename was sent before, unanswered. Then it is never -EXDEV, upon which
 * programs copy and remove. */
int remote_rename_error(struct remote *remote, const char *from, const char *to, bool lost,
                        const struct wait *wait, int r);
