/* SPDX-License-Identifier: MIT */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "../files.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "parser/text/list.h"

enum {
    ITEM_MAX = 256 << 20,
    UNFINISHED_S = 3600, /* a file that is not renamed after that never will be */
};

static const char unfinished[] = "tmp_"; /* files_replace */

static void sweep_file(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && clock_wall_ns() / 1000000000 - st.st_mtime > UNFINISHED_S)
        unlink(path);
}

/* What killed processes have not finished. */
static void sweep(const char *git_dir, const char *below)
{
    FREE_AUTO char *folder = path_join(git_dir, below);
    DIR *d = folder ? opendir(folder) : NULL;
    for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        FREE_AUTO char *path = path_join(folder, e->d_name);
        if (path && strncmp(e->d_name, unfinished, strlen(unfinished)) == 0)
            sweep_file(path);
    }
    if (d)
        closedir(d);
}

int spool_open(struct spool *spool, const char *git_dir, const char *branch)
{
    static const char *const folders[] = {"", "spool", "packs"};
    static atomic_uint opened;
    *spool = (struct spool){.dir = path_join(git_dir, "vmxfs"),
                            .branch = strdup(strrchr(branch, '/') + 1),
                            .lock = -1,
                            .number = atomic_fetch_add(&opened, 1)};
    int r = spool->dir && spool->branch ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
        FREE_AUTO char *folder = path_join(spool->dir, folders[i]);
        r = folder ? files_make_folder(folder) : -ENOMEM;
    }
    static const char *const swept[] = {"vmxfs", "vmxfs/spool", "vmxfs/packs", "objects/pack"};
    for (size_t i = 0; r == 0 && i < sizeof(swept) / sizeof(swept[0]); i++)
        sweep(git_dir, swept[i]);
    return r;
}

void spool_close(struct spool *spool)
{
    spool_unlock(spool);
    free(spool->dir);
    free(spool->branch);
    *spool = (struct spool){.lock = -1};
}

static char *path_of(const struct spool *spool, const char *name)
{
    char *path;
    return asprintf(&path, "%s/spool/%s", spool->dir, name) < 0 ? NULL : path;
}

int spool_put(struct spool *spool, const struct item *item, char **ret_name)
{
    static atomic_uint serial;
    BUF_AUTO name = {0};
    BUF_AUTO text = {0};
    int r = buf_addf(&name, "%020lld-%d.%u-%08u-%s", (long long)item->time_ns, (int)getpid(),
                     spool->number, atomic_fetch_add(&serial, 1), spool->branch);
    FREE_AUTO char *path = r == 0 ? path_of(spool, name.data) : NULL;
    r = r ?: path ? 0 : -ENOMEM;
    r = r ?: item_write(item, &text) ?: files_replace(path, buf_span(&text), FILES_FAST);
    if (r == 0)
        *ret_name = buf_steal(&name);
    return r;
}

static int add_name(struct spool_names *names, const char *name)
{
    char **list = list_room(names->list, names->n, sizeof(*list));
    if (!list)
        return -ENOMEM;
    names->list = list;
    list[names->n] = strdup(name);
    return list[names->n] ? (names->n++, 0) : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The branch stands behind the third "-" of an item's name (spool.h). */
static bool is_of_branch(const struct spool *spool, const char *name)
{
    for (int i = 0; name && i < 3; i++) {
        name = strchr(name, '-');
        name = name ? name + 1 : NULL;
    }
    return !name || strcmp(name, spool->branch) == 0;
}

static bool is_item(const struct spool *spool, const char *name)
{
    return name[0] != '.' && strncmp(name, unfinished, strlen(unfinished)) != 0 &&
           is_of_branch(spool, name);
}

int spool_list(const struct spool *spool, struct spool_names *ret)
{
    FREE_AUTO char *folder = path_join(spool->dir, "spool");
    DIR *d = folder ? opendir(folder) : NULL;
    struct spool_names names = {0};
    int r = d ? 0 : folder ? -errno : -ENOMEM;
    for (const struct dirent *e = d ? readdir(d) : NULL; r == 0 && e; e = readdir(d)) {
        if (is_item(spool, e->d_name))
            r = add_name(&names, e->d_name);
    }
    if (d)
        closedir(d);
    if (r < 0) {
        spool_names_done(&names);
        return r;
    }
    if (names.n > 0)
        qsort(names.list, names.n, sizeof(*names.list), by_name);
    *ret = names;
    return 0;
}

void spool_names_done(struct spool_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->list[i]);
    free(names->list);
    *names = (struct spool_names){0};
}

bool spool_has(const struct spool *spool, const char *name)
{
    FREE_AUTO char *path = path_of(spool, name);
    return path && access(path, F_OK) == 0;
}

/* A FIFO would never be read to its end. */
static int is_file(const char *path)
{
    struct stat st;
    return lstat(path, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

int spool_get(const struct spool *spool, const char *name, struct item *ret)
{
    FREE_AUTO char *path = path_of(spool, name);
    BUF_AUTO text = {0};
    return (path ? is_file(path) : -ENOMEM) ?: file_read(path, ITEM_MAX, &text)
        ?: item_read(buf_span(&text), ret);
}

void spool_remove(const struct spool *spool, const char *name)
{
    FREE_AUTO char *path = path_of(spool, name);
    if (path)
        unlink(path);
}

int spool_lock(struct spool *spool)
{
    FREE_AUTO char *path = path_join(spool->dir, "lock");
    if (!path)
        return -ENOMEM;
    FD_AUTO fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    spool->lock = steal_fd(&fd);
    return 0;
}

void spool_unlock(struct spool *spool)
{
    if (spool->lock >= 0)
        close(steal_fd(&spool->lock));
}
