/* SPDX-License-Identifier: MIT */
/*
 * A cache of immutable, reference-counted objects by path, bounded in bytes (the least recently
 * used goes first). Only one thread at a time loads a path; the others wait for it.
 *
 * An object loaded ahead of its use is marked until a caller asks for it. It goes last when room is
 * needed, since its turn is still to come; such objects are to take only a part of the room. Those
 * that nobody is known to come for are spare: they make room for the others.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/sync.h"

/* The first member of each cached object. */
struct cached {
    atomic_uint refs;
    size_t bytes;
    void (*destroy)(struct cached *c);
};

struct cache;

int cache_new(size_t max_bytes, struct cache **ret);
void cache_free(struct cache *cache);
size_t cache_max_bytes(const struct cache *cache);

struct cached *cached_ref(struct cached *c);
void cached_unref(struct cached *c); /* accepts NULL */

/*
 * Gets the object known for path, or the right to load it.
 *   0: *ret is a reference to an object known to be true at not_before (of clock_ms()) or later;
 *   1: the caller loads, and must call cache_end with the ticket, whatever happens; *ret is the
 * object known until now, a reference, or NULL; -errno: a load that began at not_before or later
 * failed so, or the wait ended (-EINTR, -EIO). Calling sequence: r = cache_begin(...); if (r == 1)
 * { load; cache_end(...) }.
 */
struct cache_ticket {
    struct cache_entry *entry;
    int64_t began;
    bool ahead; /* 0: it had been loaded ahead, and this is its first use */
    bool spare; /* for who has loaded it ahead to set, before cache_end */
};
int cache_begin(struct cache *cache, const char *path, int64_t not_before, const struct wait *wait,
                struct cached **ret, struct cache_ticket *ret_ticket);

/* The same ahead of use, without waiting and without errors: true if the caller loads; then *ret is
 * the object known until now, a reference, or NULL. not_before INT64_MIN: an object of any age will
 * do. */
bool cache_try_begin(struct cache *cache, const char *path, int64_t not_before, struct cached **ret,
                     struct cache_ticket *ret_ticket);

/* Ends a load. error 0: c (the caller keeps its reference) is true as of the beginning of the load,
 * unless the path was dropped meanwhile. -EIO, -EINTR: there was no answer, and the known object
 * stays, as old as it is. Another error: nothing is there. */
void cache_end(struct cache *cache, const struct cache_ticket *ticket, struct cached *c, int error);

/* The object known for path, a reference or NULL, and when it was last known to be true
 * (ret_true_at may be NULL). */
struct cached *cache_peek(struct cache *cache, const char *path, int64_t *ret_true_at);

bool cache_is_loading(struct cache *cache, const char *path);

/* How many bytes may still be loaded ahead, of at_most and half of the cache, if objects that
 * nobody used for max_age_ms are given up. */
size_t cache_room_ahead(struct cache *cache, size_t at_most, int64_t max_age_ms);

/* Gives up spare objects of at least so many bytes, or all: the last that were loaded first. */
void cache_give_up_spare(struct cache *cache, size_t bytes);

/* Nobody is known to come any more for what was loaded ahead: all of it is spare. */
void cache_all_spare(struct cache *cache);

/* A user is coming for the object at path: it counts as loaded ahead, and not as spare. False:
 * nothing is known there. */
bool cache_expect(struct cache *cache, const char *path);

/* By how many bytes there is more ahead if that object is expected, or if it is loaded ahead and
 * has as many bytes as are given for an unknown one. */
size_t cache_more_ahead(struct cache *cache, const char *path, size_t unknown);

/* The object known for path is in use. True if this is its first use since it was loaded ahead;
 * a cache_begin tells of its own first use all the same. */
bool cache_touch(struct cache *cache, const char *path);

/* Makes c (the caller keeps its reference) the known object as of now, after an own change. */
void cache_put(struct cache *cache, const char *path, struct cached *c);

/* Puts c (the caller keeps its reference) in place of what is known, with an own change made in it,
 * as old as that is. False: something else than before is known by now. */
bool cache_replace(struct cache *cache, const char *path, const struct cached *before,
                   struct cached *c);

/* The object c, if it is still what is known, was seen to be true at that time or later. */
void cache_confirm(struct cache *cache, const char *path, const struct cached *c, int64_t true_at);

/* Forgets a path, or the path and all below it. A load under way will not be kept. */
void cache_drop(struct cache *cache, const char *path);
void cache_drop_below(struct cache *cache, const char *path);

/* The not_before of an answer that may be max_age_ms old. 0: asked from now on, and not earlier in
 * this millisecond. */
int64_t cache_not_before(int64_t max_age_ms);

/* Calls back, with the cache locked, for each known object, if any has become known or unknown
 * since *since, which the last call has set; 0: since the beginning. */
void cache_each_since(struct cache *cache, unsigned long *since,
                      void (*see)(void *ctx, const char *path, struct cached *c), void *ctx);

void cache_stats(struct cache *cache, size_t *ret_count, size_t *ret_bytes);
