/* SPDX-License-Identifier: MIT */
/* A short list of names with their values, in the order in which they came. All zeros is empty and
 * valid. */
#pragma once

#include "buf.h"

struct pair {
    struct buf name, value;
};

struct pairs {
    struct pair *items;
    size_t n;
};

/* The pair of that name, or NULL. same: what is one name, span_eq or span_eq_fold. */
struct pair *pairs_find(const struct pairs *pairs, struct span name,
                        bool (*same)(struct span, struct span));

/* The value of that name becomes this one. 0, -ENOMEM. */
int pairs_set(struct pairs *pairs, struct span name, struct span value,
              bool (*same)(struct span, struct span));
void pairs_done(struct pairs *pairs);

#define PAIRS_AUTO __attribute__((cleanup(pairs_done))) struct pairs
