/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/names/aliases.h"
#include "remote/cache/listed_documents.h"
#include "remote/names/paths.h"

enum {
    AHEAD_MIN = 64,        /* entries ahead of a user whose pace is not known yet */
    TEXT_TO_MEMORY = 3,    /* what a document takes of memory, in sizes of its text, and ... */
    DOCUMENT_BYTES = 1024, /* ... besides */
};

static struct listing *known_listing(struct remote *remote, const char *dir)
{
    return (struct listing *)cache_peek(remote->listings, dir, NULL);
}

static const struct listing_entry *entry_at(const struct walk *walk, size_t at)
{
    return &walk->listing->entries[walk->backward ? walk->listing->n - 1 - at : at];
}

/* False: there is no such entry. */
static bool find(const struct walk *walk, const char *name, size_t *ret)
{
    const struct listing_entry *e = listing_find(walk->listing, name);
    if (!e)
        return false;
    size_t at = (size_t)(e - walk->listing->entries);
    *ret = walk->backward ? walk->listing->n - 1 - at : at;
    return true;
}

static struct walk *make(struct remote *remote, const char *dir, bool wide)
{
    size_t len = strlen(dir);
    struct walk *walk = calloc(1, sizeof(*walk) + len + 1);
    if (!walk)
        return NULL;
    memcpy(walk->dir, dir, len);
    walk->wide = wide;
    walk->began_at = walk->used_at = clock_ms();
    walk->listing = known_listing(remote, dir);
    if (wide && !walk->listing && !dir[0])
        walk->listing = steal(remote->measured);
    if (walk->listing)
        return walk;
    walk_free(walk);
    return NULL;
}

static bool leads_on(const struct remote *remote, const struct listing_entry *e)
{
    return S_ISDIR(e->attrs.mode) || remote_is_vmx(remote, e->name, &e->attrs);
}

struct walk *walk_new_wide(struct remote *remote, const char *dir)
{
    struct walk *walk = make(remote, dir, true);
    if (!walk)
        return NULL;
    walk->relists = true;
    walk->end = walk->listing->n;
    for (size_t i = 0; i < walk->listing->n; i++)
        walk->found += leads_on(remote, &walk->listing->entries[i]);
    return walk;
}

struct walk *walk_new_ahead(struct remote *remote, const char *dir, bool relists,
                            const char *came_from, const char *is_at)
{
    size_t at;
    struct walk *walk = make(remote, dir, false);
    if (!walk)
        return NULL;
    walk->relists = relists;
    walk->backward = strcmp(is_at, came_from) < 0;
    if (!find(walk, is_at, &at)) {
        walk_free(walk);
        return NULL;
    }
    walk->from = walk->listed = walk->document = at + 1;
    walk->end = walk->from + AHEAD_MIN;
    return walk;
}

void walk_free(struct walk *walk)
{
    listing_unref(&walk->listing);
    free(walk);
}

static size_t end_of(const struct walk *walk)
{
    return walk->end < walk->listing->n ? walk->end : walk->listing->n;
}

static enum walk_state want(struct remote *remote, const char *dir, const struct listing_entry *e,
                            bool is_document, struct wanted *ret)
{
    *ret = (struct wanted){
        .kind = is_document ? &document_load_kind : &listing_load_kind,
        .path = path_join(dir, e->name),
        .not_before = cache_not_before(remote->options.cache_timeout_ms),
        .bytes = is_document ? (size_t)e->attrs.size * TEXT_TO_MEMORY + DOCUMENT_BYTES : 0,
    };
    return ret->path ? WALK_WANTS : WALK_WAITS;
}

/* WALK_OVER: a listing under way tells of it. */
static enum walk_state want_document(struct remote *remote, const char *dir,
                                     const struct listing_entry *e, struct wanted *ret)
{
    enum walk_state state = want(remote, dir, e, true, ret);
    if (state != WALK_WANTS || !document_will_be_listed(remote, dir, ret->path))
        return state;
    free(ret->path);
    return WALK_OVER;
}

