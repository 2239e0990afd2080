/* SPDX-License-Identifier: MIT */
/*
 * What processes that are gone left in a folder that shows nothing: a lock whose .vmx was moved or
 * removed, the folder of a token. The next change of the same .vmx never comes there, and nobody
 * sees what keeps the folder from being removed or replaced.
 */
#pragma once

#include "remote/remote.h"

/* Asks the server to remove from a folder what is over (lock.h), if all that the folder holds are
 * names of vmxfs's own. True: it did, and what was refused for want of an empty folder can be tried
 * once more; diag says, as far as is known, why it may be refused again. */
bool leftovers_clear(struct remote *remote, const char *dir, const struct wait *wait,
                     struct diag *diag);

/* Whether a .vmx may have no name, and be in its lock, since its owner ended between the two
 * renames of a server that replaces no files (lock.h). */
bool leftovers_may_be_set_aside(const struct remote *remote);

/* Gives a .vmx the name back that it lost in such a way, once the time of its lock is over. False:
 * it has not lost it, or somebody may still be at work. */
bool leftovers_give_back(struct remote *remote, const char *path, const struct wait *wait);

/* The path of the .vmx of which a name of vmxfs's own in a directory tells that it is its lock, or
 * was made beside it. What tells none, a token's folder, can be that of any. NULL: no memory. */
char *leftovers_vmx(const char *dir, const char *name);

/* Tells the user of a folder that stays refused, though it shows nothing. */
void leftovers_note(struct remote *remote, const char *dir, const struct diag *diag);
