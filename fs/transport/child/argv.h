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

void words_add(struct words *w, const char *word);
void words_addf(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds the parts of text between spaces and tabs. */
void words_split(struct words *w, const char *text);

void words_done(struct words *w);

#define WORDS_AUTO __attribute__((cleanup(words_done))) struct words
