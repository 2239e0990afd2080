/* SPDX-License-Identifier: MIT */
#include "mounts.h"

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mount_table.h"
#include "parser/text/list.h"
#include "source.h"

enum { LINKS_MAX = 8 };

static void close_table(FILE **table)
{
    if (*table)
        endmntent(*table);
}

/* NULL: no memory. */
static char *host_of(const char *source)
{
    struct options o = {.source = strdup(source)};
    struct diag why = {0};
    char *ret = NULL;
    if (o.source && source_parse(&o, &why) == 0)
        ret = o.host ? steal(o.host) : strdup("localhost");
    else if (o.source)
        ret = strdup(source); /* another name was given with fsname= */
    options_done(&o);
    return ret;
}

static int add(struct fleet_mounts *mounts, const char *path, const char *source)
{
    struct fleet_mount *list = list_room(mounts->list, mounts->n, sizeof(*list));
    if (!list)
        return -ENOMEM;
    mounts->list = list;
    list[mounts->n] = (struct fleet_mount){strdup(path), host_of(source)};
    mounts->n++; /* also where it is not complete, to be freed */
    return list[mounts->n - 1].path && list[mounts->n - 1].host ? 0 : -ENOMEM;
}

/* All mounts that are of the type. Of several at one path the last covers the others. */
static int read_all(struct fleet_mounts *ret)
{
    FILE *table __attribute__((cleanup(close_table))) = setmntent(MOUNT_TABLE, "re");
    const struct mntent *m;
    int r = table ? 0 : -errno;
    while (r == 0 && (m = getmntent(table))) {
        for (size_t i = 0; i < ret->n; i++) {
            if (strcmp(ret->list[i].path, m->mnt_dir) != 0)
                continue;
            free(ret->list[i].path);
            free(ret->list[i].host);
            ret->list[i] = ret->list[--ret->n];
        }
        if (strcmp(m->mnt_type, "fuse.vmxfs") == 0)
            r = add(ret, m->mnt_dir, m->mnt_fsname);
    }
    return r;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct fleet_mount *)a)->path, ((const struct fleet_mount *)b)->path);
}

/* Takes "/." and "/" away from the end. */
static void trim(char *path)
{
    for (size_t n = strlen(path); n > 1; n--) {
        const bool slash = path[n - 1] == '/';
        const bool dot = path[n - 1] == '.' && path[n - 2] == '/';
        if (!slash && !dot)
            break;
        path[n - 1] = '\0';
    }
}

/* The path as the kernel has it, but for a link as its last name. The mount at it, which may hang,
 * is not asked: only the folder above its last name is looked for. NULL: no memory, or there is no
 * such folder. */
static char *absolute(const char *path)
{
    FREE_AUTO char *above = strdup(path);
    char *ret = NULL;
    if (!above)
        return NULL;
    trim(above);
    const char *slash = strrchr(above, '/');
    FREE_AUTO char *name = strdup(slash ? slash + 1 : above);
    if (!name)
        return NULL;
    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return realpath(above, NULL); /* the kernel knows where we are */
    above[slash ? slash - above + 1 : 0] = '\0';
    FREE_AUTO char *folder = realpath(above[0] ? above : ".", NULL);
    if (!folder || asprintf(&ret, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) < 0)
        return NULL;
    return ret;
}

/* The path that a link leads to. NULL: it is none. */
static char *follow(const char *path)
{
    char text[PATH_MAX];
    FREE_AUTO char *joined = NULL;
    const ssize_t n = readlink(path, text, sizeof(text) - 1);
    if (n < 0)
        return NULL;
    text[n] = '\0';
    const char *name = strrchr(path, '/');
    if (text[0] == '/')
        return absolute(text);
    if (!name || asprintf(&joined, "%.*s/%s", (int)(name - path), path, text) < 0)
        return NULL;
    return absolute(joined);
}

static struct fleet_mount *find(const struct fleet_mounts *mounts, const char *path)
{
    for (size_t i = 0; i < mounts->n; i++) {
        if (strcmp(mounts->list[i].path, path) == 0)
            return &mounts->list[i];
    }
    return NULL;
}

/* Moves one of all to those that are returned; who is named twice is there already. */
static int pick(struct fleet_mounts *all, const char *at, struct fleet_mounts *ret,
                struct diag *why)
{
    FREE_AUTO char *path = absolute(at);
    for (int links = 0; path && links <= LINKS_MAX; links++) {
        struct fleet_mount *found = find(all, path);
        if (find(ret, path))
            return 0;
        if (found) {
            struct fleet_mount *list = list_room(ret->list, ret->n, sizeof(*list));
            if (!list)
                return -ENOMEM;
            ret->list = list;
            list[ret->n++] = *found;
            *found = all->list[--all->n];
            return 0;
        }
        char *next = follow(path);
        free(path);
        path = next;
    }
    diag_set(why, "%s: no vmxfs is mounted there", at);
    return -ENOENT;
}

int fleet_mounts_read(char *const *at, size_t n, struct fleet_mounts *ret, struct diag *why)
{
    struct fleet_mounts all = {0};
    *ret = (struct fleet_mounts){0};
    int r = read_all(&all);
    if (r == 0 && n == 0) {
        if (all.n > 0)
            qsort(all.list, all.n, sizeof(*all.list), compare);
        *ret = all;
        return 0;
    }
    for (size_t i = 0; r == 0 && i < n; i++)
        r = pick(&all, at[i], ret, why);
    fleet_mounts_done(&all);
    if (r < 0)
        fleet_mounts_done(ret);
    return r;
}

void fleet_mounts_done(struct fleet_mounts *mounts)
{
    for (size_t i = 0; i < mounts->n; i++) {
        free(mounts->list[i].path);
        free(mounts->list[i].host);
    }
    free(mounts->list);
    *mounts = (struct fleet_mounts){0};
}
