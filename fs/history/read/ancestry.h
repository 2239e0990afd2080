/* SPDX-License-Identifier: MIT */
/* The changes of one file, also those that were made under the names that it had before. */
#pragma once

#include "reader.h"

struct ancestor {
    struct reader_change *change;
    const struct reader_change *moved_from; /* it only gave the file this name; or NULL */
};

struct ancestry {
    struct ancestor *list; /* the oldest one first */
    size_t n;
};

/* All must be known. name: below the host's folder. 0, -ENOMEM. */
int ancestry_of(const struct history_reader *reader, const struct reader_file *file,
                struct ancestry *ret);
void ancestry_done(struct ancestry *ancestry);
#define ANCESTRY_AUTO __attribute__((cleanup(ancestry_done))) struct ancestry
