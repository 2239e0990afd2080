/* SPDX-License-Identifier: MIT */
/*
 * The VMs of which the mount knows that something waits for them, because a listing showed it, or
 * it was written or read here; and the folders that it has moved. It is what the thread works on
 * (next_watch.c). Any thread may call all of it.
 */
#pragma once

#include <stdatomic.h>

#include <uthash.h>

#include "vfs/vfs_private.h"

/* One VM. */
struct next_waiting {
    int64_t look_at;       /* clock_ms() */
    int64_t off_since;     /* the same, since when it is known to be off; 0: it is not */
    int64_t foreign_since; /* the same, since when it is seen to be of another path; 0: it is not */
    bool told;             /* the user, of what cannot be applied */
    bool orphaned;         /* its last look found no .vmx */
    bool hurried;          /* it is to be looked at again behind the look that is under way */
    UT_hash_handle hh;
    char path[];
};

struct next_move {
    char *from, *to; /* the server's paths */
    struct next_move *prev, *next;
};

struct next_known {
    struct vfs *vfs;
    void *(*run)(void *known); /* the thread's; NULL: there is to be none */
    struct lock lock;          /* of all below; no other is taken while it is held */
    struct condition woken;    /* with lock: there is something to look at, or it is the end */
    struct next_waiting *waiting GUARDED_BY(lock);
    struct next_move *moves GUARDED_BY(lock);
    unsigned n_moves GUARDED_BY(lock);
    pthread_t thread GUARDED_BY(lock);
    bool begun GUARDED_BY(lock); /* there is the thread */
    atomic_bool stop;            /* changes with lock held */
};

/* Something waits for the .vmx of this path. */
void next_known_seen(struct next_known *known, const char *path);
void next_known_forget(struct next_known *known, const char *path);
bool next_known_has(struct next_known *known, const char *path);

/* What waits there names another path, from which it may just have been moved: whether that was
 * seen so lately that who moved it may not have rewritten it yet. */
bool next_known_spares(struct next_known *known, const char *path);

/* The VM's power was changed through this mount: it is looked at soon, if something waits for it.
 */
void next_known_hurry(struct next_known *known, const char *path);

/* Calls back, without the lock, with each path that is folder, or below it. */
void next_known_below(struct next_known *known, const char *folder,
                      void (*see)(void *ctx, const char *path), void *ctx);

/* Notes that a folder was moved. The paths are the server's. */
void next_known_note_move(struct next_known *known, const char *from, const char *to);

/* Where a file is now that was at the server's path "from": the caller's. NULL: it was not moved,
 * or there is no memory. */
char *next_known_moved_to(struct next_known *known, const char *from);
