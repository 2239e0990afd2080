/* SPDX-License-Identifier: MIT */
#include "guess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

/* The path of a folder's document, the caller's; NULL: no memory. */
static char *document_of(const char *folder)
{
    char *path;
    return asprintf(&path, "%s/%s.vmx", folder, path_name(folder)) < 0 ? NULL : path;
}

void guess_learn(struct guess *guess, const char *path)
{
    FREE_AUTO char *folder = path_dir(path);
    FREE_AUTO char *expected = folder && folder[0] ? document_of(folder) : NULL;
    if (!expected || strcmp(expected, path) != 0)
        return;
    free(guess->from);
    guess->from = steal(expected);
}

char *guess_of(struct guess *guess, const char *folder)
{
    FREE_AUTO char *dir = path_dir(folder);
    FREE_AUTO char *from_folder = guess->from ? path_dir(guess->from) : NULL;
    FREE_AUTO char *from_dir = from_folder ? path_dir(from_folder) : NULL;
    if (!dir || !from_dir || strcmp(dir, from_dir) != 0)
        return NULL;
    free(guess->path);
    guess->path = document_of(folder);
    return guess->path;
}

bool guess_is(const struct guess *guess, const char *path)
{
    return guess->path && strcmp(guess->path, path) == 0;
}

void guess_was_wrong(struct guess *guess)
{
    guess_done(guess);
    *guess = (struct guess){0};
}

void guess_done(struct guess *guess)
{
    free(guess->from);
    free(guess->path);
}
