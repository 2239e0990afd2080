/* SPDX-License-Identifier: MIT */
#include "work_index.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../files.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"

enum { INDEX_MAX = 1 << 30 };

struct paths {
    char *index, *copy;
};

static void paths_done(struct paths *paths)
{
    free(paths->index);
    free(paths->copy);
}
#define PATHS_AUTO __attribute__((cleanup(paths_done))) struct paths

static int paths_make(const char *git_dir, struct paths *ret)
{
    *ret = (struct paths){path_join(git_dir, "index"), path_join(git_dir, "vmxfs/index")};
    return ret->index && ret->copy ? 0 : -ENOMEM;
}

/* libgit2 locks the copy too, and a killed process leaves that behind. */
static void remove_left(const struct paths *paths)
{
    FREE_AUTO char *lock = NULL;
    if (asprintf(&lock, "%s.lock", paths->copy) >= 0)
        unlink(lock);
}

/* libgit2 gets a copy, which it writes back beside the index, and not in its place. */
static int read_index(struct work_index *index, const struct paths *paths)
{
    BUF_AUTO bytes = {0};
    struct stat st = {0};
    int r = file_read(paths->index, INDEX_MAX, &bytes);
    if (r == 0 && stat(paths->index, &st) == 0)
        r = files_replace(paths->copy, buf_span(&bytes), FILES_FAST);
    else if (r == -ENOENT)
        r = unlink(paths->copy) < 0 && errno != ENOENT ? -errno : 0;
    index->written_s = st.st_mtime;
    if (r == 0 && git_index_open(&index->index, paths->copy) < 0)
        r = -EBADMSG;
    return r;
}

int work_index_begin(struct work_index *index, const char *git_dir)
{
    PATHS_AUTO paths = {0};
    *index = (struct work_index){.git_dir = git_dir};
    int r = paths_make(git_dir, &paths)
                ?: own_lock_take(&index->lock, git_dir, "index", "index", (struct span){0});
    if (r < 0)
        return r;
    remove_left(&paths);
    r = read_index(index, &paths);
    if (r < 0)
        own_lock_give(&index->lock);
    return r;
}

int work_index_finish(struct work_index *index)
{
    PATHS_AUTO paths = {0};
    int r = paths_make(index->git_dir, &paths);
    if (r == 0 && git_index_write(index->index) < 0)
        r = -EIO;
    if (r == 0 && rename(paths.copy, paths.index) < 0)
        r = -errno;
    work_index_abort(index);
    return r;
}

void work_index_abort(struct work_index *index)
{
    git_index_free(index->index);
    own_lock_give(&index->lock);
}
