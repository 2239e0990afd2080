/* SPDX-License-Identifier: MIT */
/*
 * Directories that the server must not be asked about: datastores that their host calls
 * inaccessible. The server would hang in them, with all that waits behind the request.
 */
#pragma once

#include "remote/remote.h"

/* From now on these directories, and no others, are inaccessible with all that is below them. "" is
 * the root, whose own attributes are still asked for. 0, -ENOMEM: all are as they were. */
int remote_set_inaccessible(struct remote *remote, const char *const *dirs, size_t n);

/* 0; -EIO: the path is in such a directory, or is one. Waits for nothing. */
int remote_check_accessible(struct remote *remote, const char *path);
