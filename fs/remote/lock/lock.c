/* SPDX-License-Identifier: MIT */
/*
 * The lock of a .vmx is a folder beside it, ".NAME.vmxfs-lock", that is never there unsigned. What
 * signs it is the temporary file: its name is the owner's token (token.h), and it becomes the .vmx.
 *
 *   take     MKDIR  .vmxfs-TOKEN
 *            OPEN   .vmxfs-TOKEN/TOKEN           (must be new)
 *            RENAME .vmxfs-TOKEN  LOCK           refused unless LOCK is missing or empty
 *            All three said yes: the lock is held. One flight.
 *   install  RENAME LOCK/TOKEN  target           unsigns the lock and installs, in one act
 *   let go   RMDIR  LOCK                         refused if somebody has it by then
 *   break    REMOVE LOCK/THEIR-TOKEN             unsigns it; its owner finds nothing to install
 *
 * The states of the folder on the server, and who may lead from one to another:
 *
 *      missing --- take ---> SIGNED --- install, break, give up ---> EMPTY --- let go ---> missing
 *                              ^                                       |
 *                              '----------- another one takes ---------'
 *
 * Who gives up removes his own token; so does a move when it is done.
 *
 * A move installs nothing. Its token is an empty folder (MKDIR, and RMDIR to break it), through
 * which it reaches the name that it changes:
 *
 *   move     RENAME LOCK/TOKEN/../../NAME  ...   there is no such path once the lock is broken
 *
 * So these hold, whatever is delayed, stopped, cut off, or carried out by the server's process of a
 * connection that was lost long ago:
 *
 *   1. A folder with a token in it is never replaced, and an empty one is nobody's.
 *   2. No owner's text is installed, and nothing is moved, after its lock was broken: its rename
 *      finds no file. That, and no clock, makes breaking harmless.
 *   3. Each request names a token, or asks only for what an empty folder grants. So it can be sent
 *      at any time, twice, and late, and does nothing to another's lock.
 *
 * A token's owner is asked nothing. Its lock is broken when the owner is a process of this machine
 * that is gone; when it is ours and no attempt of ours has it (its link was lost); or when its time
 * and the server's (that of a file just made) differ by more than LOCK_STALE_S, in either
 * direction. An owner puts nothing on the wire that others see once it has held the lock for
 * LOCK_HOLD_MS: what is left where a server resolves ".." by the words of a path alone.
 *
 * Only exact tokens are broken. What else lies in the folder, or has its name, is not touched: the
 * lock cannot be had, and diag says why. The exception is a plain file, the lock of vmxfs 0.1: it
 * is removed, after the temporary file that it names, when its time is over.
 *
 * The folder is made with mode 0755: a user that may look at the VM sees whose lock it is. Only its
 * owner (and root) may write there, because a file that is put in the token's place would become
 * the .vmx. So another user cannot remove a token, and breaks the lock by renaming the folder back
 * to .vmxfs-TOKEN, which takes no more than writing to the VM's folder, and unsigns it as well.
 *
 * A server that refuses to rename folders is found out (another free name is tried). There the lock
 * is made and signed in its place, then listed, and held only if no other token is in it: of two
 * that sign at once, one at least sees the other. It is held from then on, so that what it guards
 * is to be looked at after that. Both ways go together.
 *
 * A server without posix-rename replaces no file. There the .vmx is set aside first, so that it is
 * in the lock for as long as its name is free, whatever becomes of the owner:
 *
 *   install  RENAME target             LOCK/old-TOKEN
 *            RENAME LOCK/TOKEN         target
 *            REMOVE LOCK/old-TOKEN
 *
 * The breaker of such a lock gives the old text its name back first, or removes it where the new
 * one has been installed, which shows in that the token is gone: nobody removes that before. And a
 * vmxfs that looks up or lists a name that is only there in its lock breaks that, once its time is
 * over (leftovers.h): nobody would change what nobody sees.
 *
 * An owner whose link is lost cannot take back what it left. Its process looks for that for a
 * minute (late_requests.h). A commit that lists the VM's folder removes the folders of tokens that
 * are over; the removal or replacement of a folder that holds nothing else removes locks that are
 * over, too (leftovers.h).
 */
#include "lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "late_requests.h"
#include "other_lock.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { FOLDER_MODE = 0755, TEMP_MODE = 0600 };

static int make_paths(struct vmx_lock *lock, const char *path, bool moves)
{
    struct lock_paths *p = &lock->paths;
    p->target = remote_path(lock->remote, path);
    if (!p->target)
        return -ENOMEM;
    lock->dir = strndup(p->target, strlen(p->target) - strlen(lock->name));
    if (!lock->dir)
        return -ENOMEM;
    FREE_AUTO char *stem = lock_join(lock->dir, ".", lock->name);
    p->lock = stem ? lock_join(stem, LOCK_SUFFIX, "") : NULL;
    p->made = lock_join(lock->dir, ".vmxfs-", lock->token);
    if (!p->lock || !p->made)
        return -ENOMEM;
    p->temp = lock_join(p->lock, "/", lock->token);
    p->made_temp = lock_join(p->made, "/", lock->token);
    p->name = p->temp && moves ? lock_join(p->temp, "/../../", lock->name) : NULL;
    p->aside = lock_join(p->lock, "/" LOCK_ASIDE, lock->token);
    return p->temp && p->made_temp && (p->name || !moves) && p->aside ? 0 : -ENOMEM;
}

