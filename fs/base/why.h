/* SPDX-License-Identifier: MIT */
/* The sentence that goes with an errno: what failed and what to do next, on one line. */
#pragma once

struct why {
    char text[512];
};

/* Accepts NULL. */
void why_set(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
