/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "owner.h"
#include "sftp/bulk.h"

enum { SERIAL_DIGITS = 5, LOCK_TEXT_MAX = 1024 };

static const struct sftp_attrs private_mode = {.flags = SFTP_ATTR_MODE, .mode = 0600};
static const struct sftp_attrs public_mode = {.flags = SFTP_ATTR_MODE, .mode = 0644};

int vmx_lock_init(struct vmx_lock *lock, struct remote *remote, const char *path)
{
    *lock = (struct vmx_lock){.remote = remote};
    const char *name = path_name(path);
    if (strlen(name) > LOCK_NAME_MAX)
        return -ENAMETOOLONG;
    FREE_AUTO char *parent = path_dir(path);
    FREE_AUTO char *full = parent ? remote_path(remote, parent) : NULL;
    lock->name = strdup(name);
    if (!full || !lock->name ||
        asprintf(&lock->dir, "%s%s", full, strcmp(full, "/") == 0 ? "" : "/") < 0)
        return -ENOMEM;
    unsigned serial = atomic_fetch_add(&remote->serial, 1);
    snprintf(lock->temp_name, sizeof(lock->temp_name), ".%s.vmxfs-%s%0*x", name, remote->process,
             SERIAL_DIGITS, serial & 0xfffffU);
    if (asprintf(&lock->temp_path, "%s%s", lock->dir, lock->temp_name) < 0 ||
        asprintf(&lock->lock_path, "%s.%s.vmxfs-lock", lock->dir, name) < 0)
        return -ENOMEM;
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
    sftp_call_free(&lock->temp_open);
    sftp_call_free(&lock->lock_open);
    sftp_call_free(&lock->lock_stat);
    sftp_call_free(&lock->folder_open);
    free(lock->name);
    free(lock->dir);
    free(lock->lock_path);
    free(lock->temp_path);
}

void vmx_lock_ask(struct vmx_lock *lock)
{
    struct sftp *sftp = lock->remote->sftp;
    const uint32_t create = SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_EXCL;
    lock->asked_at = clock_boot_ms();
    lock->temp_open = sftp_open(sftp, lock->temp_path, create, &private_mode);
    /* Others must be able to read whose it is. */
    lock->lock_open = sftp_open(sftp, lock->lock_path, create, &public_mode);
    lock->lock_stat = sftp_lstat(sftp, lock->lock_path);
    lock->folder_open = sftp_opendir(sftp, lock->dir);
}

int64_t vmx_lock_expiry(const struct vmx_lock *lock)
{
    return lock->asked_at + LOCK_HOLD_MS;
}

/* The owner's part of a temporary name of this .vmx, or NULL. Anybody who may write to the folder
 * may write such a name into a lock, and it becomes a path: it must be nothing but what vmxfs
 * makes.
 */
static const char *owner_in(const struct vmx_lock *lock, const char *temp_name)
{
    size_t prefix = strlen(lock->temp_name) - OWNER_NAME_LEN - SERIAL_DIGITS;
    if (strlen(temp_name) != strlen(lock->temp_name) ||
        memcmp(temp_name, lock->temp_name, prefix) != 0 ||
        strspn(temp_name + prefix, "0123456789abcdef") != OWNER_NAME_LEN + SERIAL_DIGITS)
        return NULL;
    return temp_name + prefix;
}

/* Two paths may lead to one file, so that two attempts at it may be under way in this process. */
static bool is_under_way(const struct vmx_lock *lock, const char *temp_name)
{
    struct remote *remote = lock->remote;
    bool found = false;
    struct vmx_lock *other;
    lock_take(&remote->lock);
    DL_FOREACH (remote->attempts, other)
        found = found || strcmp(temp_name, other->temp_name) == 0;
    lock_drop(&remote->lock);
    return found;
}

static bool is_dead(const struct vmx_lock *lock, const char *temp_name)
{
    const char *owner = owner_in(lock, temp_name);
    enum owner_state state = owner ? owner_state(lock->remote->process, owner) : OWNER_UNKNOWN;
    return state == OWNER_DEAD || (state == OWNER_SELF && !is_under_way(lock, temp_name));
}

