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
 * A move installs nothing. Its token is an empty folder (MKDIR, and RMDIR to break it), through
 * which it reaches the name that it changes:
 *
 *   move     RENAME LOCK/TOKEN/../../NAME  ...   there is no such path once the lock is broken
 *
 * So these hold, whatever is delayed, stopped, cut off, or carried out by the server's process of a
 * connection that was lost long ago:
 *
 *   1. A folder with a token in it is never replaced, and an empty one is nobody's.
 *   2. Nobody's text is installed, and nothing is moved, after his lock was broken: his rename
 *      finds no file. That, and no clock, is what makes breaking harmless.
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
 * The folder is made with mode 0755: who may look at the VM sees whose lock it is. Nobody but its
 * owner (and root) may write there, because a file that is put in the token's place would become
 * the .vmx. So another user cannot remove a token. He breaks the lock by renaming the folder back
 * to .vmxfs-TOKEN, which takes no more than writing to the VM's folder, and unsigns it as well.
 *
 * A server that refuses to rename folders is found out (another free name is tried). There the lock
 * is made and signed in its place, then listed, and held only if no other token is in it: of two
 * who sign at once, one at least sees the other. It is held from then on, so that what it guards is
 * to be looked at after that. Both ways go together.
 *
 * A server without posix-rename replaces no file. There the .vmx is set aside first, so that it is
 * in the lock for as long as its name is free, whatever becomes of the owner:
 *
 *   install  RENAME target             LOCK/old-TOKEN
 *            RENAME LOCK/TOKEN         target
 *            REMOVE LOCK/old-TOKEN
 *
 * Whoever breaks such a lock gives the old text its name back first, or removes it where the new
 * one has been installed, which shows in that the token is gone: nobody removes that before. And
 * whoever looks up or lists a name that is only there in its lock breaks that, once its time is
 * over (leftovers.h): nobody would change what nobody sees.
 *
 * What an owner cannot take back because its link is lost, its process looks for for a minute
 * (late_requests.h). Folders of tokens that are over are removed by whoever lists the VM's folder; locks
 * that are, too, by whoever removes or replaces a folder that holds nothing else (leftovers.h).
 *
 *                    all yes
 *   IDLE -- ASKED ------------> HELD --.
 *               \-- no --> REFUSED -----+-- drop --> IDLE
 *                \-- no answer --> UNSURE --'
 *
 * Calling sequence: vmx_lock_ask, vmx_lock_answer; when that said 0: ..., vmx_lock_drop. Both parts
 * of the first flight are apart so that the caller's own requests travel with them.
 */
#pragma once

#include "parser/text/diag.h"
#include "remote/internal.h"
#include "token.h"

enum {
    LOCK_HOLD_MS = 30000,
    LOCK_STALE_S = 60,
    LOCK_NAME_MAX = 243, /* a longer NAME has no room for the name of its lock */
};

#define LOCK_SUFFIX ".vmxfs-lock"
#define LOCK_ASIDE "old-" /* begins no token */

/* The server's paths, all of them of one token. */
struct lock_paths {
    char *lock;      /* LOCK */
    char *temp;      /* LOCK/TOKEN */
    char *made;      /* .vmxfs-TOKEN */
    char *made_temp; /* .vmxfs-TOKEN/TOKEN */
    char *name;      /* LOCK/TOKEN/../../NAME; NULL: TOKEN is a file */
    char *target;    /* the .vmx, and ... */
    char *aside;     /* ... LOCK/old-TOKEN */
    enum { ASIDE_NONE, ASIDE_NEEDED, ASIDE_OVER } has_aside; /* what may be there is ... */
};

/* Three strings as one of the caller's. NULL: no memory. */
char *lock_join(const char *a, const char *b, const char *c);

/* Sends what removes all that is the token's, wherever it is by now, and nothing else. */
void lock_paths_clear(const struct lock_paths *paths, struct sftp *sftp);
void lock_paths_done(struct lock_paths *paths);

enum lock_state {
    LOCK_IDLE,    /* nothing of ours is on the server */
    LOCK_ASKED,   /* the first flight is under way */
    LOCK_HELD,    /* LOCK/TOKEN is there, until it is broken or installed */
    LOCK_REFUSED, /* not ours; what we made for it may be there */
    LOCK_UNSURE,  /* an answer is missing: anything of ours may be there, now or later */
};

/* Whether the server renames folders. */
enum folder_renames { RENAMES_UNKNOWN, RENAMES_FOLDERS, RENAMES_NO_FOLDERS };

struct vmx_lock {
    struct remote *remote;
    enum lock_state state;
    char *name; /* of the .vmx */
    char *dir;  /* the server's path of its folder, with a final slash */
    char token[TOKEN_MAX + 1];
    struct lock_paths paths;
    int64_t asked_at;                /* clock_boot_ms() */
    bool in_place;                   /* signed in its place: the server renames no folders */
    bool installed;                  /* the temporary file has left the lock */
    struct sftp_handle temp, folder; /* open while held; temp only if TOKEN is a file, folder only
                                        if it may be listed */
    struct sftp_call *make, *sign, *take, *stat, *folder_open;
    struct vmx_lock *prev, *next; /* in remote->attempts, with its lock; prev NULL: not there */
};

/* Draws a token. moves: it is a folder. 0, -ENAMETOOLONG, -ENOMEM. Ends with vmx_lock_done in any
 * case. */
int vmx_lock_init(struct vmx_lock *lock, struct remote *remote, const char *path, bool moves);
void vmx_lock_done(struct vmx_lock *lock);

/* First flight: sends. */
void vmx_lock_ask(struct vmx_lock *lock);

/* First flight: waits. 0: the lock is held, temp and folder are open. -EAGAIN: it is somebody
 * else's (diag tells whose) or has just been broken: try again after a while. -errno. */
int vmx_lock_answer(struct vmx_lock *lock, const struct wait *wait, struct vmx_diag *diag);

/* Of a lock that is held: asks for the attributes of its token, which was made when it was taken.
 */
struct sftp_call *vmx_lock_ask_token(const struct vmx_lock *lock);

/* Until when (clock_boot_ms()) the owner may send what others see. */
int64_t vmx_lock_expiry(const struct vmx_lock *lock);

/* Sends what sets the target aside, for a server without posix-rename: behind it the temporary file
 * is to be renamed to its place, in the same flight. */
void vmx_lock_set_aside(struct vmx_lock *lock);

/* The temporary file was renamed to its place. */
void vmx_lock_installed(struct vmx_lock *lock);

/* Lets go, whatever the state, without waiting. */
void vmx_lock_drop(struct vmx_lock *lock);
