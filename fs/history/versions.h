/* SPDX-License-Identifier: MIT */
/* Reading a history: what was recorded, on the branch of this user and machine. */
#pragma once

#include "base/sync.h"
#include "history.h"

enum { HISTORY_ID = 40 };

enum history_origin {
    HISTORY_VMXFS,  /* made through a vmxfs */
    HISTORY_OTHERS, /* seen */
    HISTORY_HOST,   /* seen, and only of what a host writes by itself */
};

/* One state of a .vmx, made by one commit. */
struct history_version {
    char id[HISTORY_ID + 1]; /* of the commit, hexadecimal */
    int64_t time_s;          /* of its author, since 1970 */
    unsigned nth;            /* of the texts of its second, from 1 on; 0: it is none, as the next
                                two say */
    bool gone;               /* there was no file after it */
    bool moved;              /* it only gave the file this name */
    enum history_origin origin;
    char *user, *program;        /* "" where not known; owned */
    char undoes[HISTORY_ID + 1]; /* "": it is no undo */
    bool undoes_since;           /* history_by */
};

struct history_versions {
    struct history_version *list; /* the oldest one first */
    size_t n;
};

/* Waits until what was told to the history before this call is recorded: what is read before that
 * may lack a change that was made here. 0; -EIO: it is not; -EINTR. */
int history_wait(struct history *history, const struct wait *wait);

/* All versions of the .vmx that has this path in the mount, also from before it got this name. 0
 * (also where there are none); -EIO, -EINTR, -ENOMEM. */
int history_versions(struct history *history, const char *path, const struct wait *wait,
                     struct history_versions *ret);
void history_versions_done(struct history_versions *versions);

/* Appends the text of a version, without secrets (parser/history/secret.h). -ENOENT: it is gone, or
 * none of this file's. */
int history_text(struct history *history, const char *path, const char *id, const struct wait *wait,
                 struct buf *ret);

/* The same of the nth text of a second (history_version). */
int history_text_of_time(struct history *history, const char *path, int64_t time_s, unsigned nth,
                         const struct wait *wait, struct buf *ret);

/* Appends the lines of .vmxfs/log, the oldest one first: of one file, or of all of this host's
 * (path NULL: the newest HISTORY_LOG_MAX). Each: TIME TAB USER TAB PROGRAM TAB PATH TAB KEY TAB OLD
 * TAB NEW; of what happened to a file itself KEY is "-", and NEW says it. What a host changed by
 * itself is left out. 0, -errno. */
enum { HISTORY_LOG_MAX = 10000 };
int history_log(struct history *history, const char *path, const struct wait *wait,
                struct buf *ret);
