/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "listing_name.h"
#include "parser/text/list.h"

enum { BLOCK_BYTES = 16 }; /* what a block of memory takes besides its content */

static void destroy(struct cached *c)
{
    struct listing *l = (struct listing *)c;
    for (size_t i = 0; i < l->n; i++)
        listing_name_unref(l->entries[i].name);
    free(l->entries);
    free(l);
}

struct listing *listing_new(void)
{
    struct listing *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->cached.destroy = destroy;
    l->cached.bytes = sizeof(*l);
    atomic_init(&l->cached.refs, 1);
    return l;
}

size_t listing_entry_bytes(const char *name)
{
    return sizeof(struct listing_entry) + strlen(name) + 1 + BLOCK_BYTES;
}

int listing_add(struct listing *listing, const char *name, const struct sftp_attrs *attrs)
{
    struct listing_entry *more = list_room(listing->entries, listing->n, sizeof(*more));
    if (more)
        listing->entries = more;
    char *copy = more ? listing_name_new(name) : NULL;
    if (!copy)
        return -ENOMEM;
    more[listing->n++] = (struct listing_entry){.name = copy, .attrs = *attrs};
    return 0;
}

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
