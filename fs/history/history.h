/* SPDX-License-Identifier: MIT */
/*
 * The history of the .vmx files that a mount sees: a git repository with a work tree, made of what
 * is committed here and of what others are seen to have changed.
 *
 * What is told to it is taken into a queue and never makes anybody wait or fail; a thread of its
 * own records it. Several processes share one repository (spool.h). Secrets are replaced before
 * anything is written anywhere (parser/history/secret.h).
 */
#pragma once

#include <sys/types.h>

#include "parser/text/diag.h"
#include "parser/text/text.h"

struct history;

struct history_options {
    const char *dir;        /* of the work tree; made where it is missing; all strings are copied */
    const char *host;       /* as ssh -G says; for a local directory the machine's own name */
    const char *mountpoint; /* for the trailer "Mount" */

    /* Appends the name below HOST/ of a .vmx that has this path in the mount (DATASTORE/FOLDER/
     * NAME.vmx, as it is shown, not encoded). From any thread, no lock held. 0, -errno. */
    int (*name)(void *ctx, const char *path, struct buf *ret);
    /* Whether this path leads into the work tree itself, of which nothing is recorded.
     * NULL: none does. */
    bool (*is_own)(void *ctx, const char *path);
    /* Tells the user what he should know. path: NULL: of the history as a whole. */
    void (*note)(void *ctx, const char *path, const char *text);
    void *ctx;
};

/* Who asked for a change. */
struct history_by {
    uid_t uid;          /* a local user */
    char program[16];   /* as proc(5) has it in "comm"; "" where it is not known */
    const char *undoes; /* what an undo takes back: history_version.id, for its trailer; or NULL.
                           Borrowed during the call */
    bool undoes_since;  /* it takes back all that was after that version, and not it */
};

/* Makes dir, and the key of the secrets beside it. *ret_made: it made the folder. Begins no thread.
 * 0; -EOPNOTSUPP: built without libgit2; -EACCES, ... with *why. */
int history_new(const struct history_options *options, struct history **ret, bool *ret_made,
                struct diag *why);

/* Begins recording; after the last fork. 0, -errno. */
int history_begin(struct history *history);

/* Records what is left, as far as it can be done soon; what cannot stays in the spool for the next
 * process. Accepts NULL, as all that follow do. */
void history_free(struct history *history);

/* What happened to the .vmx that has this path in the mount. None of these waits or fails. Texts
 * are borrowed during the call. */

/* A change that was made here: of a file that was not there before, too (existed). */
void history_committed(struct history *history, const char *path, bool existed, struct span before,
                       struct span after, const struct history_by *by);
void history_renamed(struct history *history, const char *from, const char *to,
                     const struct history_by *by);
void history_removed(struct history *history, const char *path, const struct history_by *by);

/* The text that the server was found to have. read_ms: CLOCK_REALTIME, in ms, when the reading
 * began. */
void history_seen(struct history *history, const char *path, struct span text, int64_t read_ms);
/* It is not there any more. */
void history_gone(struct history *history, const char *path, int64_t seen_ms);
