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
#include "parser/text/list.h"
#include "source.h"

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
    FILE *table __attribute__((cleanup(close_table))) = setmntent("/proc/self/mounts", "re");
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

/* The path as the kernel has it, but for links on the way. NULL: no memory, or no such folder any
 * more as the one where we are. */
static char *absolute(const char *path)
{
    char here[PATH_MAX] = "";
    char *ret;
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if ((path[0] != '/' && !getcwd(here, sizeof(here))) ||
        asprintf(&ret, "%s%s%s", here, path[0] == '/' ? "" : "/", path) < 0)
        return NULL;
    for (size_t n = strlen(ret); n > 1 && ret[n - 1] == '/'; n--)
        ret[n - 1] = '\0';
    return ret;
}

static int pick(struct fleet_mounts *all, const char *at, struct fleet_mounts *ret,
                struct diag *why)
{
    FREE_AUTO char *path = absolute(at);
    if (!path)
        return -ENOMEM;
    for (size_t i = 0; i < all->n; i++) {
        if (strcmp(all->list[i].path, path) != 0)
            continue;
        struct fleet_mount *list = list_room(ret->list, ret->n, sizeof(*list));
        if (!list)
            return -ENOMEM;
        ret->list = list;
        list[ret->n++] = all->list[i];
        all->list[i] = all->list[--all->n];
        return 0;
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
