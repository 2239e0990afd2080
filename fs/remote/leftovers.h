/* SPDX-License-Identifier: MIT */
/*
 * What processes that are gone left in a folder that shows nothing: a lock whose .vmx was moved or
 * removed, the folder of a token. The next change of the same .vmx never comes there, and nobody
 * sees what keeps the folder from being removed or replaced.
 */
#pragma once

#include "parser/diag.h"
#include "remote.h"

/* Asks the server to remove from a folder what is over (lock.h), if all that the folder holds are
 * names of vmxfs's own. True: it did, and what was refused for want of an empty folder can be tried
 * once more; diag says, as far as is known, why it may be refused again. */
bool leftovers_clear(struct remote *remote, const char *dir, const struct wait *wait,
                     struct vmx_diag *diag);

/* Tells the user of a folder that stays refused, though it shows nothing. */
void leftovers_note(struct remote *remote, const char *dir, const struct vmx_diag *diag);
