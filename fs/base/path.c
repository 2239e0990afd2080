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

const char *path_below(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    if (n == 0)
        return path;
    if (strncmp(path, folder, n) != 0 || (path[n] != '/' && path[n] != '\0'))
        return NULL;
    return path + n + (path[n] == '/');
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

/* Appends one component to the len bytes of path. False: above the top. */
static bool step(char *path, size_t *len, const char *name, size_t n)
{
    if (n == 0 || (n == 1 && name[0] == '.'))
        return true;
    if (n == 2 && name[0] == '.' && name[1] == '.') {
        if (*len == 0)
            return false;
        const char *slash = memrchr(path, '/', *len);
        *len = slash ? (size_t)(slash - path) : 0;
        return true;
    }
    if (*len > 0)
        path[(*len)++] = '/';
    memcpy(path + *len, name, n);
    *len += n;
    return true;
}

char *path_resolve(const char *dir, const char *name)
{
    size_t len = strlen(dir);
    char *path = malloc(len + strlen(name) + 2);
    if (!path)
        return NULL;
    memcpy(path, dir, len);
    bool below = true;
    while (*name && below) {
        size_t n = strcspn(name, "/");
        below = step(path, &len, name, n);
        name += n + (name[n] == '/');
    }
    path[len] = '\0';
    if (!below || len == 0) {
        free(path);
        return NULL;
    }
    return path;
}
