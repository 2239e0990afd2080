/* SPDX-License-Identifier: MIT */
#include "room.h"

enum {
    /* The memory for documents that wide walks load before a user comes for them. A user that opens
     * folders of more than two thousand comes too late for the last ones, or not at all. */
    WIDE_MAX = 24 << 20,
    WIDE_MS = 60 * 1000,
    LISTING_BYTES = 1024, /* of memory, before any is known */
    STEPS = 8,            /* a single listing, which may be any size, tells little of the next */
};

void room_init(struct room *room, struct remote *remote, const struct pipeline *pipeline)
{
    *room = (struct room){remote, pipeline, LISTING_BYTES};
}

void room_learn(struct room *room, const struct load *load)
{
    const size_t step = room->listing_bytes / STEPS;
    if (load->kind != &listing_load_kind || !load->made)
        return;
    if (load->made->bytes > room->listing_bytes)
        room->listing_bytes += step;
    else
        room->listing_bytes -= step;
}

void room_all_spare(const struct room *room)
{
    cache_all_spare(room->remote->documents);
    cache_all_spare(room->remote->listings);
}

/* One at a time is tried, whatever those before were like. */
static size_t expected_listing(const struct room *room)
{
    const bool is_first = room->pipeline->listing_bytes == 0;
    return is_first && room->listing_bytes > LISTING_BYTES ? LISTING_BYTES : room->listing_bytes;
}

/* Of the listings below the one of the walk. */
static size_t most_below(const struct walk *walk, const struct cache *listings)
{
    const size_t all = cache_max_bytes(listings);
    const size_t taken = walk->listing->cached.bytes;
    return taken < all ? (all - taken) / 2 : 0;
}

static bool is_known(struct cache *cache, const char *path)
{
    struct cached *known = cache_peek(cache, path, NULL);
    cached_unref(known);
    return known != NULL;
}

static bool make_room(struct cache *cache, size_t needed, size_t at_most, int64_t max_age_ms)
{
    const size_t room = cache_room_ahead(cache, at_most, max_age_ms);
    if (room >= needed)
        return true;
    cache_give_up_spare(cache, needed - room);
    return cache_room_ahead(cache, at_most, max_age_ms) >= needed;
}

static bool has_room_near(const struct room *room, struct cache *cache, size_t under_way,
                          size_t at_most, struct wanted *wanted)
{
    const int64_t max_age_ms = room->remote->options.cache_timeout_ms;
    const size_t more = cache_more_ahead(cache, wanted->path, wanted->bytes);
    if (more > 0 && !make_room(cache, under_way + more, at_most, max_age_ms))
        return false;
    if (cache_expect(cache, wanted->path))
        wanted->bytes = 0;
    return true;
}

static bool has_room_for_document(const struct room *room, const struct walk *walk,
                                  struct wanted *wanted)
{
    struct cache *cache = room->remote->documents;
    const size_t under_way = room->pipeline->document_bytes;
    if (!walk->wide)
        return has_room_near(room, cache, under_way, SIZE_MAX, wanted);
    return cache_room_ahead(cache, WIDE_MAX, WIDE_MS) >= under_way + wanted->bytes;
}

static bool has_room_for_listing(const struct room *room, const struct walk *walk,
                                 struct wanted *wanted)
{
    struct cache *cache = room->remote->listings;
    const size_t under_way = room->pipeline->listing_bytes;
    const size_t at_most = most_below(walk, cache);
    wanted->bytes = expected_listing(room);
    if (!walk->wide)
        return has_room_near(room, cache, under_way, at_most, wanted);
    if (is_known(cache, wanted->path)) {
        wanted->bytes = 0; /* it is loaded again in its own place, if at all */
        return true;
    }
    return cache_room_ahead(cache, at_most, WIDE_MS) >= under_way + wanted->bytes;
}

bool room_for(const struct room *room, const struct walk *walk, struct wanted *wanted)
{
    return wanted->kind == &document_load_kind ? has_room_for_document(room, walk, wanted)
                                               : has_room_for_listing(room, walk, wanted);
}
