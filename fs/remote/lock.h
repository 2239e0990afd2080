/* SPDX-License-Identifier: MIT */
/*
 * The lock of a .vmx: ".NAME.vmxfs-lock" beside it, created with EXCL, and the temporary file that
 * its owner writes, ".NAME.vmxfs-" + owner + serial. The lock holds the temporary file's name.
 *
 * Who breaks a lock first removes the owner's temporary file. An owner that was merely stopped
 * finds nothing to rename when it goes on: that, and not the clock, is what keeps a broken lock
 * harmless. Besides, an owner puts nothing on the wire any more when it has held its lock for
 * LOCK_HOLD_MS.
 *
 * Broken are locks whose owner is a process of this machine that is gone, our own from a connection
 * that was lost, and those older than LOCK_STALE_S by the server's clock. A lock that says nothing
 * (its owner has not written into it yet) belongs to the owners of the temporary files beside it:
 * an owner always makes its temporary file first, and removes it last.
 *
 * Breakers exclude each other by a third file, ".NAME.vmxfs-break". Whoever may hold that has a
 * temporary file too: one that no living owner's temporary file stands beside is a dead breaker's.
 *
 * Calling sequence: vmx_lock_ask, vmx_lock_answer; when that said 0: ..., vmx_lock_drop. Both parts
 * of the first flight are apart so that the caller's own requests travel with them.
 */
#pragma once

#include "internal.h"
#include "parser/diag.h"

enum {
    LOCK_HOLD_MS = 30000,
    LOCK_STALE_S = 60,
    LOCK_NAME_MAX = 228, /* a longer NAME has no room for the names of lock and temporary file */
    LOCK_SUFFIX_MAX = 26,
    LOCK_GRACE_MS = 1000, /* an interrupted owner waits so long to learn what it owns */
};

struct vmx_lock {
    struct remote *remote;
    char *name;      /* of the .vmx */
    char *dir;       /* the server's path of its folder, with a final slash */
    char *lock_path; /* the server's paths */
    char *temp_path;
    char temp_name[LOCK_NAME_MAX + LOCK_SUFFIX_MAX + 2];
    int64_t asked_at; /* clock_boot_ms() */
    bool held;
    bool has_temp; /* the temporary file is there and ours to remove */
    struct sftp_handle temp, lock,
        folder; /* open while held; folder only if its listing is wanted */
    struct sftp_call *temp_open, *lock_open, *lock_stat, *folder_open;
    struct vmx_lock *prev, *next; /* in remote->attempts, with its lock; prev NULL: not there */
};

/* Fills in the names. 0, -ENAMETOOLONG, -ENOMEM. Ends with vmx_lock_done in any case. */
int vmx_lock_init(struct vmx_lock *lock, struct remote *remote, const char *path);
void vmx_lock_done(struct vmx_lock *lock);

/* First flight: sends. */
void vmx_lock_ask(struct vmx_lock *lock);

/* First flight: waits. 0: the lock is held, temp and folder are open. -EAGAIN: it is somebody
 * else's (diag tells whose) or has just been broken: try again after a while. -errno. Unless 0,
 * nothing of ours is left on the server that the next commit does not clear away at once. */
int vmx_lock_answer(struct vmx_lock *lock, const struct wait *wait, struct vmx_diag *diag);

/* The temporary file has been renamed: makes another one. 0, -errno. */
int vmx_lock_renew_temp(struct vmx_lock *lock, const struct wait *wait);

/* Second flight: writes into the lock whose it is. */
struct sftp_call *vmx_lock_sign(struct vmx_lock *lock);

/* Until when (clock_boot_ms()) the owner may send what others see. */
int64_t vmx_lock_expiry(const struct vmx_lock *lock);

/* Removes the lock and, where it is still there, the temporary file, without waiting. An owner
 * whose time is over leaves the lock alone: it may be another's by now. */
void vmx_lock_drop(struct vmx_lock *lock);

/* Whether name is a temporary file of this .vmx that nobody will use any more: its owner is gone,
 * or it is old by the server's clock (server_now, in seconds). */
bool vmx_lock_is_leftover(const struct vmx_lock *lock, const struct sftp_name *name,
                          uint32_t server_now);
