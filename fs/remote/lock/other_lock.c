/* SPDX-License-Identifier: MIT */
#include "other_lock.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { NAMES_MAX = 256, OLD_TEXT_MAX = 1024, OLD_DIGITS = 19 };

static const char folder_prefix[] = ".vmxfs-";

/* Two paths may lead to one file, so that two attempts at it may be under way in this process. */
static bool is_under_way(const struct vmx_lock *lock, const char *token)
{
    struct remote *remote = lock->remote;
    bool found = false;
    struct vmx_lock *other;
    lock_take(&remote->lock);
    DL_FOREACH (remote->attempts, other)
        found = found || strcmp(token, other->token) == 0;
    lock_drop(&remote->lock);
    return found;
}

/* Also what has a time that is still to come: nobody can wait for it. */
static bool is_stale(const struct sftp_attrs *attrs, uint32_t server_now)
{
    int64_t age = (int64_t)server_now - attrs->mtime;
    return attrs->flags & SFTP_ATTR_TIMES && (age > LOCK_STALE_S || age < -LOCK_STALE_S);
}

static bool is_over(const struct vmx_lock *lock, const char *token, const struct sftp_attrs *attrs,
                    uint32_t server_now)
{
    enum token_state state = token_state(&lock->remote->owner, token);
    if (state == TOKEN_OURS)
        return !is_under_way(lock, token);
    return state == TOKEN_DEAD || is_stale(attrs, server_now);
}

int other_lock_clock(struct vmx_lock *lock, const struct wait *wait, uint32_t *ret)
{
    struct sftp *sftp = lock->remote->sftp;
    SFTP_CALL_AUTO *stat = NULL;
    if (lock->temp.len > 0) {
        stat = sftp_fstat(sftp, &lock->temp);
    } else {
        sftp_forget(sftp_mkdir(sftp, lock->paths.made, 0700));
        stat = sftp_lstat(sftp, lock->paths.made);
        sftp_forget(sftp_rmdir(sftp, lock->paths.made));
    }
    int r = sftp_wait(stat, wait);
    if (r == 0) {
        *ret = sftp_call_attrs(stat)->mtime;
        server_clock_tell(&lock->remote->clock, *ret);
    }
    return r == -ENOENT ? -EAGAIN : r; /* it was removed for a leftover */
}

/* ---- a folder: what vmxfs makes */

/* What is in the place of our lock, while it is looked at. */
struct meeting {
    struct vmx_lock *lock;
    const struct sftp_attrs *attrs; /* of it */
    uint32_t server_now;
    const struct wait *wait;
    struct diag *diag;
};

/* Breaks another's lock. 0; -EACCES: it is another user's that lets nobody break it; -ENOTEMPTY:
 * somebody has put something in the token, a folder; -errno. */
static int break_token(const struct meeting *m, const char *token, bool folder)
{
    struct vmx_lock *lock = m->lock;
    struct sftp *sftp = lock->remote->sftp;
    FREE_AUTO char *temp = lock_join(lock->paths.lock, "/", token);
    FREE_AUTO char *made = lock_join(lock->dir, folder_prefix, token);
    if (!temp || !made)
        return -ENOMEM;
    SFTP_CALL_AUTO *removal =
        folder ? sftp_rmdir(sftp, temp) : sftp_remove(sftp, temp, vmx_lock_expiry(lock));
    int r = sftp_wait(removal, m->wait);
    if (r == -EACCES && !lock->in_place && sftp_features(sftp).posix_rename) {
        SFTP_CALL_AUTO *rename =
            sftp_posix_rename(sftp, lock->paths.lock, made, vmx_lock_expiry(lock));
        r = sftp_wait(rename, m->wait);
        r = r == -EREMOTEIO ? -EACCES : r;
    }
    if (folder && r == -EREMOTEIO)
        r = -ENOTEMPTY;
    return r == -ENOENT ? 0 : r;
}

static int no_token(const struct meeting *m, const char *name)
{
    diag_set(
        m->diag,
        "the lock %s holds %s, which vmxfs did not make; look at it on the server, and remove it",
        path_name(m->lock->paths.lock), name);
    return -EAGAIN;
}

static int held(const struct meeting *m, const char *token, const char *how)
{
    char who[TOKEN_MAX + 32];
    token_describe(token, who, sizeof(who));
    diag_set(m->diag, "another vmxfs holds the lock %s (%s)%s", path_name(m->lock->paths.lock), who,
             how);
    return -EAGAIN;
}

