/* SPDX-License-Identifier: MIT */
#include "pairs.h"

#include <errno.h>

#include "list.h"

struct pair *pairs_find(const struct pairs *pairs, struct span name,
                        bool (*same)(struct span, struct span))
{
    for (size_t i = 0; i < pairs->n; i++) {
        if (same(buf_span(&pairs->items[i].name), name))
            return &pairs->items[i];
    }
    return NULL;
}

int pairs_set(struct pairs *pairs, struct span name, struct span value,
              bool (*same)(struct span, struct span))
{
    struct pair *pair = pairs_find(pairs, name, same);
    int r = 0;
    if (!pair) {
        struct pair *items = list_room(pairs->items, pairs->n, sizeof(*items));
        if (!items)
            return -ENOMEM;
        pairs->items = items;
        pair = &items[pairs->n++];
        *pair = (struct pair){0};
        r = buf_add(&pair->name, name);
    }
    buf_clear(&pair->value);
    return r ?: buf_add(&pair->value, value);
}

void pairs_done(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        buf_done(&pairs->items[i].name);
        buf_done(&pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct pairs){0};
}
