/* SPDX-License-Identifier: MIT */
/* Further names of a file. */
#pragma once

#include "remote/remote.h"

/* Gives a file, or a link, one more name. 0; -EEXIST: something has that; -EPERM: the server
 * cannot, or its filesystem; -EXDEV: the names lie in two; -EUCLEAN, ... */
int remote_link(struct remote *remote, const char *path, const char *name, const struct wait *wait);

/* Whether two names are one file's, as far as SFTP can tell; what is cached of it under the second
 * is dropped then. 0, -errno. */
int remote_look_same(struct remote *remote, const char *first, const char *other,
                     const struct wait *wait, bool *ret);
bool remote_attrs_same(const struct sftp_attrs *a, const struct sftp_attrs *b);

/* What is open under a name goes by another one of the same file from now on. */
void remote_files_follow(struct remote *remote, const char *from, const char *to);
