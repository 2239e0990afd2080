/* SPDX-License-Identifier: MIT */
/*
 * The lock's token is a file where something is to be written, and becomes the file beside the
 * .vmx; it is a folder where that is to be removed, which it is reached through. Which of both is
 * needed shows only under the lock. Where it is the other one, the lock is let go of and taken
 * anew, and all is asked once more.
 */
#include "beside.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "remote/call_group.h"
#include "remote/lock/lock.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"
#include "sftp/requests.h"
#include "sftp/results.h"
#include "trying.h"
#include "unsure_names.h"

enum { OTHER_TOKEN = 1 };

/* Looked at before it is opened: a server hangs in opening a pipe. full: the server's path. */
static int read_file(struct remote *remote, const char *full, const struct wait *wait,
                     struct buf *ret)
{
    SFTP_CALL_AUTO *stat = sftp_lstat(remote->sftp, full);
    int r = sftp_wait(stat, wait);
    if (r < 0)
        return r;
    const struct sftp_attrs *attrs = sftp_call_attrs(stat);
    if (!remote_can_be_vmx(remote, attrs))
        return -EMEDIUMTYPE;
    r = remote_read_all(remote, full, attrs->size, wait, ret);
    return r == -EFBIG ? -EMEDIUMTYPE : r;
}

int remote_beside_read(struct remote *remote, const char *path, const struct wait *wait,
                       struct buf *ret)
{
    FREE_AUTO char *beside = remote_beside_path(path);
    FREE_AUTO char *full = beside ? remote_path(remote, beside) : NULL;
    BUF_AUTO text = {0};
    if (!full)
        return -ENOMEM;
    int r = read_file(remote, full, wait, &text);
    while (remote_again(remote, wait, &r)) {
        buf_clear(&text);
        r = read_file(remote, full, wait, &text);
    }
    if (r == 0)
        r = buf_add(ret, buf_span(&text));
    return r == -EREMOTEIO ? -EIO : r;
}

/* ---- under the lock */

static int write_token(struct vmx_lock *lock, struct span text, const struct wait *wait)
{
    struct sftp *sftp = lock->remote->sftp;
    FLIGHT_AUTO flight = {0};
    const size_t chunk = sftp_features(sftp).max_write;
    for (size_t at = 0; at < text.n; at += chunk) {
        size_t n = text.n - at < chunk ? text.n - at : chunk;
        flight_add(&flight, sftp_write(sftp, &lock->temp, at, (struct span){text.p + at, n}));
    }
    if (sftp_features(sftp).fsync)
        flight_add(&flight, sftp_fsync(sftp, &lock->temp));
    return flight_wait(&flight, 0, wait);
}

/* *unsure becomes true where the file may be another one now, and an error is to say so. */
static int install(struct vmx_lock *lock, const char *full, struct span text,
                   const struct wait *wait, bool *unsure)
{
    struct sftp *sftp = lock->remote->sftp;
    const struct sftp_features can = sftp_features(sftp);
    const int64_t expiry = vmx_lock_expiry(lock);
    int r = write_token(lock, text, wait);
    if (r < 0)
        return r;
    if (!can.posix_rename) /* rename=unsafe: in two steps */
        sftp_forget(sftp_remove(sftp, full, expiry));
    SFTP_CALL_AUTO *rename = sftp_best_rename(sftp, lock->paths.temp, full, expiry);
    SFTP_CALL_AUTO *sync = can.fsync ? sftp_fsync(sftp, &lock->temp) : NULL;
    const struct wait firm = wait_firmly(wait);
    r = sftp_wait(rename, &firm);
    *unsure = *unsure || r == 0 || unsure_is_unanswered(rename, r);
    if (r == -ENOENT) /* the lock was broken */
        return -EAGAIN;
    if (r < 0)
        return r;
    vmx_lock_installed(lock);
    return can.fsync ? sftp_wait(sync, &firm) : 0;
}

/* Through the token: there is no such path once the lock is broken. */
static int take_away(struct vmx_lock *lock, const struct wait *wait, bool *unsure)
{
    FREE_AUTO char *path = remote_beside_path(lock->paths.name);
    if (!path)
        return -ENOMEM;
    SFTP_CALL_AUTO *removal = sftp_remove(lock->remote->sftp, path, vmx_lock_expiry(lock));
    const struct wait firm = wait_firmly(wait);
    int r = sftp_wait(removal, &firm);
    *unsure = *unsure || unsure_is_unanswered(removal, r);
    return r == -ENOENT ? -EAGAIN : r;
}

static int change_locked(struct vmx_lock *lock, const struct beside_change *change,
                         const struct wait *wait, bool *unsure, struct diag *diag)
{
    struct remote *remote = lock->remote;
    FREE_AUTO char *full = remote_beside_path(lock->paths.target);
    enum beside_wish wish = BESIDE_STAYS;
    BUF_AUTO now = {0};
    BUF_AUTO text = {0};
    int read_r = full ? read_file(remote, full, wait, &now) : -ENOMEM;
    if (read_r == -EACCES && change->unread)
        read_r = -EMEDIUMTYPE;
    if (read_r < 0 && read_r != -ENOENT && read_r != -EMEDIUMTYPE)
        return read_r;
    int r = change->wish(change->ctx, read_r == 0, buf_span(&now), wait, &text, &wish, diag);
    if (r < 0 || wish == BESIDE_STAYS || (wish == BESIDE_GOES && read_r == -ENOENT))
        return r;
    const bool moves = lock->paths.name != NULL;
    if (moves != (wish == BESIDE_GOES))
        return OTHER_TOKEN;
    return moves ? take_away(lock, wait, unsure)
                 : install(lock, full, buf_span(&text), wait, unsure);
}

static int attempt(struct remote *remote, const char *path, bool moves,
                   const struct beside_change *change, const struct wait *wait, bool *unsure,
                   struct diag *diag)
{
    struct vmx_lock lock;
    int r = vmx_lock_init(&lock, remote, path, moves);
    if (r == 0) {
        vmx_lock_ask(&lock);
        r = vmx_lock_answer(&lock, wait, diag) ?: change_locked(&lock, change, wait, unsure, diag);
    }
    vmx_lock_drop(&lock);
    vmx_lock_done(&lock);
    return remote_write_error(remote, path, wait, r);
}

int remote_beside_change(struct remote *remote, const char *path,
                         const struct beside_change *change, const struct wait *wait,
                         struct diag *diag)
{
    struct trying trying = {.remote = remote, .wait = wait};
    bool moves = change->goes;
    bool unsure = false;
    int r = remote_check_rename(remote, diag);
    while (r == 0) {
        trying_begin(&trying);
        r = attempt(remote, path, moves, change, wait, &unsure, diag);
        if (r == 0)
            break;
        if (r == OTHER_TOKEN)
            moves = !moves;
        r = r == OTHER_TOKEN ? 0 : trying_again(&trying, unsure, r);
    }
    return trying_told(&trying, unsure, r);
}
