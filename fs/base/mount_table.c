/* SPDX-License-Identifier: MIT */
#include "mount_table.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

enum { LINE_MAX_BYTES = 8192 };

int mount_table_find(const char *table, const char *path, char **ret_type, char **ret_options)
{
    char line[LINE_MAX_BYTES];
    struct mntent entry;
    int r = -ENOENT;
    FREE_AUTO char *type = NULL;
    FREE_AUTO char *options = NULL;
    FILE *entries = setmntent(table, "re");
    while (entries && r != -ENOMEM && getmntent_r(entries, &entry, line, sizeof(line))) {
        if (strcmp(entry.mnt_dir, path) != 0)
            continue;
        free(type);
        free(options);
        type = strdup(entry.mnt_type);
        options = strdup(entry.mnt_opts);
        r = type && options ? 0 : -ENOMEM;
    }
    if (entries)
        endmntent(entries);
    if (r < 0)
        return r;
    *ret_type = type;
    *ret_options = options;
    type = options = NULL;
    return 0;
}
