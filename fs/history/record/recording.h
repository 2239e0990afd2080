/* SPDX-License-Identifier: MIT */
/*
 * One recording, under the lock: commits are made in memory, one on the other, and published
 * together: one pack, one move of the branch.
 */
#pragma once

#include "../git/objects.h"
#include "../history_private.h"
#include "../spool/last.h"
#include "message.h"

enum { RECORDING_BYTES = 16 << 20 }; /* of new objects; more are published first */

struct recording {
    const struct history *history;
    const struct spool *spool; /* locked */
    git_repository *repository;
    git_odb *odb;
    const char *git_dir;
    struct objects objects;
    struct last last;
    int64_t began_ns; /* what this process was told before that is in the spool */
    git_oid tip;      /* of the branch; zero: none yet */
    git_oid head;     /* the newest commit, published or not; its tree */
    git_oid tree;
    size_t commits;     /* that are not published */
    struct buf subject; /* of the newest */
};

/* Opens the repository, and ends what a killed process has not. recording_end in any case. */
int recording_begin(struct recording *rec, const struct history *history, const struct spool *spool,
                    struct diag *why);
void recording_end(struct recording *rec);

/* The text that is recorded at a path, as a blob. 0, -ENOENT, -EIO. */
int recording_blob(const struct recording *rec, const char *file, git_oid *ret);

/* The id that a text would have. */
int recording_id(struct span text, git_oid *ret);

struct recording_change {
    const char *file;
    const struct span *after; /* NULL: it is gone */
};

/* Makes a commit of these changes; none where nothing differs. Of no changes (n is 0) it makes one
 * that has the message alone. */
int recording_commit(struct recording *rec, const struct recording_change *changes, size_t n,
                     const struct message *message);

/* 0; -EAGAIN: the branch was moved meanwhile, and all must begin anew; -errno. */
int recording_publish(struct recording *rec, struct diag *why);
