/* SPDX-License-Identifier: MIT */
/* The text of a name in listings, which those that follow from one another share. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct listing_name {
    atomic_uint refs;
    char text[];
};

static inline struct listing_name *listing_name_of(char *text)
{
    return (struct listing_name *)(text - offsetof(struct listing_name, text));
}

/* A reference to a copy, or NULL. */
static inline char *listing_name_new(const char *text)
{
    const size_t size = strlen(text) + 1;
    struct listing_name *name = malloc(sizeof(*name) + size);
    if (!name)
        return NULL;
    atomic_init(&name->refs, 1);
    memcpy(name->text, text, size);
    return name->text;
}

static inline void listing_name_ref(char *text)
{
    atomic_fetch_add(&listing_name_of(text)->refs, 1);
}

static inline void listing_name_unref(char *text)
{
    struct listing_name *name = listing_name_of(text);
    if (atomic_fetch_sub(&name->refs, 1) == 1)
        free(name);
}