bool vmx_lock_is_leftover(const struct vmx_lock *lock, const struct sftp_name *name,
                          uint32_t server_now)
{
    if (!owner_in(lock, name->name) || is_under_way(lock, name->name))
        return false;
    return is_dead(lock, name->name) || (name->attrs.flags & SFTP_ATTR_TIMES &&
                                         (int64_t)server_now - name->attrs.mtime > LOCK_STALE_S);
}

struct sftp_call *vmx_lock_sign(struct vmx_lock *lock)
{
    char who[400];
    char text[LOCK_TEXT_MAX];
    owner_describe(who, sizeof(who));
    snprintf(text, sizeof(text), "%s\n%s\n", lock->temp_name, who);
    return sftp_write(lock->remote->sftp, &lock->lock, 0, span_of(text));
}

static void remove_now(struct vmx_lock *lock, const char *path)
{
    sftp_forget(sftp_remove(lock->remote->sftp, path, vmx_lock_expiry(lock)));
}

static void close_now(struct vmx_lock *lock, struct sftp_handle *handle)
{
    if (handle->len > 0)
        sftp_forget(sftp_close(lock->remote->sftp, handle));
    handle->len = 0;
}

void vmx_lock_drop(struct vmx_lock *lock)
{
    close_now(lock, &lock->temp);
    close_now(lock, &lock->lock);
    close_now(lock, &lock->folder);
    if (lock->held)
        remove_now(lock, lock->lock_path);
    lock->held = false;
    /* A temporary name is never used twice: removing it is right at any time. */
    if (lock->has_temp)
        sftp_forget(sftp_remove(lock->remote->sftp, lock->temp_path, 0));
    lock->has_temp = false;
}

int vmx_lock_renew_temp(struct vmx_lock *lock, const struct wait *wait)
{
    const uint32_t create = SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_EXCL;
    close_now(lock, &lock->temp);
    SFTP_CALL_AUTO *open = sftp_open(lock->remote->sftp, lock->temp_path, create, &private_mode);
    lock->has_temp = true;
    int r = sftp_wait(open, wait);
    if (r == 0)
        lock->temp = *sftp_call_handle(open);
    return r;
}

/* What a lock file says, and the version of it. */
struct lock_text {
    char text[LOCK_TEXT_MAX];
    struct sftp_attrs attrs;
};

static int read_lock(struct vmx_lock *lock, const struct wait *wait, struct lock_text *ret)
{
    struct sftp *sftp = lock->remote->sftp;
    SFTP_CALL_AUTO *open = sftp_open(sftp, lock->lock_path, SFTP_OPEN_READ, NULL);
    SFTP_CALL_AUTO *outside = sftp_lstat(sftp, lock->lock_path);
    int r = sftp_wait(open, wait);
    if (r == -EACCES && sftp_wait(outside, wait) == 0) {
        /* Another user's, who hides it: only its age tells. */
        *ret = (struct lock_text){.attrs = *sftp_call_attrs(outside)};
        return 0;
    }
    if (r < 0)
        return r;
    SFTP_CALL_AUTO *read = sftp_read(sftp, sftp_call_handle(open), 0, LOCK_TEXT_MAX - 1);
    SFTP_CALL_AUTO *stat = sftp_fstat(sftp, sftp_call_handle(open));
    sftp_forget(sftp_close(sftp, sftp_call_handle(open)));
    int read_r = sftp_wait(read, wait);
    r = sftp_wait(stat, wait);
    if (r < 0)
        return r;
    if (read_r < 0 && read_r != -ENODATA)
        return read_r;
    struct span text = read_r == 0 ? sftp_call_data(read) : (struct span){0};
    *ret = (struct lock_text){.attrs = *sftp_call_attrs(stat)};
    memcpy(ret->text, text.p ? text.p : "",
           text.n < LOCK_TEXT_MAX - 1 ? text.n : LOCK_TEXT_MAX - 1);
    return 0;
}

/* The temporary file that the lock names, or "". */
static void temp_of(const struct vmx_lock *lock, const struct lock_text *said, char *ret,
                    size_t size)
{
    size_t len = strcspn(said->text, "\n");
    ret[0] = '\0';
    if (len < size && said->text[len] == '\n') {
        memcpy(ret, said->text, len);
        ret[len] = '\0';
        if (!owner_in(lock, ret))
            ret[0] = '\0';
    }
}

/* Looks at the temporary files of others. Appends the names of the dead, one behind the other with
 * a NUL each. */
