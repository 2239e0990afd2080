/* SPDX-License-Identifier: MIT */
/* A history whose commits the git program makes, as a vmxfs would, or their owner. */
#pragma once

#include "history/versions.h"

enum { REPO_TIME = 1795716145 }; /* 2026-11-26T18:02:25Z */

#define BY_VMXFS "Program: bash\nMount: /mnt\nBy: vmxfs\n"
#define BY_OTHERS "Mount: /mnt\nBy: others\n"
#define BY_HOST "Mount: /mnt\nBy: host\n"

struct repo {
    char dir[64];
    struct history *history;
    struct wait wait;
};

int repo_set_up(void **state);
int repo_tear_down(void **state);

/* Makes commits out of a text as git-fast-import(1) takes it, in which BRANCH stands for the
 * branch's full name. */
void repo_import(struct repo *repo, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One commit on the branch, later seconds after REPO_TIME. trailers: with newlines; "": none. files:
 * "M 100644 inline PATH\ndata <<E\n...E\n", "D PATH\n", ... below the host's folder "esx1/". */
void repo_commit(struct repo *repo, int later, const char *author, const char *trailers,
                 const char *files);

/* A file's text, for repo_commit. */
#define FILE_IS(path, text) "M 100644 inline esx1/" path "\ndata <<E\n" text "E\n"
#define FILE_GOES(path) "D esx1/" path "\n"

/* Runs git with this, in the work tree. */
void repo_git(struct repo *repo, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The branch, as refs/heads/... */
const char *repo_branch(const struct repo *repo);
