/* SPDX-License-Identifier: MIT */
/* Writing small files so that each is there whole, or as it was. */
#pragma once

#include "parser/text/buf.h"

enum {
    FILES_FAST = 0,
    FILES_DURABLE = 1,   /* it is there after a power loss too */
    FILES_READ_ONLY = 2, /* mode 0444 */
};

/* Writes a file under another name, and renames it. 0, -errno. */
int files_replace(const char *path, struct span content, int flags);

/* What was renamed to this path stays so after a power loss. */
int files_sync_folder_of(const char *path);

int files_write_all(int fd, struct span bytes);

/* Makes a folder that is missing. 0, -errno. */
int files_make_folder(const char *path);
