/* SPDX-License-Identifier: MIT */
/*
 * What the branch says of one host's files, kept in memory for the mount: each commit is looked at
 * once. A branch is its line of first parents. Where it was set back or rebased, all is looked at
 * anew.
 *
 *      tip ── commit ── commit ── known ── ... ── known ── commit ── commit ── ... ── first
 *       └─────── above ───────┘    └───── known ──────┘     └───────── below ─────────┘
 *         newest first, as they       oldest first            newest first, looked at
 *         are walked                                          when all is asked for
 *
 * A walk that was interrupted goes on where it ended, though the branch may have moved on.
 */
#pragma once

#include <uthash.h>

#include "base/turn.h"
#include "walk.h"

/* A file's name below the host's folder. */
struct reader_file {
    char *name;
    uint32_t *changes; /* places of the known ones, the oldest first */
    size_t n;
    UT_hash_handle hh;
};

struct reader_change {
    struct reader_file *file;
    uint32_t commit;       /* its place among its list's commits */
    git_oid before, after; /* blobs; all zeros: none */
    char *lines;           /* of the log (log.c); NULL: not made yet */
};

struct reader_list {
    struct walk_commit *commits; /* only those that change something */
    size_t n;
    uint32_t *first; /* of each: the place of its first change; the others follow */
    struct reader_change *changes;
    size_t n_changes;
};

/* A walk that is not complete yet. */
struct reader_walk {
    bool on;
    git_oid at; /* what it looks at next */
    struct reader_list list;
};

struct history_reader {
    char *dir, *branch, *host;
    struct walk walk;
    bool open;        /* the repository */
    struct turn turn; /* who has it may use all the rest */
    git_oid tip;      /* the newest that is known; zeros: nothing is */
    struct reader_list known;
    struct reader_walk above, below; /* below is on from when something is known until all is */
    git_oid target;                  /* where the walk above has begun */
    struct reader_list *walked;      /* what is seen now goes here */
    struct reader_file *files;
};

/* branch: refs/heads/USER@MACHINE; host: its folder's name in the tree. Opens nothing yet. -ENOMEM.
 */
int reader_new(const char *dir, const char *branch, const char *host, struct history_reader **ret);
void reader_free(struct history_reader *reader); /* accepts NULL */

/* Looks at what is new, and as far back as wanted: at all, or until so many changes are known that
 * are not a host's own. The caller has the turn. 0; -EINTR, -EIO, -ENOMEM. */
enum { READER_ALL = 0 };
int reader_update(struct history_reader *reader, size_t wanted, const struct wait *wait);

/* Appends the text of a blob that it has named. */
int reader_text(struct history_reader *reader, const git_oid *blob, struct buf *ret);

/* The file of this name; NULL: none was ever there. */
struct reader_file *reader_find(struct history_reader *reader, struct span name);

/* The change by which a file lost its name to the one that changed here, in the same commit: with
 * the text that that has now, and the only such. NULL: there is none. */
const struct reader_change *reader_moved_from(const struct history_reader *reader,
                                              const struct reader_change *change);
/* Whether another file took its name and text, as above. */
bool reader_moved_to(const struct history_reader *reader, const struct reader_change *change);
