/* SPDX-License-Identifier: MIT */
#include "work_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../files.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/sync.h"

enum {
    TRIES = 4,
    PAUSE_MS = 25,
    INDEX_MAX = 1 << 30,
};

static const char lock_name[] = "index.lock";
static const char own_name[] = "vmxfs/index.lock"; /* the same file */
static const char new_name[] = "vmxfs/index";
static const char index_name[] = "index";

struct paths {
    char *lock, *own, *new, *index;
};

static void paths_done(struct paths *paths)
{
    free(paths->lock);
    free(paths->own);
    free(paths->new);
    free(paths->index);
}
#define PATHS_AUTO __attribute__((cleanup(paths_done))) struct paths

static char *path_of(const char *git_dir, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", git_dir, name) < 0 ? NULL : path;
}

static int paths_make(const char *git_dir, struct paths *ret)
{
    *ret = (struct paths){path_of(git_dir, lock_name), path_of(git_dir, own_name),
                          path_of(git_dir, new_name), path_of(git_dir, index_name)};
    return ret->lock && ret->own && ret->new && ret->index ? 0 : -ENOMEM;
}

/* What a killed process has left. The caller has the lock of the spool, so it is nobody's. */
static void remove_left(const struct paths *paths)
{
    struct stat own;
    struct stat lock;
    if (lstat(paths->own, &own) == 0 && lstat(paths->lock, &lock) == 0 &&
        own.st_dev == lock.st_dev && own.st_ino == lock.st_ino)
        unlink(paths->lock);
    unlink(paths->own);
}

static int take_lock(const struct paths *paths)
{
    const struct wait wait = wait_for_ms((int64_t)2 * TRIES * PAUSE_MS);
    remove_left(paths);
    FD_AUTO fd = open(paths->own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    for (int i = 0; i < TRIES; i++) {
        if (link(paths->own, paths->lock) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
        wait_sleep(&wait, PAUSE_MS);
    }
    return -EAGAIN;
}

static void give_lock(const struct paths *paths)
{
    unlink(paths->lock);
    unlink(paths->own);
}

/* libgit2 gets a copy, which it writes back beside the index, and not in its place. */
static int read_index(struct work_index *index, const struct paths *paths)
{
    BUF_AUTO bytes = {0};
    struct stat st = {0};
    int r = file_read(paths->index, INDEX_MAX, &bytes);
    if (r == 0 && stat(paths->index, &st) == 0)
        r = files_replace(paths->new, buf_span(&bytes), FILES_FAST);
    else if (r == -ENOENT)
        r = unlink(paths->new) < 0 && errno != ENOENT ? -errno : 0;
    index->written_s = st.st_mtime;
    if (r == 0 && git_index_open(&index->index, paths->new) < 0)
        r = -EIO;
    return r;
}

int work_index_begin(struct work_index *index, const char *git_dir)
{
    PATHS_AUTO paths = {0};
    *index = (struct work_index){.git_dir = git_dir};
    int r = paths_make(git_dir, &paths) ?: take_lock(&paths);
    if (r == -EAGAIN)
        unlink(paths.own);
    if (r < 0)
        return r;
    r = read_index(index, &paths);
    if (r < 0)
        give_lock(&paths);
    return r;
}

static void end(struct work_index *index, const struct paths *paths)
{
    git_index_free(index->index);
    give_lock(paths);
}

int work_index_finish(struct work_index *index)
{
    PATHS_AUTO paths = {0};
    int r = paths_make(index->git_dir, &paths);
    if (r == 0 && git_index_write(index->index) < 0)
        r = -EIO;
    if (r == 0 && rename(paths.new, paths.index) < 0)
        r = -errno;
    if (paths.own)
        end(index, &paths);
    return r;
}

void work_index_abort(struct work_index *index)
{
    PATHS_AUTO paths = {0};
    if (paths_make(index->git_dir, &paths) == 0)
        end(index, &paths);
}
