/* SPDX-License-Identifier: MIT */
#define HASH_FUNCTION(key, n, hash) ((hash) = span_hash_fold((struct span){(key), (n)}))
#define HASH_KEYCMP(a, b, n) (!span_eq_fold((struct span){(a), (n)}, (struct span){(b), (n)}))

#include "keymap.h"

#include <stdlib.h>

struct keymap_item *keymap_find(const struct keymap *map, struct span key)
{
    struct keymap_item *item = NULL;
    if (map->items)
        HASH_FIND(hh, map->items, key.p, key.n, item);
    return item;
}

struct keymap_item *keymap_add(struct keymap *map, struct span key)
{
    struct keymap_item *item = keymap_find(map, key);
    if (item)
        return item;
    item = calloc(1, sizeof(*item));
    if (!item)
        return NULL;
    HASH_ADD_KEYPTR(hh, map->items, key.p, key.n, item);
    if (!item->hh.tbl) { /* how uthash says that it had no memory */
        free(item);
        return NULL;
    }
    return item;
}

void keymap_done(struct keymap *map)
{
    struct keymap_item *item = NULL;
    struct keymap_item *next = NULL;
    HASH_ITER (hh, map->items, item, next) {
        HASH_DELETE(hh, map->items, item);
        free(item);
    }
}
