/* SPDX-License-Identifier: MIT */
/*
 * A cache of immutable, reference-counted things by path, bounded in bytes (least recently used
 * first), in which only one thread at a time loads a path and the others wait for it.
 *
 * What is loaded ahead of its use is marked until somebody asks for it. It goes last when room is
 * needed, since its turn is still to come, and is to take no more than a part of the room.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/sync.h"

/* Embedded first in what is cached. */
struct cached {
    atomic_uint refs;
    size_t bytes;
    void (*destroy)(struct cached *c);
};

struct cache;

int cache_new(size_t max_bytes, struct cache **ret);
void cache_free(struct cache *cache);

struct cached *cached_ref(struct cached *c);
void cached_unref(struct cached *c); /* accepts NULL */

/*
 * Gets what is known of path, or the right to load it.
 *   0: *ret is a reference to what was known to be true at not_before (of clock_ms()) or later;
 *   1: the caller loads, and must call cache_end with the ticket, whatever happens; *ret is what
 * was known until now, a reference, or NULL; -errno: a load that began at not_before or later
 * failed so, or the wait ended (-EINTR, -EIO). Calling sequence: r = cache_begin(...); if (r == 1)
 * { load; cache_end(...) }.
 */
struct cache_ticket {
    struct cache_entry *entry;
    int64_t began;
    bool ahead; /* 0: it had been loaded ahead, and this is its first use */
};
int cache_begin(struct cache *cache, const char *path, int64_t not_before, const struct wait *wait,
                struct cached **ret, struct cache_ticket *ret_ticket);

/* The same ahead of its use, without waiting and without errors: true if the caller loads; then
 * *ret is what was known until now, a reference, or NULL. not_before INT64_MIN: what is known will
 * do, however old. */
bool cache_try_begin(struct cache *cache, const char *path, int64_t not_before, struct cached **ret,
                     struct cache_ticket *ret_ticket);

/* Ends a load. error 0: c (a reference that stays the caller's) is true as of the beginning of the
 * load, unless the path was dropped meanwhile. -EIO, -EINTR: there was no answer, and what was
 * known stays known, as old as it is. Another error: nothing is there. */
void cache_end(struct cache *cache, const struct cache_ticket *ticket, struct cached *c, int error);

/* What is known of path and when it was last known to be true; a reference or NULL. */
struct cached *cache_peek(struct cache *cache, const char *path, int64_t *ret_true_at);

bool cache_is_loading(struct cache *cache, const char *path);

/* How many bytes may still be loaded ahead, of so many at most and half of the cache, if what
 * nobody came for in so long is given up. */
size_t cache_room_ahead(struct cache *cache, size_t at_most, int64_t max_age_ms);

/* Makes c (stays the caller's) what is known, as of now: after an own change. */
void cache_put(struct cache *cache, const char *path, struct cached *c);

/* Forgets a path, or it and all below it. A load under way will not be kept. */
void cache_drop(struct cache *cache, const char *path);
void cache_drop_below(struct cache *cache, const char *path);

/* The not_before of an answer that may be max_age_ms old. 0: asked from now on, and not earlier in
 * this millisecond. */
int64_t cache_not_before(int64_t max_age_ms);

/* Calls back, with the cache locked, for all that is known. */
void cache_each(struct cache *cache, void (*see)(void *ctx, const char *path, struct cached *c),
                void *ctx);

/* Differs once something else is known. */
unsigned long cache_changes(struct cache *cache);

void cache_stats(struct cache *cache, size_t *ret_count, size_t *ret_bytes);