int vmx_lock_init(struct vmx_lock *lock, struct remote *remote, const char *path, bool moves)
{
    *lock = (struct vmx_lock){.remote = remote, .name = path_name(path)};
    if (strlen(lock->name) > LOCK_NAME_MAX)
        return -ENAMETOOLONG;
    token_make(&remote->owner, atomic_fetch_add(&remote->serial, 1), lock->token,
               sizeof(lock->token));
    int r = make_paths(lock, path, moves);
    if (r < 0)
        return r;
    lock_take(&remote->lock);
    DL_APPEND(remote->attempts, lock);
    lock_drop(&remote->lock);
    return 0;
}

void vmx_lock_done(struct vmx_lock *lock)
{
    struct remote *remote = lock->remote;
    lock_take(&remote->lock);
    if (lock->prev)
        DL_DELETE(remote->attempts, lock);
    lock_drop(&remote->lock);
    sftp_call_free(&lock->make);
    sftp_call_free(&lock->sign);
    sftp_call_free(&lock->take);
    sftp_call_free(&lock->stat);
    sftp_call_free(&lock->folder_open);
    lock_paths_done(&lock->paths);
    free(lock->dir);
}

static struct sftp_call *make_token(const struct lock_paths *paths, struct sftp *sftp,
                                    const char *token)
{
    const uint32_t create = SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_EXCL;
    const struct sftp_attrs mode = {.flags = SFTP_ATTR_MODE, .mode = TEMP_MODE};
    return paths->name ? sftp_mkdir(sftp, token, FOLDER_MODE)
                       : sftp_open(sftp, token, create, &mode);
}

void vmx_lock_ask(struct vmx_lock *lock)
{
    struct remote *remote = lock->remote;
    struct sftp *sftp = remote->sftp;
    const struct lock_paths *p = &lock->paths;
    late_clear(remote->late, p->lock);
    lock->state = LOCK_UNSURE;
    lock->asked_at = clock_boot_ms();
    lock->in_place = atomic_load(&remote->folder_renames) == RENAMES_NO_FOLDERS;
    lock->make = sftp_mkdir(sftp, lock->in_place ? p->lock : p->made, FOLDER_MODE);
    lock->sign = make_token(p, sftp, lock->in_place ? p->temp : p->made_temp);
    if (!lock->in_place)
        lock->take = sftp_best_rename(sftp, p->made, p->lock, 0);
    lock->stat = sftp_lstat(sftp, p->lock);
    lock->folder_open = sftp_opendir(sftp, lock->dir);
}

struct sftp_call *vmx_lock_ask_token(const struct vmx_lock *lock)
{
    struct sftp *sftp = lock->remote->sftp;
    return lock->temp.len > 0 ? sftp_fstat(sftp, &lock->temp) : sftp_lstat(sftp, lock->paths.temp);
}

void vmx_lock_set_aside(struct vmx_lock *lock)
{
    struct lock_paths *p = &lock->paths;
    p->has_aside = ASIDE_NEEDED;
    sftp_forget(sftp_rename(lock->remote->sftp, p->target, p->aside, vmx_lock_expiry(lock)));
}

void vmx_lock_installed(struct vmx_lock *lock)
{
    struct lock_paths *p = &lock->paths;
    lock->state = LOCK_INSTALLED;
    if (p->has_aside == ASIDE_NONE)
        return;
    p->has_aside = ASIDE_OVER;
    sftp_forget(sftp_remove(lock->remote->sftp, p->aside, 0));
}

static void close_now(struct vmx_lock *lock, struct sftp_handle *handle)
{
    if (handle->len > 0)
        sftp_forget(sftp_close(lock->remote->sftp, handle));
    handle->len = 0;
}

static bool is_dead(const struct vmx_lock *lock, const struct sftp_handle *handle)
{
    return handle->len > 0 && !sftp_handle_lives(lock->remote->sftp, handle);
}

void vmx_lock_drop(struct vmx_lock *lock)
{
    struct sftp *sftp = lock->remote->sftp;
    enum lock_state state = lock->state;
    if (state == LOCK_IDLE)
        return;
    lock->state = LOCK_IDLE;
    bool lost = state == LOCK_UNSURE || is_dead(lock, &lock->temp) || is_dead(lock, &lock->folder);
    const struct sftp_handle link = lock->temp.len > 0 ? lock->temp : lock->folder;
    close_now(lock, &lock->temp);
    close_now(lock, &lock->folder);
    if (state == LOCK_INSTALLED && !lost)
        sftp_forget(sftp_rmdir(sftp, lock->paths.lock));
    else if (lost || state == LOCK_HELD)
        late_add(lock->remote->late, &lock->paths, lost ? NULL : &link);
    else
        lock_paths_clear(&lock->paths, sftp);
}

