/* SPDX-License-Identifier: MIT */
/* Whether something can be mounted on a directory, or was, by the caller: "/dev/fd/N". */
#pragma once

#include "parser/text/diag.h"

/* Makes *mountpoint absolute (on the heap, the caller's) and free of links. 0; -errno with *why: it
 * is not a directory, something is mounted there, there is no /dev/fuse, ... */
int mountpoint_check(char **mountpoint, struct diag *why);

/* The descriptor in "/dev/fd/N": the FUSE device, opened and mounted by the caller, as mount.fuse3
 * does that drops its privileges. -1: it is another mount point. */
int mountpoint_fd(const char *mountpoint);

/* Where that is mounted. Newer kernels say it of the descriptor; for others it is the only mount of
 * this source. NULL: not known. The caller frees it. */
char *mountpoint_of_fd(int fd, const char *source);