static int dead_temps(struct vmx_lock *lock, const struct wait *wait, struct buf *ret,
                      bool *ret_any_alive)
{
    struct sftp *sftp = lock->remote->sftp;
    SFTP_CALL_AUTO *open = sftp_opendir(sftp, lock->dir);
    int r = sftp_wait(open, wait);
    bool alive = false;
    while (r == 0) {
        SFTP_CALL_AUTO *call = sftp_readdir(sftp, sftp_call_handle(open));
        size_t n = 0;
        r = sftp_wait(call, wait);
        const struct sftp_name *names = r == 0 ? sftp_call_names(call, &n) : NULL;
        for (size_t i = 0; i < n && r == 0; i++) {
            if (!owner_in(lock, names[i].name) || strcmp(names[i].name, lock->temp_name) == 0)
                continue;
            if (is_dead(lock, names[i].name))
                r = buf_add(ret, (struct span){names[i].name, strlen(names[i].name) + 1});
            else
                alive = true;
        }
    }
    if (sftp_wait(open, wait) == 0)
        sftp_forget(sftp_close(sftp, sftp_call_handle(open)));
    *ret_any_alive = alive;
    return r == -ENODATA ? 0 : r;
}

/* Whether the lock may be broken; appends the names of the temporary files to be removed first. */
static int may_break(struct vmx_lock *lock, const struct lock_text *said, uint32_t server_now,
                     const struct wait *wait, struct buf *temps, bool *ret)
{
    char temp[sizeof(lock->temp_name)];
    bool stale = (int64_t)server_now - said->attrs.mtime > LOCK_STALE_S;
    temp_of(lock, said, temp, sizeof(temp));
    if (temp[0]) {
        *ret = stale || is_dead(lock, temp);
        return *ret ? buf_add(temps, (struct span){temp, strlen(temp) + 1}) : 0;
    }
    /* It says nothing: it is one of those beside it. A second old at least, or the lock that is
     * then removed could be one that was taken after we looked at them. */
    bool alive = true;
    int r = dead_temps(lock, wait, temps, &alive);
    *ret = stale || (!alive && temps->len > 0 && server_now > said->attrs.mtime);
    return r;
}

/* Another breaker's guard is there. Removes it when that one is gone. */
static int meet_breaker(struct vmx_lock *lock, const char *guard, uint32_t guard_mtime,
                        uint32_t server_now, const struct wait *wait)
{
    BUF_AUTO unused = {0};
    bool alive = true;
    int r = dead_temps(lock, wait, &unused, &alive);
    if (r == 0 && (!alive || (int64_t)server_now - guard_mtime > LOCK_STALE_S))
        remove_now(lock, guard);
    return r;
}

/* Removes what the owner of a lock would install. */
static int remove_temps(struct vmx_lock *lock, const struct buf *temps, const struct wait *wait)
{
    struct sftp *sftp = lock->remote->sftp;
    for (size_t at = 0; at < temps->len; at += strlen(temps->data + at) + 1) {
        FREE_AUTO char *temp = NULL;
        if (asprintf(&temp, "%s%s", lock->dir, temps->data + at) < 0) {
            temp = NULL;
            return -ENOMEM;
        }
        SFTP_CALL_AUTO *call = sftp_remove(sftp, temp, vmx_lock_expiry(lock));
        int r = sftp_wait(call, wait);
        if (r < 0 && r != -ENOENT)
            return r;
    }
    return 0;
}

/* Breaks a lock that still is what it was when it was judged. Breakers exclude each other by a file
 * of their own, or one could remove the lock that the other has just taken. */
static int break_lock(struct vmx_lock *lock, const struct lock_text *judged,
                      const struct buf *temps, uint32_t server_now, const struct wait *wait)
{
    struct sftp *sftp = lock->remote->sftp;
    FREE_AUTO char *guard = NULL;
    if (asprintf(&guard, "%s.%s.vmxfs-break", lock->dir, lock->name) < 0)
        return -ENOMEM;
    SFTP_CALL_AUTO *open =
        sftp_open(sftp, guard, SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_EXCL, &private_mode);
    SFTP_CALL_AUTO *stat = sftp_lstat(sftp, guard);
    int r = sftp_wait(open, wait);
    if (r == -EREMOTEIO && sftp_wait(stat, wait) == 0)
        return meet_breaker(lock, guard, sftp_call_attrs(stat)->mtime, server_now, wait);
    if (r < 0)
        return r;
    sftp_forget(sftp_close(sftp, sftp_call_handle(open)));
    struct lock_text now;
    r = read_lock(lock, wait, &now);
    if (r == 0 && now.attrs.mtime == judged->attrs.mtime && strcmp(now.text, judged->text) == 0) {
        r = remove_temps(lock, temps, wait);
        if (r == 0)
            remove_now(lock, lock->lock_path);
    }
    remove_now(lock, guard);
    return r;
}

