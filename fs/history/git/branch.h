/* SPDX-License-Identifier: MIT */
/*
 * The one branch that vmxfs moves. libgit2's own way leaves a lock file behind if the process is
 * killed, which would keep the branch from being moved ever again.
 */
#pragma once

#include <git2.h>
#include <stdbool.h>

#include "parser/text/diag.h"

struct branch_move {
    const char *branch;       /* its full name, without a folder below refs/heads */
    const git_oid *from, *to; /* from: where it must be; NULL: nowhere */
    const char *name, *mail;  /* who moves it, and why, for the reflog */
    const char *message;
};

/* The commit at which it is. 0; -ENOENT: there is none yet; -EIO. */
int branch_tip(git_repository *repository, const char *branch, git_oid *ret);

/* Moves it, durably. 0; -EAGAIN: it is not where it must be, or locked by the owner's git; -errno.
 * *ret_moved: it was moved; where that is set and this fails, a power loss may still take it back.
 */
int branch_move(git_repository *repository, const struct branch_move *move, bool *ret_moved,
                struct diag *why);

/* Makes a move durable that another process may have left unfinished. 0, -errno. */
int branch_sync(git_repository *repository, const char *branch);

/* Whether it is checked out. */
bool branch_is_checked_out(git_repository *repository, const char *branch);
