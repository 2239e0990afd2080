/* SPDX-License-Identifier: MIT */
#include "hard_links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "file_name.h"
#include "files.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"
#include "sftp/results.h"

static void forget_name(struct remote *remote, const char *path)
{
    FREE_AUTO char *dir = path_dir(path);
    cache_drop(remote->documents, path);
    if (dir)
        cache_drop(remote->listings, dir);
}

/* What a bare failure meant. A filesystem without hard links is one, and so is a file that has too
 * many. */
static int link_error(struct remote *remote, const char *path, const char *name, const char *full,
                      const struct wait *wait, int r)
{
    if (r != -EREMOTEIO)
        return r;
    SFTP_CALL_AUTO *call = sftp_lstat(remote->sftp, full);
    if (sftp_wait(call, wait) == 0)
        return -EEXIST;
    r = remote_rename_error(remote, path, name, false, wait, r);
    return r == -EIO || r == -EOPNOTSUPP ? -EPERM : r;
}

int remote_link(struct remote *remote, const char *path, const char *name, const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    FREE_AUTO char *full_name = remote_path(remote, name);
    int r = full && full_name ? remote_check_new(remote, name) : -ENOMEM;
    if (r == 0 && (remote->options.no_hard_links || !sftp_features(remote->sftp).hardlink))
        r = -EPERM;
    if (r < 0)
        return r;
    do {
        SFTP_CALL_AUTO *call = sftp_hardlink(remote->sftp, full, full_name);
        r = sftp_wait(call, wait);
        r = unsure_is_unanswered(call, r) ? -EUCLEAN : r;
    } while (remote_again(remote, wait, &r));
    forget_name(remote, name);
    return link_error(remote, path, name, full_name, wait, r);
}

bool remote_attrs_same(const struct sftp_attrs *a, const struct sftp_attrs *b)
{
    return file_looks_same(a, b) && a->atime == b->atime;
}

int remote_look_same(struct remote *remote, const char *first, const char *other,
                     const struct wait *wait, bool *ret)
{
    FREE_AUTO char *full = remote_path(remote, first);
    FREE_AUTO char *full_other = remote_path(remote, other);
    struct sight sight;
    int r;
    if (!full || !full_other)
        return -ENOMEM;
    do {
        SFTP_CALL_AUTO *before = sftp_lstat(remote->sftp, full);
        SFTP_CALL_AUTO *between = sftp_lstat(remote->sftp, full_other);
        SFTP_CALL_AUTO *after = sftp_lstat(remote->sftp, full);
        r = sight_take(before, between, after, wait, &sight);
    } while (remote_again(remote, wait, &r));
    if (r == -ENOENT) { /* the first itself */
        *ret = false;
        return 0;
    }
    *ret = r == 0 && sight.there &&
           (!remote_attrs_same(&sight.before, &sight.after) ||
            remote_attrs_same(&sight.before, &sight.between));
    if (*ret)
        forget_name(remote, other);
    return r;
}

void remote_files_follow(struct remote *remote, const char *from, const char *to)
{
    struct remote_file *file;
    lock_take(&remote->lock);
    DL_FOREACH (remote->open_files, file) {
        char *path = strcmp(file->path, from) == 0 ? strdup(to) : NULL;
        if (path) {
            free(file->path);
            file->path = path;
        }
    }
    lock_drop(&remote->lock);
}
