/* SPDX-License-Identifier: MIT */
/* What errors of the server mean, and what is to be done about them. */
#include "server_errors.h"

#include <errno.h>

#include "base/cleanup.h"
#include "remote/names/paths.h"
#include "remote_private.h"
#include "sftp/requests.h"
#include "sftp/results.h"

bool remote_again(struct remote *remote, const struct wait *wait, int *r)
{
    if (*r != -ENOTCONN)
        return false;
    *r = sftp_wait_up(remote->sftp, wait);
    return *r == 0;
}

int remote_size_error(struct remote *remote, const char *path, uint64_t size,
                      const struct wait *wait, int r)
{
    bool size_tells = r == -EINVAL && size > 0;
    if (r != -EREMOTEIO && !size_tells)
        return r;
    FREE_AUTO char *dir = path_dir(path);
    FREE_AUTO char *full = dir ? remote_path(remote, dir) : NULL;
    if (!full)
        return -ENOMEM;
    SFTP_CALL_AUTO *call = sftp_statvfs(remote->sftp, full);
    if (sftp_wait(call, wait) < 0)
        return size_tells ? r : -EIO;
    const struct sftp_statvfs *fs = sftp_call_statvfs(call);
    if (fs->frsize > 0 && size <= INT64_MAX && size / fs->frsize > fs->blocks)
        return -EFBIG;
    if (size_tells)
        return r;
    if (fs->flag & 1) /* SSH_FXE_STATVFS_ST_RDONLY */
        return -EROFS;
    /* A filesystem without inodes to count says 0 of 0. */
    if (fs->bavail == 0 || (fs->files > 0 && fs->favail == 0))
        return -ENOSPC;
    return -EIO;
}

int remote_write_error(struct remote *remote, const char *path, const struct wait *wait, int r)
{
    return remote_size_error(remote, path, 0, wait, r);
}

int remote_check_rename(struct remote *remote, struct diag *diag)
{
    if (sftp_features(remote->sftp).posix_rename || remote->options.unsafe_rename)
        return 0;
    diag_set(diag,
             "the server cannot replace a file atomically (no posix-rename@openssh.com); "
             "mount with -o rename=unsafe to do it in two steps");
    return -EOPNOTSUPP;
}
