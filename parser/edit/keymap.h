/* SPDX-License-Identifier: MIT */
/*
 * Private to the parser: a map that grows, from keys (without regard to ASCII case) to what
 * somebody has to remember about them. It borrows the keys' bytes. All zeros is empty and valid.
 */
#pragma once

#include <uthash.h>

#include "parser/text/buf.h"

struct keymap_item {
    UT_hash_handle hh;
    void *pointer; /* both are the user's, and 0 at first */
    size_t count;
};

struct keymap {
    struct keymap_item *items;
};

/* NULL if the key is not there. */
struct keymap_item *keymap_find(const struct keymap *map, struct span key);

/* Finds the key or adds it. NULL without memory. */
struct keymap_item *keymap_add(struct keymap *map, struct span key);

void keymap_done(struct keymap *map);

#define KEYMAP_AUTO __attribute__((cleanup(keymap_done))) struct keymap