bool other_lock_is_aside(const char *name)
{
    return strncmp(name, LOCK_ASIDE, strlen(LOCK_ASIDE)) == 0 &&
           token_is(name + strlen(LOCK_ASIDE));
}

static const char not_removed[] = "; the time of the lock is over, but it cannot be removed";

/* A name of a file in or beside the lock. call: its LSTAT. */
struct beside {
    const char *path;
    struct sftp_call *call;
};

/* What a token's owner has set aside, and what stands beside it. */
struct aside {
    const char *token;
    struct beside old, temp, target;
    bool has_temp;
};

/* Whether both names can be one file's. 0, 1, -errno. */
static int can_be_same(const struct meeting *m, const struct beside *a, const struct beside *b)
{
    struct remote *remote = m->lock->remote;
    BUF_AUTO text_a = {0};
    BUF_AUTO text_b = {0};
    const struct sftp_attrs *attrs_a = sftp_call_attrs(a->call);
    const struct sftp_attrs *attrs_b = sftp_call_attrs(b->call);
    if (!S_ISREG(attrs_a->mode) || attrs_a->mode != attrs_b->mode ||
        attrs_a->size != attrs_b->size || attrs_a->mtime != attrs_b->mtime)
        return 0;
    int r = remote_read_all(remote, a->path, attrs_a->size, m->wait, &text_a)
                ?: remote_read_all(remote, b->path, attrs_b->size, m->wait, &text_b);
    if (r == -ENOENT) /* it changes while we look */
        r = -EAGAIN;
    return r < 0 ? r : span_eq(buf_span(&text_a), buf_span(&text_b));
}

static int give_back(const struct meeting *m, const struct aside *aside)
{
    SFTP_CALL_AUTO *rename =
        sftp_rename(m->lock->remote->sftp, aside->old.path, aside->target.path, 0);
    int r = sftp_wait(rename, m->wait);
    if (r == -EACCES)
        return held(m, aside->token, not_removed);
    return r == -EREMOTEIO ? -EAGAIN : r == -ENOENT ? 0 : r;
}

/* There is a file of the .vmx's name: the new text, where the token is gone. But a server's process
 * that was stopped in a rename has made the new name, and is still to remove the old one, or, where
 * that fails, the new one: what can be the last copy stays until it had its time. 0: nothing is set
 * aside any more. */
static int judge_aside(const struct meeting *m, const struct aside *aside)
{
    int moving = can_be_same(m, &aside->old, &aside->target);
    int installing =
        moving == 0 && aside->has_temp ? can_be_same(m, &aside->temp, &aside->target) : 0;
    if (moving < 0 || installing < 0)
        return moving < 0 ? moving : installing;
    if (aside->has_temp && !moving && !installing) {
        diag_set(m->diag,
                 "the lock %s holds the old %s, as %s%s, and somebody made another one since: "
                 "look at both on the server, and remove the one that is not wanted",
                 path_name(m->lock->paths.lock), m->lock->name, LOCK_ASIDE, aside->token);
        return -EAGAIN;
    }
    /* An owner in the middle of a rename has its time. */
    if ((moving || installing) && !is_stale(m->attrs, m->server_now))
        return held(m, aside->token, "");
    SFTP_CALL_AUTO *removal =
        sftp_remove(m->lock->remote->sftp, aside->old.path, vmx_lock_expiry(m->lock));
    int r = sftp_wait(removal, m->wait);
    if (r == -EACCES)
        return held(m, aside->token, not_removed);
    return r == -ENOENT ? 0 : r;
}

/* What a token's owner may have set aside (lock.h). 0: there is nothing any more; -EAGAIN: it
 * stays, and diag says why; -errno. */
