/* SPDX-License-Identifier: MIT */
/*
 * Private to the parser: where in a document a key stands, in 4 to 8 bytes a key (an intrusive hash
 * table would take more than the document itself). Keys compare without regard to ASCII case.
 *
 * The hash is seeded, so that the author of a document does not know which keys would collide.
 */
#pragma once

#include <stdint.h>

#include "dict.h"

struct key_index {
    uint32_t *slots; /* extent + 1; 0: free */
    size_t mask;     /* slots less one; a power of two less one */
    uint64_t seed;
};

/* Room for that many keys. 0, -ENOMEM. */
int key_index_init(struct key_index *index, size_t keys);
void key_index_done(struct key_index *index);

/* The slot of a key: it holds the key's extent + 1, or 0 if the key is not there. extents: those
 * that the numbers in the slots mean; text: where they are. */
uint32_t *key_index_slot(const struct key_index *index, const char *text,
                         const struct vmx_extent *extents, struct span key);
