/* SPDX-License-Identifier: MIT */
/*
 * Which document a user will come for who looks a folder up whose directory was not listed. ESXi
 * names a .vmx like its folder, so where a user came for X/X.vmx, it is Y/Y.vmx beside that; until
 * such a guess was wrong.
 */
#pragma once

#include <stdbool.h>

struct guess {
    char *from; /* the document that a user came for; or NULL */
    char *path; /* what was guessed last; or NULL */
};

/* A user comes for a document that is not known. It may prove not to be there. */
void guess_learn(struct guess *guess, const char *path);

/* The path of the document in a folder, valid until the next call; NULL: there is no guess. It is
 * worth something only if the document at from is there, which the caller looks at. */
char *guess_of(struct guess *guess, const char *folder);

/* Whether that was guessed last. */
bool guess_is(const struct guess *guess, const char *path);

void guess_was_wrong(struct guess *guess);
void guess_done(struct guess *guess);
