/* SPDX-License-Identifier: MIT */
#include "listed_documents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "listing.h"
#include "parser/text/list.h"
#include "remote/names/paths.h"
#include "remote/notes.h"

/* A reference, or NULL. */
static struct document *can_be_told_of(struct remote *remote, const char *path)
{
    DOCUMENT_AUTO *known = (struct document *)cache_peek(remote->documents, path, NULL);
    return known && !document_is_racy(known) ? document_ref(known) : NULL;
}

bool document_listed(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                     int64_t true_at)
{
    DOCUMENT_AUTO *known = can_be_told_of(remote, path);
    const bool same = known && document_same_version(&known->attrs, attrs);
    if (same)
        cache_confirm(remote->documents, path, &known->cached, true_at);
    return known && !same;
}

bool document_will_be_listed(struct remote *remote, const char *dir, const char *path)
{
    DOCUMENT_AUTO *known = can_be_told_of(remote, path);
    return known && cache_is_loading(remote->listings, dir);
}

bool document_is_listed(struct remote *remote, const char *path, int64_t *ret_true_at)
{
    FREE_AUTO char *dir = path_dir(path);
    LISTING_AUTO *l = dir ? (struct listing *)cache_peek(remote->listings, dir, ret_true_at) : NULL;
    const struct listing_entry *e = l ? listing_find(l, path_name(path)) : NULL;
    return e && remote_is_vmx(remote, e->name, &e->attrs);
}

/* ---- what is not there any more */

struct below {
    const char *dir;
    const struct listing *now; /* what is in the folder, so that it stays; or NULL */
    struct known_below *known;
    int error;
};

/* Whether the listing has the first component of a path. */
static bool has_first(const struct listing *l, const char *path)
{
    FREE_AUTO char *name = strndup(path, strcspn(path, "/"));
    return !name || listing_find(l, name);
}

static void add_below(void *ctx, const char *path, struct cached *c)
{
    struct below *below = ctx;
    struct known_below *known = below->known;
    const char *rest = path_below(below->dir, path);
    (void)c;
    if (below->error || !rest || (below->now && has_first(below->now, rest)))
        return;
    char **paths = list_room(known->paths, known->n, sizeof(*paths));
    char *copy = paths ? strdup(path) : NULL;
    if (paths)
        known->paths = paths;
    if (copy)
        known->paths[known->n++] = copy;
    else
        below->error = -ENOMEM;
}

struct listed {
    struct below below;
    struct remote *remote;
};

static void add_listed(void *ctx, const char *dir, struct cached *c)
{
    struct listed *listed = ctx;
    const struct listing *l = (const struct listing *)c;
    if (!path_below(listed->below.dir, dir))
        return;
    for (size_t i = 0; i < l->n && !listed->below.error; i++) {
        const struct listing_entry *e = &l->entries[i];
        if (!remote_is_vmx(listed->remote, e->name, &e->attrs))
            continue;
        FREE_AUTO char *path = path_join(dir, e->name);
        if (!path)
            listed->below.error = -ENOMEM;
        else
            add_below(&listed->below, path, NULL);
    }
}

static int find_below(struct below *below, struct remote *remote)
{
    unsigned long since = 0;
    cache_each_since(remote->documents, &since, add_below, below);
    return below->error;
}

int documents_known_below(struct remote *remote, const char *dir, struct known_below *ret)
{
    struct below below = {.dir = dir, .known = ret};
    return find_below(&below, remote);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Most have been read, and are listed too. */
static void keep_each_once(struct known_below *known)
{
    size_t kept = 0;
    if (known->n > 0)
        qsort(known->paths, known->n, sizeof(*known->paths), by_path);
    for (size_t i = 0; i < known->n; i++) {
        if (kept > 0 && strcmp(known->paths[kept - 1], known->paths[i]) == 0)
            free(known->paths[i]);
        else
            known->paths[kept++] = known->paths[i];
    }
    known->n = kept;
}

int documents_listed_below(struct remote *remote, const char *dir, struct known_below *ret)
{
    struct listed listed = {{.dir = dir, .known = ret}, remote};
    unsigned long since = 0;
    cache_each_since(remote->listings, &since, add_listed, &listed);
    keep_each_once(ret);
    return listed.below.error;
}

void known_below_done(struct known_below *known)
{
    for (size_t i = 0; i < known->n; i++)
        free(known->paths[i]);
    free(known->paths);
}

/* A datastore that is not there is out of reach. */
static bool holds_datastores(const struct remote *remote, const char *dir)
{
    FREE_AUTO char *full = remote_path(remote, dir);
    return full && strcmp(full, "/vmfs/volumes") == 0;
}

/* Those that were listed, and never read. */
static void tell_gone_unread(struct remote *remote, const char *dir, const struct listing *before,
                             const struct listing *now, int64_t began)
{
    for (size_t i = 0; i < before->n; i++) {
        const struct listing_entry *e = &before->entries[i];
        if (!remote_is_vmx(remote, e->name, &e->attrs) || (now && listing_find(now, e->name)))
            continue;
        FREE_AUTO char *path = path_join(dir, e->name);
        DOCUMENT_AUTO *known =
            path ? (struct document *)cache_peek(remote->documents, path, NULL) : NULL;
        if (path && !known)
            remote_tell_gone(remote, path, began);
    }
}

void documents_tell_gone(struct remote *remote, const char *dir, const struct listing *before,
                         const struct listing *now, int64_t began)
{
    struct known_below known = {0};
    struct below below = {.dir = dir, .now = now, .known = &known};
    if (holds_datastores(remote, dir))
        return;
    if (before)
        tell_gone_unread(remote, dir, before, now, began);
    if (find_below(&below, remote) == 0) {
        for (size_t i = 0; i < known.n; i++)
            remote_tell_gone(remote, known.paths[i], began);
    }
    known_below_done(&known);
}
