/* SPDX-License-Identifier: MIT */
/*
 * Listings after own removals. A folder is not listed anew, and its names are not asked for one by
 * one, because this mount has removed one of them: who removes a thousand files would wait for that
 * each time.
 *
 * The name could have been made anew before its removal is noted here. So it goes only if the
 * listing is still the one that was known before the removal was sent. Others may make names in the
 * folder, too: a name that is not in such a listing is asked for, and who lists the folder has it
 * listed anew. The time of the listing stays that of its load, so that what others do is seen as
 * late as ever; a load that is under way is older than the removal, and not kept.
 *
 * Listings are dropped where a .vmx is concerned, which is looked for by its attributes, where
 * links stand for directories, and where they are so long that copying costs as much as asking.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "listing.h"
#include "listing_name.h"
#include "remote/names/aliases.h"
#include "remote/names/paths.h"
#include "remote/remote_private.h"

enum { NAMES_MAX = 10000 };

static bool may_be_copied(const struct listing *l, const char *name)
{
    bool plain = l->n <= NAMES_MAX && !remote_is_vmx_name(name) && !remote_is_hidden_name(name);
    for (size_t i = 0; plain && i < l->n; i++)
        plain = !l->entries[i].shown_as && !l->entries[i].stands_for;
    return plain;
}

/* A copy without a name, if that is there. NULL: no memory. */
static struct listing *without(const struct listing *l, const char *name)
{
    struct listing *copy = listing_new();
    if (!copy)
        return NULL;
    copy->entries = calloc(l->n + 1, sizeof(*copy->entries));
    if (!copy->entries) {
        listing_unref(&copy);
        return NULL;
    }
    const struct listing_entry *gone = listing_find(l, name);
    for (size_t i = 0; i < l->n; i++) {
        if (&l->entries[i] == gone)
            continue;
        listing_name_ref(l->entries[i].name);
        copy->entries[copy->n++] = l->entries[i];
    }
    copy->cached.bytes = l->cached.bytes - (gone ? listing_entry_bytes(name) : 0);
    copy->own = l->own;
    copy->left_out = l->left_out;
    copy->changed = true;
    copy->took_ms = l->took_ms; /* and nothing of the root: its time has changed */
    return copy;
}

struct listing *listing_before(struct remote *remote, const char *path)
{
    FREE_AUTO char *dir = path_dir(path);
    return dir ? (struct listing *)cache_peek(remote->listings, dir, NULL) : NULL;
}

void listing_name_gone(struct remote *remote, const char *path, const struct listing *before)
{
    FREE_AUTO char *dir = path_dir(path);
    LISTING_AUTO *now =
        before && may_be_copied(before, path_name(path)) ? without(before, path_name(path)) : NULL;
    if (dir && (!now || !cache_replace(remote->listings, dir, &before->cached, &now->cached)))
        cache_drop(remote->listings, dir);
}
