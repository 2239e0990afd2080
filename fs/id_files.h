/* SPDX-License-Identifier: MIT */
/* uidfile= and gidfile=. */
#pragma once

#include "base/id_map.h"

/* Reads such a file, which must belong to who mounts, and be nobody else's to write to. option:
 * "uidfile" (names of users) or "gidfile" (of groups). 0; -errno with *why, which names the file
 * and, if it is one's fault, the line. */
int id_file_read(const char *option, const char *path, struct id_map *ret, struct diag *why);
