/* SPDX-License-Identifier: MIT */
/*
 * The git repository of a history: made, recognized, opened, and the one branch of it that vmxfs
 * moves. A handle is of one thread. Packs come and go (join.h), so a handle that is kept may miss
 * an object that is there: one opens the repository anew then.
 */
#pragma once

#include <git2.h>
#include <stdbool.h>

#include "parser/text/diag.h"

/* Makes the work tree's folder, with its parents, and DIR/.git, where they are missing. 0;
 * -ENOTEMPTY: something else is there, and nothing was changed; -errno. *ret_made: it made the
 * folder. branch: its full name, which HEAD gets. */
int repository_make(const char *dir, const char *branch, bool *ret_made, struct diag *why);

/* Opens what repository_make has made. 0; -errno, with *why. */
int repository_open(const char *dir, git_repository **ret, struct diag *why);
void repository_close(git_repository **repository);
#define REPOSITORY_AUTO __attribute__((cleanup(repository_close))) git_repository

/* The commit at which the branch is. 0; -ENOENT: there is none yet; -EIO. */
int repository_tip(git_repository *repository, const char *branch, git_oid *ret);

/* Moves the branch, if it is still where "from" says (NULL: nowhere). 0; -EAGAIN: it is not;
 * -errno. message: for the reflog. */
int repository_move(git_repository *repository, const char *branch, const git_oid *from,
                    const git_oid *to, const char *message, struct diag *why);

/* What libgit2 said last, as an errno and a sentence: an error code of it, or one that is >= 0. */
int repository_error(int error, const char *doing, struct diag *why);
