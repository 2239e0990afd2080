/* SPDX-License-Identifier: MIT */
#include "keyindex.h"

#include <errno.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 uint128;

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint128 product = (uint128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Setting bit 5 folds the letters, and some other bytes with them: those merely collide. */
static uint64_t folded_word(const char *p, size_t n)
{
    uint64_t word = 0;
    memcpy(&word, p, n);
    return word | 0x2020202020202020U;
}

static uint64_t hash_folded(struct span key, uint64_t seed)
{
    const uint64_t odd = 0x9e3779b97f4a7c15U;
    uint64_t hash = seed ^ key.n;
    size_t i = 0;
    for (; i + 8 <= key.n; i += 8)
        hash = mix(hash ^ folded_word(key.p + i, 8), odd);
    if (i < key.n)
        hash = mix(hash ^ folded_word(key.p + i, key.n - i), odd);
    return mix(hash, odd);
}

int key_index_init(struct key_index *index, size_t keys)
{
    size_t slots = 4;
    while (slots < keys + keys / 2)
        slots *= 2;
    uint32_t *memory = calloc(slots, sizeof(*memory));
    if (!memory)
        return -ENOMEM;
    /* Where memory lies is chosen anew for each process. */
    *index = (struct key_index){memory, slots - 1, (uint64_t)(uintptr_t)memory >> 4};
    return 0;
}

void key_index_done(struct key_index *index)
{
    free(index->slots);
    *index = (struct key_index){0};
}

uint32_t *key_index_slot(const struct key_index *index, const char *text,
                         const struct vmx_extent *extents, struct span key)
{
    size_t i = (size_t)hash_folded(key, index->seed) & index->mask;
    while (index->slots[i] != 0) {
        const struct vmx_extent *e = &extents[index->slots[i] - 1];
        struct span name = {text + e->at + e->line.name_at, e->line.name_len};
        if (span_eq_fold(name, key))
            break;
        i = (i + 1) & index->mask;
    }
    return &index->slots[i];
}
