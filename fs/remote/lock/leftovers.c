/* SPDX-License-Identifier: MIT */
#include "leftovers.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "other_lock.h"
#include "remote/call_group.h"
#include "remote/names/paths.h"
#include "remote/notes.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { NAMES_MAX = 256, READDIRS_MAX = 8 };

static bool are_own(const struct sftp_call *call, size_t *total)
{
    size_t n;
    const struct sftp_name *names = sftp_call_names(call, &n);
    for (size_t i = 0; i < n; i++) {
        if (!remote_is_hidden_name(names[i].name))
            return false;
    }
    *total += n;
    return sftp_call_left_out(call) == 0 && *total <= NAMES_MAX;
}

/* 0: ret are the READDIRs that were answered; -ENOTEMPTY: there are other names, or too many. */
static int read_names(struct remote *remote, const char *dir, const struct wait *wait,
                      struct flight *ret)
{
    size_t total = 0;
    FREE_AUTO char *full = remote_path(remote, dir);
    SFTP_CALL_AUTO *open = full ? sftp_opendir(remote->sftp, full) : NULL;
    int r = sftp_wait(open, wait);
    if (r < 0)
        return r;
    while (r == 0 && ret->n < NAMES_MAX) {
        struct sftp_call *call =
            flight_add(ret, sftp_readdir(remote->sftp, sftp_call_handle(open)));
        r = sftp_wait(call, wait);
        if (r == 0 && !are_own(call, &total))
            r = -ENOTEMPTY;
    }
    sftp_forget(sftp_close(remote->sftp, sftp_call_handle(open)));
    return r == -ENODATA ? 0 : r < 0 ? r : -ENOTEMPTY;
}

/* Breaks the lock, if it is over, and removes its folder. lock: was not asked for. */
static bool break_lock(struct vmx_lock *lock, const struct sftp_attrs *attrs,
                       const struct wait *wait, struct diag *diag)
{
    lock->asked_at = clock_boot_ms(); /* what breaks one may be sent for as long as by an owner */
    if (other_lock_meet(lock, attrs, wait, diag) < 0)
        return false;
    sftp_forget(sftp_rmdir(lock->remote->sftp, lock->paths.lock));
    return true;
}

/* Its .vmx is gone: the folder holds only names of vmxfs's own. */
static void remove_beside(struct remote *remote, const char *dir, const char *name)
{
    FREE_AUTO char *path = path_join(dir, name);
    FREE_AUTO char *full = path ? remote_path(remote, path) : NULL;
    if (full)
        sftp_forget(sftp_remove(remote->sftp, full, 0));
}

/* The lock that the name is, or would be made beside, is never asked for: its own token only lends
 * its name to what the clock is read from. */
static void clear(struct remote *remote, const char *dir, const struct sftp_name *name,
                  const struct wait *wait, struct diag *diag)
{
    struct vmx_lock lock;
    uint32_t server_now = 0;
    if (remote_is_beside_name(name->name)) {
        remove_beside(remote, dir, name->name);
        return;
    }
    FREE_AUTO char *vmx = leftovers_vmx(dir, name->name);
    if (!vmx)
        return;
    int r = vmx_lock_init(&lock, remote, vmx, true);
    if (r == 0 && strcmp(name->name, path_name(lock.paths.lock)) == 0)
        break_lock(&lock, &name->attrs, wait, diag);
    else if (r == 0 && other_lock_clock(&lock, wait, &server_now) == 0)
        other_lock_clear_leftover(&lock, name, server_now);
    vmx_lock_done(&lock);
}

char *leftovers_vmx(const char *dir, const char *name)
{
    const char *mark = strstr(name, ".vmxfs-");
    size_t n = mark && mark > name ? (size_t)(mark - name - 1) : 0;
    FREE_AUTO char *vmx = n > 0 ? strndup(name + 1, n) : strdup("any.vmx");
    return vmx ? path_join(dir, vmx) : NULL;
}

bool leftovers_clear(struct remote *remote, const char *dir, const struct wait *wait,
                     struct diag *diag)
{
    FLIGHT_AUTO reads = {0};
    /* Without it what a commit that was lost has set aside may be all that is left of its .vmx. */
    if (!sftp_features(remote->sftp).posix_rename)
        return false;
    if (read_names(remote, dir, wait, &reads) < 0 || reads.n < 2) /* the last one is the end */
        return false;
    for (size_t i = 0; i + 1 < reads.n; i++) {
        size_t n;
        const struct sftp_name *names = sftp_call_names(reads.calls[i], &n);
        for (size_t j = 0; j < n; j++)
            clear(remote, dir, &names[j], wait, diag);
    }
    return true;
}

bool leftovers_may_be_set_aside(const struct remote *remote)
{
    return remote->options.unsafe_rename && !sftp_features(remote->sftp).posix_rename;
}

/* Whether one of the names is that of a .vmx which was set aside. */
static bool holds_aside(struct remote *remote, const char *lock, const struct wait *wait)
{
    SFTP_CALL_AUTO *open = sftp_opendir(remote->sftp, lock);
    bool holds = false;
    int r = sftp_wait(open, wait);
    if (r < 0)
        return false;
    for (int i = 0; r == 0 && !holds && i < READDIRS_MAX; i++) {
        SFTP_CALL_AUTO *call = sftp_readdir(remote->sftp, sftp_call_handle(open));
        size_t n = 0;
        r = sftp_wait(call, wait);
        const struct sftp_name *names = r == 0 ? sftp_call_names(call, &n) : NULL;
        for (size_t j = 0; j < n; j++)
            holds = holds || other_lock_is_aside(names[j].name);
    }
    sftp_forget(sftp_close(remote->sftp, sftp_call_handle(open)));
    return holds;
}

bool leftovers_give_back(struct remote *remote, const char *path, const struct wait *wait)
{
    struct vmx_lock lock;
    struct diag diag;
    bool given = false;
    if (vmx_lock_init(&lock, remote, path, true) == 0 &&
        holds_aside(remote, lock.paths.lock, wait)) {
        SFTP_CALL_AUTO *stat = sftp_lstat(remote->sftp, lock.paths.lock);
        given = sftp_wait(stat, wait) == 0 && break_lock(&lock, sftp_call_attrs(stat), wait, &diag);
    }
    vmx_lock_done(&lock);
    return given;
}

void leftovers_note(struct remote *remote, const char *dir, const struct diag *diag)
{
    BUF_AUTO text = {0};
    int r = buf_add(&text,
                    SPAN_LITERAL("the folder holds a lock of vmxfs's, or what a commit left; where "
                                 "no vmxfs is at work any more, remove that on the server"));
    if (r == 0 && diag->text[0])
        r = buf_addf(&text, " (%s)", diag->text);
    if (r == 0)
        remote_note(remote, dir, NULL, text.data);
}
