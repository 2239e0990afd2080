/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "internal.h"
#include "open_file.h"

/* Forgets what a change at path makes untrue. */
static void changed(struct remote *remote, const char *path)
{
    FREE_AUTO char *dir = path_dir(path);
    cache_drop(remote->documents, path);
    if (dir)
        cache_drop(remote->listings, dir);
}

/* The type of what is at path (S_IFMT bits), 0 for nothing. */
static int type_at(struct remote *remote, const char *path, const struct wait *wait, uint32_t *ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    SFTP_CALL_AUTO *call = full ? sftp_lstat(remote->sftp, full) : NULL;
    int r = sftp_wait(call, wait);
    if (r == 0)
        *ret = sftp_call_attrs(call)->mode & S_IFMT;
    if (r == -ENOENT)
        *ret = 0;
    return r == -ENOENT ? 0 : r;
}

/* A change was asked for and the link was lost before the answer: it may or may not have been made,
 * and asking again could do it twice. */
static int unsure(int r)
{
    return r == -ENOTCONN ? -EIO : r;
}

int remote_mkdir(struct remote *remote, const char *path, uint32_t mode, const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    SFTP_CALL_AUTO *call = full ? sftp_mkdir(remote->sftp, full, mode) : NULL;
    int r = unsure(sftp_wait(call, wait));
    uint32_t type = 0;
    if (r == -EREMOTEIO && type_at(remote, path, wait, &type) == 0 && type)
        r = -EEXIST;
    changed(remote, path);
    return remote_write_error(remote, path, wait, r);
}

int remote_rmdir(struct remote *remote, const char *path, const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    SFTP_CALL_AUTO *call = full ? sftp_rmdir(remote->sftp, full) : NULL;
    int r = unsure(sftp_wait(call, wait));
    if (r == -EREMOTEIO || r == -ENOENT) { /* OpenSSH says "no such file" of a file too */
        LISTING_AUTO *l = NULL;
        int list_r = remote_list(remote, path, 0, wait, &l);
        if (list_r == 0 && l->n > 0)
            r = -ENOTEMPTY;
        else if (list_r == -ENOTDIR || list_r == -ENOENT)
            r = list_r;
    }
    changed(remote, path);
    cache_drop_below(remote->listings, path);
    return remote_write_error(remote, path, wait, r);
}

int remote_remove(struct remote *remote, const char *path, const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    SFTP_CALL_AUTO *call = full ? sftp_remove(remote->sftp, full, 0) : NULL;
    int r = unsure(sftp_wait(call, wait));
    uint32_t type = 0;
    if (r == -EREMOTEIO && type_at(remote, path, wait, &type) == 0 && type == S_IFDIR)
        r = -EISDIR;
    if (r == 0)
        files_removed(remote, path);
    changed(remote, path);
    return remote_write_error(remote, path, wait, r);
}

/* What a bare failure of a rename meant, or "no such file", which OpenSSH says of files too. */
static int explain_rename(struct remote *remote, const char *from, const char *to,
                          const struct wait *wait, int r)
{
    uint32_t from_type = 0;
    uint32_t to_type = 0;
    if (type_at(remote, from, wait, &from_type) < 0 || type_at(remote, to, wait, &to_type) < 0)
        return -EIO;
    if (!from_type)
        return -ENOENT;
    if (from_type != S_IFDIR && to_type == S_IFDIR)
        return -EISDIR;
    if (from_type == S_IFDIR && to_type && to_type != S_IFDIR)
        return -ENOTDIR;
    if (from_type == S_IFDIR && to_type == S_IFDIR)
        return -ENOTEMPTY;
    return r;
}

int remote_rename(struct remote *remote, const char *from, const char *to, bool exclusive,
                  const struct wait *wait)
{
    FREE_AUTO char *full_from = remote_path(remote, from);
    FREE_AUTO char *full_to = remote_path(remote, to);
    if (!full_from || !full_to)
        return -ENOMEM;
    uint32_t type = 0;
    int r = exclusive ? type_at(remote, to, wait, &type) : 0;
    if (r < 0 || type)
        return r < 0 ? unsure(r) : -EEXIST;
    bool posix = sftp_features(remote->sftp).posix_rename;
    SFTP_CALL_AUTO *call = posix ? sftp_posix_rename(remote->sftp, full_from, full_to, 0)
                                 : sftp_rename(remote->sftp, full_from, full_to);
    r = unsure(sftp_wait(call, wait));
    if (r == -EREMOTEIO || r == -ENOENT)
        r = explain_rename(remote, from, to, wait, r);
    if (r == 0)
        files_renamed(remote, from, to);
    changed(remote, from);
    changed(remote, to);
    cache_drop_below(remote->listings, from);
    cache_drop_below(remote->listings, to);
    cache_drop_below(remote->documents, from);
    cache_drop_below(remote->documents, to);
    return remote_write_error(remote, to, wait, r);
}

int remote_symlink(struct remote *remote, const char *target, const char *path,
                   const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    SFTP_CALL_AUTO *call = full ? sftp_symlink(remote->sftp, target, full) : NULL;
    int r = unsure(sftp_wait(call, wait));
    uint32_t type = 0;
    if (r == -EREMOTEIO && type_at(remote, path, wait, &type) == 0 && type)
        r = -EEXIST;
    changed(remote, path);
    return remote_write_error(remote, path, wait, r);
}

int remote_readlink(struct remote *remote, const char *path, const struct wait *wait,
                    struct buf *ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    FREE_AUTO char *dir = path_dir(path);
    if (!full || !dir)
        return -ENOMEM;
    int r;
    do {
        SFTP_CALL_AUTO *call = sftp_readlink(remote->sftp, full);
        r = sftp_wait(call, wait);
        if (r == 0)
            r = remote_contain_link(remote, dir, sftp_call_path(call), ret);
    } while (remote_again(remote, wait, &r));
    return r == -EREMOTEIO ? -EINVAL : r;
}

int remote_setattr(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                   const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    if (!full)
        return -ENOMEM;
    int r = remote_settle(remote, path, wait, NULL); /* or late writes would change the times */
    if (r < 0)
        return r;
    do { /* setting the same twice is setting it once */
        SFTP_CALL_AUTO *call = sftp_setstat(remote->sftp, full, attrs);
        r = sftp_wait(call, wait);
    } while (remote_again(remote, wait, &r));
    changed(remote, path);
    return remote_write_error(remote, path, wait, r);
}

int remote_statvfs(struct remote *remote, const char *path, const struct wait *wait,
                   struct sftp_statvfs *ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    if (!full)
        return -ENOMEM;
    int r;
    do {
        SFTP_CALL_AUTO *call = sftp_statvfs(remote->sftp, full);
        r = sftp_wait(call, wait);
        if (r == 0)
            *ret = *sftp_call_statvfs(call);
    } while (remote_again(remote, wait, &r));
    return r == -EREMOTEIO ? -EIO : r;
}
