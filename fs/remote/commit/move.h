/* SPDX-License-Identifier: MIT */
/*
 * One attempt to rename or remove a .vmx, without the queues before it and the trying again behind
 * it (commit.c). Errors that ask for another attempt: as in attempt.h.
 */
#pragma once

#include "commit.h"

/* A file that is renamed to "to", or removed (NULL). At least one of the names is a .vmx's. */
struct move {
    struct remote *remote;
    const char *path, *to;
    enum move_onto onto;
    const struct remote_by *by; /* NULL: nobody is told of it */
    const struct wait *wait;
    struct diag *diag;
    const char **refused; /* set to the name that an error is about; may be NULL */
};

/* The file that a change with a lost answer was to move. All zeros at first. */
struct lost_move {
    bool sent;               /* it may have been made, and ... */
    struct sftp_attrs attrs; /* ... moved this, ... */
    struct buf text;         /* ... a document with this text, or another file */
};
void lost_move_done(struct lost_move *lost);

/* Works under the locks of all names that are a .vmx's, and only if no VM of theirs is in use.
 * -ENOENT: the file does not exist; -EEXIST, -ENOTEMPTY: the file at the new name is not to be
 * replaced. */
int attempt_move(const struct move *move, struct lost_move *lost);

/* The file that was to be moved is not there any more: tells whether a lost change moved it. 0;
 * -ENOENT: none was sent; -EIO: the new name is another file's, and the outcome is unknown, with
 * *diag; -errno. */
int lost_move_answer(const struct move *move, const struct lost_move *lost);
