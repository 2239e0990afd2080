/* SPDX-License-Identifier: MIT */
#include "removed.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "vmx.h"

enum { REMOVED_MAX = 16 };

struct removed {
    char *path;
    struct document *document;
    int64_t until;
    struct removed *prev, *next;
};

static void drop(struct vfs *vfs, struct removed *item) REQUIRES(vfs->lock)
{
    DL_DELETE(vfs->removed, item);
    document_unref(&item->document);
    free(item->path);
    free(item);
}

/* Drops what is too old, what is too much, and what is about path. */
static void make_room(struct vfs *vfs, const char *path) REQUIRES(vfs->lock)
{
    struct removed *item;
    struct removed *next;
    int n = 0;
    DL_FOREACH_SAFE(vfs->removed, item, next)
    {
        if (++n >= REMOVED_MAX || item->until <= clock_ms() || strcmp(item->path, path) == 0)
            drop(vfs, item);
    }
}

void removed_note(struct call *c, const char *path)
{
    DOCUMENT_AUTO *doc = NULL;
    if (remote_document(c->vfs->remote, path, cache_ms(c), &c->wait, &doc) < 0)
        return;
    struct removed *item = calloc(1, sizeof(*item));
    char *copy = strdup(path);
    if (!item || !copy) {
        free(item);
        free(copy);
        return;
    }
    *item =
        (struct removed){.path = copy, .document = steal(doc), .until = clock_ms() + REMEMBER_MS};
    lock_take(&c->vfs->lock);
    make_room(c->vfs, path);
    DL_PREPEND(c->vfs->removed, item);
    lock_drop(&c->vfs->lock);
}

struct document *removed_find(struct vfs *vfs, const char *path)
{
    struct document *found = NULL;
    struct removed *item;
    lock_take(&vfs->lock);
    DL_FOREACH (vfs->removed, item) {
        if (!found && item->until > clock_ms() && strcmp(item->path, path) == 0)
            found = document_ref(item->document);
    }
    lock_drop(&vfs->lock);
    return found;
}

void removed_free_all(struct vfs *vfs)
{
    lock_take(&vfs->lock);
    while (vfs->removed)
        drop(vfs, vfs->removed);
    lock_drop(&vfs->lock);
}