static bool has_no_answer(int r)
{
    return is_unanswered(r) || r == -EPROTO;
}

/* The lock is not there, but a folder could not be renamed to it: somebody let go of it in between,
 * or the server renames no folders. A name that nobody else uses tells. -EAGAIN, -errno. */
static int try_to_rename(struct vmx_lock *lock, const struct wait *wait)
{
    struct remote *remote = lock->remote;
    char token[TOKEN_MAX + 1];
    if (atomic_load(&remote->folder_renames) != RENAMES_UNKNOWN)
        return -EAGAIN;
    token_make(&remote->owner, atomic_fetch_add(&remote->serial, 1), token, sizeof(token));
    FREE_AUTO char *other = lock_join(lock->dir, ".vmxfs-", token);
    if (!other)
        return -ENOMEM;
    SFTP_CALL_AUTO *there = sftp_best_rename(remote->sftp, lock->paths.made, other, 0);
    SFTP_CALL_AUTO *back = sftp_best_rename(remote->sftp, other, lock->paths.made, 0);
    int r = sftp_wait(there, wait);
    int back_r = sftp_wait(back, wait);
    if (has_no_answer(r) || has_no_answer(back_r))
        return has_no_answer(r) ? r : back_r;
    if (r == 0)
        atomic_store(&remote->folder_renames, RENAMES_FOLDERS);
    else if (r != -ENOENT)
        atomic_store(&remote->folder_renames, RENAMES_NO_FOLDERS);
    return -EAGAIN;
}

/* The folder could not be renamed to the lock. -EAGAIN, -errno. */
static int answer_refusal(struct vmx_lock *lock, int take_r, int stat_r, const struct wait *wait,
                          struct diag *diag)
{
    if (stat_r == -ENOENT)
        return try_to_rename(lock, wait);
    if (stat_r < 0)
        return take_r;
    int r = other_lock_meet(lock, sftp_call_attrs(lock->stat), wait, diag);
    /* A time that ends while the other is looked at leaves nothing in doubt. */
    return r == 0 || r == -EIO ? -EAGAIN : r;
}

static int wait_signed(struct vmx_lock *lock, const struct wait *wait)
{
    int r = sftp_wait(lock->sign, wait);
    if (r == 0 && !lock->paths.name)
        lock->temp = *sftp_call_handle(lock->sign);
    return r;
}

/* Signed in its place: held if nobody else has signed it. */
static int judge_in_place(struct vmx_lock *lock, const struct wait *wait, struct diag *diag)
{
    int make_r = sftp_wait(lock->make, wait); /* refused where the folder is there already */
    int sign_r = wait_signed(lock, wait);
    int stat_r = sftp_wait(lock->stat, wait);
    bool folder = stat_r == 0 && S_ISDIR(sftp_call_attrs(lock->stat)->mode);
    if (stat_r == 0 && (sign_r == 0 || !folder))
        return other_lock_meet(lock, sftp_call_attrs(lock->stat), wait, diag);
    if (sign_r == 0)
        return stat_r == -ENOENT ? -EAGAIN : stat_r; /* it is broken already */
    /* Somebody let go of it, and removed the folder, between the two requests. */
    bool went = sign_r == -ENOENT && (make_r == 0 || make_r == -EREMOTEIO);
    return went ? -EAGAIN : sign_r == -ENOENT ? make_r : sign_r;
}

/* What the answers of the first flight make of the lock. */
static int judge(struct vmx_lock *lock, const struct wait *wait, struct diag *diag)
{
    if (lock->in_place)
        return judge_in_place(lock, wait, diag);
    int make_r = sftp_wait(lock->make, wait);
    int sign_r = wait_signed(lock, wait);
    int take_r = sftp_wait(lock->take, wait);
    int stat_r = sftp_wait(lock->stat, wait);
    if (make_r == 0 && sign_r == -ENOENT) /* it was removed in between, for a leftover */
        return -EAGAIN;
    if (make_r < 0 || sign_r < 0)
        return make_r < 0 ? make_r : sign_r;
    if (take_r < 0)
        return has_no_answer(take_r) ? take_r : answer_refusal(lock, take_r, stat_r, wait, diag);
    atomic_store(&lock->remote->folder_renames, RENAMES_FOLDERS);
    return 0;
}

int vmx_lock_answer(struct vmx_lock *lock, const struct wait *wait, struct diag *diag)
{
    int r = judge(lock, wait, diag);
    int folder_r = sftp_wait(lock->folder_open, wait);
    if (folder_r == 0)
        lock->folder = *sftp_call_handle(lock->folder_open);
    bool unsure = has_no_answer(r) && sftp_call_was_sent(lock->make);
    lock->state = r == 0 ? LOCK_HELD : unsure ? LOCK_UNSURE : LOCK_REFUSED;
    if (r == 0 && folder_r != -EACCES) /* a login that may not list it goes without that evidence */
        r = folder_r;
    if (r < 0)
        vmx_lock_drop(lock);
    return r;
}