/* A document at walk->inner or later in a listing. WALK_OVER: there is none. */
static enum walk_state next_in(struct walk *walk, struct remote *remote, const char *dir,
                               const struct listing *l, struct wanted *ret)
{
    for (; walk->inner < l->n; walk->inner++) {
        const struct listing_entry *e = &l->entries[walk->inner];
        if (!remote_is_vmx(remote, e->name, &e->attrs))
            continue;
        enum walk_state state = want_document(remote, dir, e, ret);
        if (state != WALK_OVER)
            return state;
    }
    return WALK_OVER;
}

static enum walk_state next_below(struct walk *walk, struct remote *remote,
                                  const struct listing_entry *e, struct wanted *ret)
{
    FREE_AUTO char *dir = path_join(walk->dir, e->name);
    LISTING_AUTO *l = dir ? known_listing(remote, dir) : NULL;
    if (l)
        return next_in(walk, remote, dir, l, ret);
    return dir && cache_is_loading(remote->listings, dir) ? WALK_WAITS : WALK_OVER;
}

enum walk_state walk_next_document(struct walk *walk, struct remote *remote, struct wanted *ret)
{
    for (; walk->document < walk->listed; walk->document++, walk->inner = 0) {
        const struct listing_entry *e = entry_at(walk, walk->document);
        enum walk_state state = WALK_OVER;
        const bool is_document = remote_is_vmx(remote, e->name, &e->attrs);
        if (is_document)
            state = want_document(remote, walk->dir, e, ret);
        else if (S_ISDIR(e->attrs.mode))
            state = next_below(walk, remote, e, ret);
        if (state != WALK_OVER)
            return state;
        walk->passed += is_document || S_ISDIR(e->attrs.mode);
    }
    return walk->document < walk->listing->n ? WALK_WAITS : WALK_OVER;
}

/* Into a datastore that may hang nobody goes before a user did. */
static bool is_entered(const struct walk *walk, struct remote *remote,
                       const struct listing_entry *e)
{
    if (!aliases_is_nas(e->name))
        return true;
    FREE_AUTO char *dir = path_join(walk->dir, e->name);
    LISTING_AUTO *known = dir ? known_listing(remote, dir) : NULL;
    return known != NULL;
}

enum walk_state walk_next(struct walk *walk, struct remote *remote, struct wanted *ret)
{
    for (; walk->listed < end_of(walk); walk->listed++) {
        const struct listing_entry *e = entry_at(walk, walk->listed);
        if (!S_ISDIR(e->attrs.mode) || !is_entered(walk, remote, e))
            continue;
        enum walk_state state = want(remote, walk->dir, e, false, ret);
        if (!walk->relists)
            ret->not_before = INT64_MIN;
        return state;
    }
    return walk_next_document(walk, remote, ret);
}

void walk_passed(struct walk *walk, const struct wanted *wanted)
{
    if (wanted->kind == &listing_load_kind) {
        walk->listed++;
    } else if (S_ISDIR(entry_at(walk, walk->document)->attrs.mode)) {
        walk->inner++;
    } else {
        walk->document++;
        walk->passed++;
    }
}

void walk_used(struct walk *walk, const struct remote *remote, const char *name)
{
    size_t at;
    walk->used_at = clock_ms();
    if (walk->wide || !find(walk, name, &at) || at < walk->from)
        return;
    uint64_t read = at + 1 - walk->from;
    uint64_t ms = (uint64_t)(walk->used_at - walk->began_at) + 1;
    uint64_t ahead = read * ((uint64_t)remote->options.cache_timeout_ms / 2) / ms;
    if (ahead > AHEAD_MIN + 4 * read) /* too little is known of the user's pace */
        ahead = AHEAD_MIN + 4 * read;
    if (ahead < AHEAD_MIN)
        ahead = AHEAD_MIN;
    if (at + 1 + ahead > walk->end)
        walk->end = at + 1 + ahead;
}
