/* SPDX-License-Identifier: MIT */
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *path_join(const char *dir, const char *name)
{
    char *path;
    if (asprintf(&path, "%s%s%s", dir, dir[0] && name[0] ? "/" : "", name) < 0)
        return NULL;
    return path;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strndup(path, slash ? (size_t)(slash - path) : 0);
}
