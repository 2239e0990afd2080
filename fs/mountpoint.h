/* SPDX-License-Identifier: MIT */
/* Whether something can be mounted on a directory. */
#pragma once

#include "parser/text/diag.h"

/* Makes *mountpoint absolute (on the heap, the caller's) and free of links. 0; -errno with *why: it
 * is not a directory, something is mounted there, there is no /dev/fuse, ... */
int mountpoint_check(char **mountpoint, struct diag *why);
