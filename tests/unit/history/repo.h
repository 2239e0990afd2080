/* SPDX-License-Identifier: MIT */
/* A history in a folder of its own, with git as the judge of what is in it. */
#pragma once

#include "base/sync.h"
#include "history/history.h"

struct repo {
    char top[64];     /* all is below it, and removed with it */
    char dir[80];     /* of the history: not made yet */
    struct lock lock; /* of what follows */
    char notes[4096]; /* what the history said, in lines */
};

bool repo_noted(struct repo *repo, const char *words);
void repo_expect_notes(struct repo *repo, const char *all);

extern const struct history_by repo_user; /* whoever runs the test, by "test" */

void repo_make(struct repo *repo);
void repo_remove(struct repo *repo);
/* The same as a fixture of cmocka's. */
int repo_setup(void **state);
int repo_teardown(void **state);

/* A history of this folder, begun. Its names are the paths in the mount. */
struct history *repo_history(struct repo *repo, const char *host);
void repo_options(struct repo *repo, const char *host, struct history_options *ret);

/* What a command prints, which a shell runs in the folder; it must end with 0. Freed by the
 * caller. */
char *repo_run(const struct repo *repo, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Asserts what it prints, without its last newline. */
void repo_expect(const struct repo *repo, const char *expected, const char *command);
int repo_count(const struct repo *repo, const char *command);

/* Waits until the branch has that many commits, and who recorded them has done with the rest. */
void repo_wait(const struct repo *repo, int commits);

/* Asserts that git finds nothing wrong, and that the work tree is that of the commit. */
void repo_check(const struct repo *repo);

/* Tells it a commit of these texts. NULL: there was no file. */
void repo_commit(struct history *history, const char *path, const char *before, const char *after);
/* The text was seen right now. */
void repo_see(struct history *history, const char *path, const char *text);
