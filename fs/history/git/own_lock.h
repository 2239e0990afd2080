/* SPDX-License-Identifier: MIT */
/*
 * Lock files of git, "NAME.lock", such that one left by a killed process is known: each is a second
 * name of a file of ours (DIR/.git/vmxfs/lock-NAME). Whoever takes one has the lock of the spool,
 * so a file of ours that is there already is nobody's.
 */
#pragma once

#include "parser/text/buf.h"

struct own_lock {
    char *lock, *own;
};

/* Waits a moment for the owner's git. content: of the file. 0; -EAGAIN: it has the lock; -errno. */
int own_lock_take(struct own_lock *lock, const char *git_dir, const char *name, const char *own,
                  struct span content);

/* Makes the lock's file the one that it locks: path. 0; -errno: it is not. */
int own_lock_install(const struct own_lock *lock, const char *path);

/* Gives it back, also where it was not had. */
void own_lock_give(struct own_lock *lock);
