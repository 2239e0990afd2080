/* SPDX-License-Identifier: MIT */
/*
 * One attempt to rename or remove a .vmx, without the queues before it and the trying again behind
 * it (commit.c). Errors that ask for another attempt: as in attempt.h.
 */
#pragma once

#include "commit.h"

/* A file that is renamed to "to", or removed (NULL). At least one of the names is a .vmx's. */
struct move {
    const char *path, *to;
    enum move_onto onto;
};

/* Under the locks of all names that are a .vmx's, and if no VM of theirs is in use. -ENOENT: there
 * is no such file; -EEXIST, -ENOTEMPTY: what has the new name is not to be replaced. */
int attempt_move(struct remote *remote, const struct move *move, const struct wait *wait,
                 struct vmx_diag *diag);
