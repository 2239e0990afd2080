/* SPDX-License-Identifier: MIT */
#include "work_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../files.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"

enum {
    FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
    FILE_MAX = 256 << 20,
};

/* The folder that the path is in. fd, -errno. */
static int open_parent(int folder, const char *path, bool make)
{
    FD_AUTO at = openat(folder, ".", FOLDER);
    for (const char *slash = strchr(path, '/'); at >= 0 && slash; slash = strchr(path, '/')) {
        FREE_AUTO char *name = strndup(path, (size_t)(slash - path));
        if (!name)
            return -ENOMEM;
        if (make && mkdirat(at, name, 0777) < 0 && errno != EEXIST)
            return -errno;
        const int below = openat(at, name, FOLDER);
        if (below < 0)
            return -errno;
        close(at);
        at = below;
        path = slash + 1;
    }
    return at < 0 ? -errno : steal_fd(&at);
}

static enum work_file_state state_of_error(int error)
{
    return error == ENOENT || error == ENOTDIR ? WORK_FILE_NONE
           : error == ENAMETOOLONG             ? WORK_FILE_UNFIT
                                               : WORK_FILE_OTHER;
}

enum work_file_state work_file_state(int folder, const char *path, const git_oid *old,
                                     const git_oid *new, struct stat *ret)
{
    BUF_AUTO text = {0};
    git_oid id;
    FD_AUTO at = open_parent(folder, path, false);
    if (at < 0)
        return state_of_error(-at);
    FD_AUTO fd = openat(at, path_name(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return state_of_error(errno);
    if (fstat(fd, ret) < 0 || !S_ISREG(ret->st_mode) || file_read_fd(fd, FILE_MAX, &text) < 0 ||
        git_odb_hash(&id, text.len ? text.data : "", text.len, GIT_OBJECT_BLOB) < 0)
        return WORK_FILE_OTHER;
    return git_oid_equal(&id, new)   ? WORK_FILE_NEW
           : git_oid_equal(&id, old) ? WORK_FILE_OLD
                                     : WORK_FILE_OTHER;
}

int work_file_write(int folder, const char *path, const char *scratch, struct span content,
                    struct stat *ret)
{
    FD_AUTO at = open_parent(folder, path, true);
    if (at < 0)
        return at;
    FD_AUTO fd = open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    int r = files_write_all(fd, content);
    if (r == 0 && (renameat(AT_FDCWD, scratch, at, path_name(path)) < 0 || fstat(fd, ret) < 0))
        r = -errno;
    if (r < 0)
        unlink(scratch);
    return r;
}

void work_file_remove(int folder, const char *path)
{
    FD_AUTO at = open_parent(folder, path, false);
    if (at < 0 || unlinkat(at, path_name(path), 0) < 0)
        return;
    FREE_AUTO char *up = path_dir(path);
    while (up && up[0]) {
        FD_AUTO parent = open_parent(folder, up, false);
        if (parent < 0 || unlinkat(parent, path_name(up), AT_REMOVEDIR) < 0)
            return;
        char *next = path_dir(up);
        free(up);
        up = next;
    }
}
