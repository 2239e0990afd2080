/* SPDX-License-Identifier: MIT */
/* The paths of a token, and until when its owner may send. */
#include "lock_paths.h"

#include <stdio.h>
#include <stdlib.h>

#include "lock.h"
#include "sftp/requests.h"
#include "sftp/results.h"

static void remove_token(const struct lock_paths *paths, struct sftp *sftp, const char *token)
{
    sftp_forget(paths->name ? sftp_rmdir(sftp, token) : sftp_remove(sftp, token, 0));
}

void lock_paths_clear(const struct lock_paths *paths, struct sftp *sftp)
{
    if (paths->has_aside == ASIDE_NEEDED) /* refused where the name is taken */
        sftp_forget(sftp_rename(sftp, paths->aside, paths->target, 0));
    if (paths->has_aside == ASIDE_OVER)
        sftp_forget(sftp_remove(sftp, paths->aside, 0));
    remove_token(paths, sftp, paths->made_temp);
    sftp_forget(sftp_rmdir(sftp, paths->made));
    if (paths->has_aside != ASIDE_NEEDED) /* else it tells others that it was not installed */
        remove_token(paths, sftp, paths->temp);
    sftp_forget(sftp_rmdir(sftp, paths->lock));
}

void lock_paths_done(struct lock_paths *paths)
{
    free(paths->lock);
    free(paths->temp);
    free(paths->made);
    free(paths->made_temp);
    free(paths->name);
    free(paths->target);
    free(paths->aside);
    *paths = (struct lock_paths){0};
}

char *lock_join(const char *a, const char *b, const char *c)
{
    char *ret;
    return asprintf(&ret, "%s%s%s", a, b, c) < 0 ? NULL : ret;
}

int64_t vmx_lock_expiry(const struct vmx_lock *lock)
{
    return lock->asked_at + LOCK_HOLD_MS;
}