static int meet_aside(const struct meeting *m, const char *token)
{
    struct vmx_lock *lock = m->lock;
    struct sftp *sftp = lock->remote->sftp;
    FREE_AUTO char *old = lock_join(lock->paths.lock, "/" LOCK_ASIDE, token);
    FREE_AUTO char *temp = lock_join(lock->paths.lock, "/", token);
    if (!old || !temp)
        return -ENOMEM;
    SFTP_CALL_AUTO *old_stat = sftp_lstat(sftp, old);
    SFTP_CALL_AUTO *temp_stat = sftp_lstat(sftp, temp);
    SFTP_CALL_AUTO *target_stat = sftp_lstat(sftp, lock->paths.target);
    int old_r = sftp_wait(old_stat, m->wait);
    int temp_r = sftp_wait(temp_stat, m->wait);
    int target_r = sftp_wait(target_stat, m->wait);
    if (old_r < 0)
        return old_r == -ENOENT ? 0 : old_r;
    if ((temp_r < 0 && temp_r != -ENOENT) || (target_r < 0 && target_r != -ENOENT))
        return temp_r < 0 && temp_r != -ENOENT ? temp_r : target_r;
    if (temp_r == 0 && !is_over(lock, token, sftp_call_attrs(temp_stat), m->server_now))
        return held(m, token, "");
    const struct aside aside = {.token = token,
                                .old = {old, old_stat},
                                .temp = {temp, temp_stat},
                                .target = {lock->paths.target, target_stat},
                                .has_temp = temp_r == 0};
    return target_r == -ENOENT ? give_back(m, &aside) : judge_aside(m, &aside);
}

/* One name in the lock's folder. 0: it is none any more; -EAGAIN: it stays, and diag says why. */
static int meet_name(const struct meeting *m, const struct sftp_name *name)
{
    if (strcmp(name->name, m->lock->token) == 0)
        return 0;
    if (other_lock_is_aside(name->name))
        return meet_aside(m, name->name + strlen(LOCK_ASIDE));
    bool folder = name->attrs.flags & SFTP_ATTR_MODE && S_ISDIR(name->attrs.mode);
    bool file = !(name->attrs.flags & SFTP_ATTR_MODE) || S_ISREG(name->attrs.mode);
    if (!(file || folder) || !token_is(name->name))
        return no_token(m, name->name);
    if (!is_over(m->lock, name->name, &name->attrs, m->server_now))
        return held(m, name->name, "");
    int r = 0;
    if (!folder && !sftp_features(m->lock->remote->sftp).posix_rename)
        r = meet_aside(m, name->name);
    if (r < 0)
        return r;
    r = break_token(m, name->name, folder);
    if (r == -ENOTEMPTY)
        return no_token(m, name->name);
    return r == -EACCES ? held(m, name->name, not_removed) : r;
}

/* The names of one READDIR. */
static int meet_names(const struct meeting *m, const struct sftp_call *call, size_t *ret_n)
{
    int r = 0;
    const struct sftp_name *names = sftp_call_names(call, ret_n);
    for (size_t i = 0; i < *ret_n && (r == 0 || r == -EAGAIN); i++) {
        const int met = meet_name(m, &names[i]);
        if (met != 0)
            r = met;
    }
    return r;
}

static int meet_folder(const struct meeting *m)
{
    struct sftp *sftp = m->lock->remote->sftp;
    SFTP_CALL_AUTO *open = sftp_opendir(sftp, m->lock->paths.lock);
    int r = sftp_wait(open, m->wait);
    if (r == -EACCES) {
        diag_set(m->diag,
                 "somebody holds the lock %s, and the server does not let this login see who",
                 path_name(m->lock->paths.lock));
        return -EAGAIN;
    }
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    size_t n = 0;
    bool more = true;
    while (more && (r == 0 || r == -EAGAIN)) {
        SFTP_CALL_AUTO *call = sftp_readdir(sftp, sftp_call_handle(open));
        int read_r = sftp_wait(call, m->wait);
        size_t got = 0;
        if (read_r == 0)
            read_r = meet_names(m, call, &got);
        n += got;
        more = read_r != -ENODATA && n < NAMES_MAX;
        r = read_r < 0 && read_r != -ENODATA ? read_r : r;
    }
    sftp_forget(sftp_close(sftp, sftp_call_handle(open)));
    return r == 0 && more ? -EAGAIN : r;
}

/* ---- a plain file: the lock of vmxfs 0.1 */

/* The name of a file that vmxfs 0.1 made beside this .vmx: a temporary file, or what kept others
 * from breaking a lock. */
static bool is_old_name(const struct vmx_lock *lock, const char *name)
{
    size_t n = strlen(lock->name);
    if (name[0] != '.' || strncmp(name + 1, lock->name, n) != 0 ||
        strncmp(name + 1 + n, folder_prefix, strlen(folder_prefix)) != 0)
        return false;
    const char *rest = name + 1 + n + strlen(folder_prefix);
    return strcmp(rest, "break") == 0 ||
           (strlen(rest) == OLD_DIGITS && strspn(rest, "0123456789abcdef") == OLD_DIGITS);
}

