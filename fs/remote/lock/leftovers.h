/* SPDX-License-Identifier: MIT */
/*
 * Leftovers of dead processes in a folder that shows nothing: a lock whose .vmx was moved or
 * removed, the folder of a token. The next change of the same .vmx never finds them there, and no
 * user sees what keeps the folder from being removed or replaced.
 */
#pragma once

#include "remote/remote.h"

/* Asks the server to remove names that are over (lock.h) from a folder that holds only names of
 * vmxfs's own. True: it did, and a request refused because the folder was not empty can be tried
 * once more; diag says, as far as is known, why it may be refused again. */
bool leftovers_clear(struct remote *remote, const char *dir, const struct wait *wait,
                     struct diag *diag);

/* Whether a .vmx may be nameless in its lock because its owner ended between the two renames that a
 * server needs that cannot replace files (lock.h). */
bool leftovers_may_be_set_aside(const struct remote *remote);

/* Gives a .vmx its name back that it lost in this way, once the time of its lock is over. False: it
 * has not lost the name, or its owner may still be at work. */
bool leftovers_give_back(struct remote *remote, const char *path, const struct wait *wait);

/* The path of the .vmx that a name of vmxfs's own in a directory belongs to, as its lock or as a
 * file made beside it. A token's folder, whose name tells no .vmx, can belong to any. NULL: no
 * memory. */
char *leftovers_vmx(const char *dir, const char *name);

/* Tells the user that a folder stays refused, though it shows nothing. */
void leftovers_note(struct remote *remote, const char *dir, const struct diag *diag);
