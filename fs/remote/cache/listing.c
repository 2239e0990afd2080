/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

static int compare_name(const void *name, const void *entry)
{
    const struct listing_entry *e = entry;
    return strcmp(name, e->name);
}

const struct listing_entry *listing_find(const struct listing *listing, const char *name)
{
    if (listing->n == 0)
        return NULL;
    return bsearch(name, listing->entries, listing->n, sizeof(*listing->entries), compare_name);
}
