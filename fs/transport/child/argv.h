/* SPDX-License-Identifier: MIT */
/*
 * A list of strings that grows: an argument vector, a list of paths. All zeros is empty and valid.
 * The first failure is kept in error, so that a list can be built without a check at each step.
 */
#pragma once

#include <stddef.h>

struct words {
    char **list; /* n strings and a NULL; NULL itself while empty */
    size_t n;
    int error; /* 0 or -ENOMEM */
};

/* Both return the list's copy, borrowed until words_done; NULL after a failure. */
const char *words_add(struct words *w, const char *word);
const char *words_addf(struct words *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds the parts of text between separators; an empty one is none. */
void words_split(struct words *w, const char *text, const char *separators);

void words_done(struct words *w);

#define WORDS_AUTO __attribute__((cleanup(words_done))) struct words
