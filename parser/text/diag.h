/* SPDX-License-Identifier: MIT */
/*
 * Why something was refused, for people: a sentence, and the place in the text where there is one.
 * Functions that take a struct vmx_diag * accept NULL and fill it only when they fail.
 */
#pragma once

#include <stddef.h>

struct vmx_diag {
    size_t line;   /* from 1; 0: no place */
    size_t column; /* in bytes, from 1; 0: the whole line */
    char text[240];
};

void vmx_diag_set(struct vmx_diag *diag, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
