/* SPDX-License-Identifier: MIT */
#include "removed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "parser/edit.h"
#include "vmx.h"

enum { REMOVED_MAX = 16 };

struct removed {
    char *path;
    struct vmx_dict *rest;
    int64_t until;
    struct removed *prev, *next;
};

static void drop(struct vfs *vfs, struct removed *item) REQUIRES(vfs->lock)
{
    DL_DELETE(vfs->removed, item);
    vmx_dict_free(item->rest);
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

static int rest_of(const struct document *doc, struct vmx_dict **ret)
{
    BUF_AUTO text = {0};
    int r = vmx_replace_rest(doc->dict, &text);
    return r == 0 ? vmx_dict_parse(buf_span(&text), ret) : r;
}

void removed_note(struct call *c, const char *path)
{
    DOCUMENT_AUTO *doc = NULL;
    if (remote_document(c->vfs->remote, path, cache_ms(c), &c->wait, &doc) < 0)
        return;
    struct removed *item = calloc(1, sizeof(*item));
    char *copy = strdup(path);
    struct vmx_dict *rest = NULL;
    if (!item || !copy || rest_of(doc, &rest) < 0) {
        free(item);
        free(copy);
        return;
    }
    *item = (struct removed){.path = copy, .rest = rest, .until = clock_ms() + REMEMBER_MS};
    lock_take(&c->vfs->lock);
    make_room(c->vfs, path);
    DL_PREPEND(c->vfs->removed, item);
    lock_drop(&c->vfs->lock);
}

int removed_check(struct vfs *vfs, const char *path, const struct vmx_dict *text,
                  struct vmx_diag *diag)
{
    struct removed *item;
    int r = -ENOENT;
    lock_take(&vfs->lock);
    DL_FOREACH (vfs->removed, item) {
        if (r == -ENOENT && item->until > clock_ms() && strcmp(item->path, path) == 0)
            r = vmx_replace_check(item->rest, text, diag);
    }
    lock_drop(&vfs->lock);
    return r;
}

void removed_free_all(struct vfs *vfs)
{
    lock_take(&vfs->lock);
    while (vfs->removed)
        drop(vfs, vfs->removed);
    lock_drop(&vfs->lock);
}
