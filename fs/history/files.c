/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "parser/text/text.h"

int files_write_all(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        const ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return -errno;
        bytes = span_from(bytes, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

int files_sync_folder_of(const char *path)
{
    FREE_AUTO char *folder = path_dir(path);
    if (!folder)
        return -ENOMEM;
    FD_AUTO fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int fill(int fd, struct span content, int flags)
{
    const int r = files_write_all(fd, content);
    if (r == 0 && flags & FILES_READ_ONLY && fchmod(fd, 0444) < 0)
        return -errno;
    return r == 0 && flags & FILES_DURABLE && fsync(fd) < 0 ? -errno : r;
}

int files_replace(const char *path, struct span content, int flags)
{
    FREE_AUTO char *new = NULL;
    FREE_AUTO char *folder = path_dir(path);
    if (!folder || asprintf(&new, "%s/tmp_XXXXXX", folder) < 0)
        return -ENOMEM;
    FD_AUTO fd = mkostemp(new, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fill(fd, content, flags);
    if (r == 0 && rename(new, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(new);
    return r == 0 && flags & FILES_DURABLE ? files_sync_folder_of(path) : r;
}

int files_make_folder(const char *path)
{
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}
