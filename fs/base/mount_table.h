/* SPDX-License-Identifier: MIT */
/* What is mounted where: a table such as the kernel's own, or /etc/fstab. */
#pragma once

#define MOUNT_TABLE "/proc/self/mounts"

/* Copies the type and the options of the last entry for a path, which covers those before it. The
 * caller frees both. 0; -ENOENT: there is none, or no table; -ENOMEM. */
int mount_table_find(const char *table, const char *path, char **ret_type, char **ret_options);
