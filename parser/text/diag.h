/* SPDX-License-Identifier: MIT */
/*
 * Why something failed or was refused, for people: a sentence on one line that says what and what
 * to do next, and the place in the text where there is one. Functions that take a struct diag *
 * accept NULL and fill it only when they fail.
 */
#pragma once

#include <stddef.h>

struct diag {
    size_t line;     /* from 1; 0: no place */
    size_t column;   /* in bytes, from 1; 0: the whole line */
    char text[2048]; /* has room for a command with the path of a file in it */
};

/* Both are -EINVAL, for a caller that refuses with it. */
int diag_set_at(struct diag *diag, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define diag_set(diag, ...) diag_set_at(diag, 0, 0, __VA_ARGS__)
