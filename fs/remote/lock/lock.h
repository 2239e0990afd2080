/* SPDX-License-Identifier: MIT */
/*
 * The lock of a .vmx: a folder beside it that is signed with the owner's token. lock.c tells how a
 * lock is taken, what it guards and how one that is over is broken.
 *
 *                     all yes
 *   IDLE -- ask --> UNSURE ----> HELD -- installed --> INSTALLED --.
 *                     |  \-- no --> REFUSED -----------------------+-- drop --> IDLE
 *                     '-- no answer -------------------------------'
 *
 * Calling sequence: vmx_lock_ask, vmx_lock_answer; if that returned 0: ..., vmx_lock_drop. The
 * first flight has two functions so that the caller's own requests travel with it.
 */
#pragma once

#include "lock_paths.h"
#include "remote/remote_private.h"

enum {
    LOCK_HOLD_MS = 30000,
    LOCK_STALE_S = 60,
    LOCK_NAME_MAX = 243, /* a longer NAME leaves no room for the name of its lock */
};

enum lock_state {
    LOCK_IDLE,      /* nothing of ours is on the server */
    LOCK_HELD,      /* LOCK/TOKEN is there, until it is broken */
    LOCK_INSTALLED, /* the temporary file has left the lock */
    LOCK_REFUSED,   /* not ours; parts that we made for it may be there */
    LOCK_UNSURE,    /* an answer is missing: anything of ours may be there, now or later */
};

/* Whether the server renames folders. */
enum folder_renames { RENAMES_UNKNOWN, RENAMES_FOLDERS, RENAMES_NO_FOLDERS };

struct vmx_lock {
    struct remote *remote;
    enum lock_state state;
    const char *name; /* of the .vmx, in the given path */
    char *dir;        /* the server's path of its folder, with a final slash */
    char token[TOKEN_MAX + 1];
    struct lock_paths paths;
    int64_t asked_at;                /* clock_boot_ms() */
    bool in_place;                   /* signed in its place: the server does not rename folders */
    struct sftp_handle temp, folder; /* open while held; temp only if TOKEN is a file, folder only
                                        if it may be listed */
    struct sftp_call *make, *sign, *take, *stat, *folder_open;
    struct vmx_lock *prev, *next; /* in remote->attempts, with its lock; prev NULL: not there */
};

/* Draws a token. moves: it is a folder. path must outlive the lock. 0, -ENAMETOOLONG, -ENOMEM. Call
 * vmx_lock_done in any case. */
int vmx_lock_init(struct vmx_lock *lock, struct remote *remote, const char *path, bool moves);
void vmx_lock_done(struct vmx_lock *lock);

/* First flight: sends. */
void vmx_lock_ask(struct vmx_lock *lock);

/* First flight: waits. 0: the lock is held, temp and folder are open. -EAGAIN: another owner has it
 * (diag tells which) or it has just been broken: try again after a while. -errno. */
int vmx_lock_answer(struct vmx_lock *lock, const struct wait *wait, struct diag *diag);

/* Asks for the attributes of the token of a held lock; the token was made when the lock was taken.
 */
struct sftp_call *vmx_lock_ask_token(const struct vmx_lock *lock);

/* The time (clock_boot_ms()) until which the owner may send what others see. */
int64_t vmx_lock_expiry(const struct vmx_lock *lock);

/* Sends the request that sets the target aside, for a server without posix-rename; the caller
 * renames the temporary file to the target's place behind it, in the same flight. */
void vmx_lock_set_aside(struct vmx_lock *lock);

/* The temporary file was renamed to the target's place. */
void vmx_lock_installed(struct vmx_lock *lock);

/* Lets go of the lock in any state, without waiting. */
void vmx_lock_drop(struct vmx_lock *lock);