/* Removes the temporary file that an old lock names, so that its owner finds nothing to rename. One
 * that cannot be read was never signed, or is another user's. */
static int remove_old_temp(const struct meeting *m)
{
    struct vmx_lock *lock = m->lock;
    struct sftp *sftp = lock->remote->sftp;
    SFTP_CALL_AUTO *open = sftp_open(sftp, lock->paths.lock, SFTP_OPEN_READ, NULL);
    int r = sftp_wait(open, m->wait);
    if (r < 0)
        return r == -EACCES ? 0 : r;
    SFTP_CALL_AUTO *read = sftp_read(sftp, sftp_call_handle(open), 0, OLD_TEXT_MAX);
    sftp_forget(sftp_close(sftp, sftp_call_handle(open)));
    r = sftp_wait(read, m->wait);
    if (r < 0)
        return r == -ENODATA ? 0 : r;
    struct span text = sftp_call_data(read);
    const char *end = memchr(text.p, '\n', text.n);
    FREE_AUTO char *name = strndup(text.p, end ? (size_t)(end - text.p) : 0);
    FREE_AUTO char *temp = name ? lock_join(lock->dir, name, "") : NULL;
    if (!temp)
        return -ENOMEM;
    if (!is_old_name(lock, name))
        return 0;
    SFTP_CALL_AUTO *removal = sftp_remove(sftp, temp, vmx_lock_expiry(lock));
    r = sftp_wait(removal, m->wait);
    return r == -ENOENT ? 0 : r;
}

static int meet_old_lock(const struct meeting *m)
{
    const char *path = m->lock->paths.lock;
    diag_set(m->diag, "another vmxfs, of version 0.1, holds the lock %s", path_name(path));
    if (!is_stale(m->attrs, m->server_now))
        return -EAGAIN;
    int r = remove_old_temp(m);
    if (r == 0) /* a file's removal does nothing to a folder that has its name by then */
        sftp_forget(sftp_remove(m->lock->remote->sftp, path, vmx_lock_expiry(m->lock)));
    return r < 0 && r != -ENOENT ? r : -EAGAIN;
}

int other_lock_meet(struct vmx_lock *lock, const struct sftp_attrs *attrs, const struct wait *wait,
                    struct diag *diag)
{
    struct meeting m = {.lock = lock, .attrs = attrs, .wait = wait, .diag = diag};
    int r = other_lock_clock(lock, wait, &m.server_now);
    if (r < 0)
        return r;
    if (S_ISDIR(attrs->mode))
        return meet_folder(&m);
    if (S_ISREG(attrs->mode))
        return meet_old_lock(&m);
    diag_set(diag, "%s is not a lock that vmxfs made; look at it on the server, and remove it",
             path_name(lock->paths.lock));
    return -EAGAIN;
}

/* ---- beside the .vmx */

static void remove_file(struct vmx_lock *lock, const char *name)
{
    FREE_AUTO char *path = lock_join(lock->dir, name, "");
    if (path)
        sftp_forget(sftp_remove(lock->remote->sftp, path, 0));
}

static void remove_folder(struct vmx_lock *lock, const char *token)
{
    FREE_AUTO char *made = lock_join(lock->dir, folder_prefix, token);
    FREE_AUTO char *temp = made ? lock_join(made, "/", token) : NULL;
    if (!temp)
        return;
    sftp_forget(sftp_remove(lock->remote->sftp, temp, 0)); /* of both one does nothing */
    sftp_forget(sftp_rmdir(lock->remote->sftp, temp));
    sftp_forget(sftp_rmdir(lock->remote->sftp, made));
}

void other_lock_clear_leftover(struct vmx_lock *lock, const struct sftp_name *name,
                               uint32_t server_now)
{
    size_t prefix = strlen(folder_prefix);
    const char *token = strncmp(name->name, folder_prefix, prefix) == 0 ? name->name + prefix : "";
    if (token_is(token) && is_over(lock, token, &name->attrs, server_now))
        remove_folder(lock, token);
    else if (is_old_name(lock, name->name) && is_stale(&name->attrs, server_now))
        remove_file(lock, name->name);
}