/* The lock is there and not ours. -EAGAIN (broken or not), -errno. */
static int meet_other(struct vmx_lock *lock, const struct wait *wait, struct vmx_diag *diag)
{
    SFTP_CALL_AUTO *clock = sftp_fstat(lock->remote->sftp, &lock->temp);
    struct lock_text said;
    int r = read_lock(lock, wait, &said);
    if (r == -ENOENT)
        return -EAGAIN;
    if (r == 0)
        r = sftp_wait(clock, wait);
    if (r < 0)
        return r;
    uint32_t server_now = sftp_call_attrs(clock)->mtime;
    BUF_AUTO temps = {0};
    bool broken = false;
    r = may_break(lock, &said, server_now, wait, &temps, &broken);
    if (r == 0 && broken)
        r = break_lock(lock, &said, &temps, server_now, wait);
    const char *who = strchr(said.text, '\n');
    vmx_diag_set(diag, 0, 0, "another vmxfs holds the lock %s (%.*s)", path_name(lock->lock_path),
                 who ? (int)strcspn(who + 1, "\n") : 7, who ? who + 1 : "unknown");
    return r == -ENOTCONN || r == -EIO || r == -EINTR || r == -ENOMEM ? r : -EAGAIN;
}

/* What was created must be known, or nobody could remove it: an interrupt waits a little. */
static int learn(struct sftp_call *call, struct wait *wait)
{
    int r = sftp_wait(call, wait);
    if (r != -EINTR)
        return r;
    struct wait grace = wait_for_ms(LOCK_GRACE_MS);
    if (grace.deadline > wait->deadline)
        grace.deadline = wait->deadline;
    *wait = grace;
    return sftp_wait(call, wait);
}

int vmx_lock_answer(struct vmx_lock *lock, const struct wait *wait, struct vmx_diag *diag)
{
    struct wait learning = *wait;
    int temp_r = learn(lock->temp_open, &learning);
    int lock_r = learn(lock->lock_open, &learning);
    int stat_r = learn(lock->lock_stat, &learning);
    bool interrupted = wait->interrupted && !learning.interrupted;
    if (temp_r == 0)
        lock->temp = *sftp_call_handle(lock->temp_open);
    if (lock_r == 0)
        lock->lock = *sftp_call_handle(lock->lock_open);
    int folder_r = sftp_wait(lock->folder_open, wait);
    if (folder_r == 0)
        lock->folder = *sftp_call_handle(lock->folder_open);
    lock->held = lock_r == 0;
    lock->has_temp = temp_r == 0;
    int r = temp_r < 0 ? temp_r : lock_r;
    if (r == 0 && folder_r != -EACCES) /* who may not list it goes without that evidence */
        r = folder_r;
    if (lock_r < 0 && lock_r != -EREMOTEIO && sftp_call_was_sent(lock->lock_open)) {
        /* No answer: whose the lock is, is unknown, and it must not be removed. If it is ours, our
         * temporary file beside it says so, and the next commit breaks it at once. */
        close_now(lock, &lock->temp);
        close_now(lock, &lock->folder);
        lock->has_temp = false;
        return interrupted ? -EINTR : r < 0 ? r : lock_r;
    }
    /* The name of the temporary file: a process that had our number left it. */
    bool name_is_taken = temp_r == -EREMOTEIO && (lock_r == 0 || stat_r == 0);
    /* Between the two questions. (Or the folder is full, which is said later.) */
    bool lock_went = temp_r == 0 && lock_r == -EREMOTEIO && stat_r == -ENOENT;
    if (interrupted)
        r = -EINTR;
    else if (name_is_taken || lock_went)
        r = -EAGAIN;
    else if (temp_r == 0 && lock_r == -EREMOTEIO && stat_r == 0)
        r = meet_other(lock, wait, diag);
    if (r < 0)
        vmx_lock_drop(lock);
    return r;
}
