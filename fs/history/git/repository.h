/* SPDX-License-Identifier: MIT */
/*
 * The git repository of a history: made, recognized, opened. A handle is of one thread. Packs come
 * and go (join.h), so a handle that is kept may miss an object that is there: one opens the
 * repository anew then.
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

/* What libgit2 said last, as an errno and a sentence: an error code of it, or one that is >= 0. */
int repository_error(int error, const char *doing, struct diag *why);
