/* SPDX-License-Identifier: MIT */
#include "path.h"

#include <limits.h>
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

bool path_leads_down(const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        bool dots = (n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.');
        if (n == 0 || n > NAME_MAX || dots || strcmp(path + n, "/") == 0)
            return false;
        path += n + (path[n] == '/');
    }
    return true;
}
