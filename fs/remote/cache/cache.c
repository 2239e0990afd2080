/* SPDX-License-Identifier: MIT */
/*
 * One table has an entry for each path. An entry is in one of three states, in each of which it may
 * hold something or nothing:
 *
 *              cache_begin or cache_try_begin said: load
 *      IDLE -----------------------------------------------> LOADING
 *       ^ ^                                                   |   |
 *       | |         cache_end                                 |   | cache_put, cache_drop
 *       | '---------------------------------------------------'   v
 *       '-------------------------------------------------- DROPPED
 *                   cache_end
 *
 * LOADING is `loading`, DROPPED is `loading` and `dropped`: the load began before a change, so that
 * what it brings may be older than the change. What the end of a load does:
 *
 *      its error        in LOADING                          in DROPPED
 *      0                the entry holds what was loaded     nothing changes
 *      -EIO, -EINTR     nothing changes: no answer came     nothing changes
 *      another          the entry holds nothing any more    nothing changes
 *
 * Who waited for the load then looks again. He takes what is held if it is new enough for him, or
 * the error if the load began late enough. After -EINTR, which was the loader's own, and in DROPPED
 * there is no error to take, and one of those who waited loads.
 *
 * What is held is in one of two lists, the least recent first:
 *
 *        cache_try_begin, cache_end           the first cache_begin that gets it
 *      ------------------------------> ahead -----------------------------------.
 *                                        |                                      v
 *                                        | nobody came for too long       end of used
 *                                        '---------------------------> beginning of used
 *
 * When room is needed the beginning of `used` goes, and that of `ahead` only where `used` is empty.
 *
 * Invariants, whenever nobody has the lock:
 *
 *   - an entry holds something, is being loaded, or has users; any other one is freed;
 *   - who loads an entry is one of its users, and there is one loader at most;
 *   - an entry is in exactly one list if it holds something, else in none;
 *   - `bytes` and `bytes_ahead` are the sums over both lists and over `ahead`, and `bytes` is at
 *     most `max_bytes`;
 *   - `true_at` is when the load began, never when it ended: the server may have read the file at
 *     any moment between.
 */
#include "cache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"

struct cache_entry {
    struct cached *held; /* a reference, or NULL */
    int64_t true_at;     /* when held was last known to be true */
    int error;           /* of the last load, for those who waited for it, with ... */
    int64_t error_at;    /* ... its beginning */
    bool loading;
    bool dropped;  /* while it was being loaded */
    bool is_ahead; /* in that list */
    unsigned users;
    struct cache_entry *prev, *next;
    UT_hash_handle hh;
    char path[];
};

struct cache {
    struct lock lock;
    struct condition changed;
    size_t max_bytes;
    struct cache_entry *table GUARDED_BY(lock);
    struct cache_entry *used GUARDED_BY(lock);
    struct cache_entry *ahead GUARDED_BY(lock);
    size_t bytes GUARDED_BY(lock);
    size_t bytes_ahead GUARDED_BY(lock);
    unsigned long changes GUARDED_BY(lock);
};

int cache_new(size_t max_bytes, struct cache **ret)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return -ENOMEM;
    cache->max_bytes = max_bytes;
    lock_init(&cache->lock);
    condition_init(&cache->changed);
    *ret = cache;
    return 0;
}

struct cached *cached_ref(struct cached *c)
{
    if (c)
        atomic_fetch_add(&c->refs, 1);
    return c;
}

void cached_unref(struct cached *c)
{
    if (c && atomic_fetch_sub(&c->refs, 1) == 1)
        c->destroy(c);
}

static void list(struct cache *cache, struct cache_entry *e, bool ahead) REQUIRES(cache->lock)
{
    e->is_ahead = ahead;
    if (ahead) {
        DL_APPEND(cache->ahead, e);
        cache->bytes_ahead += e->held->bytes;
    } else {
        DL_APPEND(cache->used, e);
    }
}

static void unlist(struct cache *cache, struct cache_entry *e) REQUIRES(cache->lock)
{
    if (e->is_ahead) {
        DL_DELETE(cache->ahead, e);
        cache->bytes_ahead -= e->held->bytes;
    } else {
        DL_DELETE(cache->used, e);
    }
}

static void set_held(struct cache *cache, struct cache_entry *e, struct cached *c, bool ahead)
    REQUIRES(cache->lock)
{
    struct cached *before = e->held;
    cache->changes += c != before;
    if (before) {
        unlist(cache, e);
        cache->bytes -= before->bytes;
    }
    e->held = cached_ref(c);
    if (c) {
        list(cache, e, ahead);
        cache->bytes += c->bytes;
    }
    cached_unref(before);
}

static void forget_if_unused(struct cache *cache, struct cache_entry *e) REQUIRES(cache->lock)
{
    if (e->held || e->loading || e->users > 0)
        return;
    HASH_DEL(cache->table, e);
    free(e);
}

static void evict(struct cache *cache) REQUIRES(cache->lock)
{
    while (cache->bytes > cache->max_bytes && (cache->used || cache->ahead)) {
        struct cache_entry *e = cache->used ? cache->used : cache->ahead;
        set_held(cache, e, NULL, false);
        forget_if_unused(cache, e);
    }
}

static struct cache_entry *find_or_add(struct cache *cache, const char *path) REQUIRES(cache->lock)
{
    struct cache_entry *e;
    size_t len = strlen(path);
    HASH_FIND(hh, cache->table, path, len, e);
    if (e)
        return e;
    e = calloc(1, sizeof(*e) + len + 1);
    if (!e)
        return NULL;
    memcpy(e->path, path, len + 1);
    HASH_ADD_KEYPTR(hh, cache->table, e->path, len, e);
    if (!e->hh.tbl) {
        free(e);
        return NULL;
    }
    return e;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    struct cache_entry *e;
    struct cache_entry *next;
    lock_take(&cache->lock);
    HASH_ITER (hh, cache->table, e, next) {
        assert(!e->loading && e->users == 0);
        set_held(cache, e, NULL, false);
        forget_if_unused(cache, e);
    }
    lock_drop(&cache->lock);
    condition_done(&cache->changed);
    lock_done(&cache->lock);
    free(cache);
}

/* One look at an entry. 0, 1, -errno as cache_begin, or -EAGAIN: somebody else loads, wait. waited:
 * for the load that has just ended. */
static int look(struct cache *cache, struct cache_entry *e, int64_t not_before, bool waited,
                struct cached **ret, bool *ret_ahead) REQUIRES(cache->lock)
{
    if (e->held && e->true_at >= not_before) {
        *ret_ahead = e->is_ahead;
        unlist(cache, e);
        list(cache, e, false);
        *ret = cached_ref(e->held);
        return 0;
    }
    if (waited && e->error < 0 && e->error_at >= not_before)
        return e->error;
    if (e->loading)
        return -EAGAIN;
    e->loading = true;
    e->dropped = false;
    *ret = cached_ref(e->held);
    return 1;
}

int cache_begin(struct cache *cache, const char *path, int64_t not_before, const struct wait *wait,
                struct cached **ret, struct cache_ticket *ret_ticket)
{
    int r = -ENOMEM;
    ret_ticket->ahead = false;
    lock_take(&cache->lock);
    struct cache_entry *e = find_or_add(cache, path);
    if (e) {
        e->users++;
        for (bool waited = false;; waited = true) {
            r = look(cache, e, not_before, waited, ret, &ret_ticket->ahead);
            if (r != -EAGAIN)
                break;
            r = wait_on(wait, &cache->changed, &cache->lock);
            if (r < 0) {
                r = r == -ETIMEDOUT ? -EIO : r;
                break;
            }
        }
        if (r == 1)
            *ret_ticket = (struct cache_ticket){.entry = e, .began = clock_ms()};
        else
            e->users--;
        forget_if_unused(cache, e);
    }
    lock_drop(&cache->lock);
    return r;
}

bool cache_try_begin(struct cache *cache, const char *path, int64_t not_before, struct cached **ret,
                     struct cache_ticket *ret_ticket)
{
    bool mine = false;
    lock_take(&cache->lock);
    struct cache_entry *e = find_or_add(cache, path);
    if (e && !e->loading && !(e->held && e->true_at >= not_before)) {
        e->loading = true;
        e->dropped = false;
        e->users++;
        *ret = cached_ref(e->held);
        *ret_ticket = (struct cache_ticket){.entry = e, .began = clock_ms(), .ahead = true};
        mine = true;
    }
    if (e)
        forget_if_unused(cache, e);
    lock_drop(&cache->lock);
    return mine;
}

void cache_end(struct cache *cache, const struct cache_ticket *ticket, struct cached *c, int error)
{
    lock_take(&cache->lock);
    struct cache_entry *e = ticket->entry;
    e->loading = false;
    e->users--;
    /* What was dropped meanwhile may be there by now. */
    e->error = error == -EINTR || e->dropped ? 0 : error;
    e->error_at = ticket->began;
    if (!e->dropped && error != -EIO && error != -EINTR) {
        set_held(cache, e, error == 0 ? c : NULL, ticket->ahead);
        e->true_at = ticket->began;
    }
    condition_wake_all(&cache->changed);
    forget_if_unused(cache, e);
    evict(cache);
    lock_drop(&cache->lock);
}

bool cache_is_loading(struct cache *cache, const char *path)
{
    struct cache_entry *e;
    lock_take(&cache->lock);
    HASH_FIND(hh, cache->table, path, strlen(path), e);
    bool loading = e && e->loading;
    lock_drop(&cache->lock);
    return loading;
}

/* What nobody came for is first to go. */
static void give_up_oldest(struct cache *cache) REQUIRES(cache->lock)
{
    struct cache_entry *e = cache->ahead;
    unlist(cache, e);
    e->is_ahead = false;
    DL_PREPEND(cache->used, e);
}

size_t cache_room_ahead(struct cache *cache, size_t at_most, int64_t max_age_ms)
{
    int64_t oldest = clock_ms() - max_age_ms;
    lock_take(&cache->lock);
    while (cache->ahead && cache->ahead->true_at < oldest)
        give_up_oldest(cache);
    size_t max = cache->max_bytes / 2 < at_most ? cache->max_bytes / 2 : at_most;
    size_t room = cache->bytes_ahead < max ? max - cache->bytes_ahead : 0;
    lock_drop(&cache->lock);
    return room;
}

struct cached *cache_peek(struct cache *cache, const char *path, int64_t *ret_true_at)
{
    struct cached *c = NULL;
    struct cache_entry *e;
    lock_take(&cache->lock);
    HASH_FIND(hh, cache->table, path, strlen(path), e);
    if (e && e->held) {
        c = cached_ref(e->held);
        *ret_true_at = e->true_at;
    }
    lock_drop(&cache->lock);
    return c;
}

void cache_put(struct cache *cache, const char *path, struct cached *c)
{
    lock_take(&cache->lock);
    struct cache_entry *e = find_or_add(cache, path);
    if (e) {
        set_held(cache, e, c, false);
        e->true_at = clock_ms();
        e->error = 0;
        e->dropped = e->loading; /* what is being loaded is older */
        condition_wake_all(&cache->changed);
        evict(cache);
    }
    lock_drop(&cache->lock);
}

static void drop(struct cache *cache, struct cache_entry *e) REQUIRES(cache->lock)
{
    set_held(cache, e, NULL, false);
    e->error = 0;
    e->dropped = e->loading;
    forget_if_unused(cache, e);
}

void cache_drop(struct cache *cache, const char *path)
{
    struct cache_entry *e;
    lock_take(&cache->lock);
    HASH_FIND(hh, cache->table, path, strlen(path), e);
    if (e)
        drop(cache, e);
    lock_drop(&cache->lock);
}

void cache_drop_below(struct cache *cache, const char *path)
{
    size_t len = strlen(path);
    struct cache_entry *e;
    struct cache_entry *next;
    lock_take(&cache->lock);
    HASH_ITER (hh, cache->table, e, next) {
        if (strncmp(e->path, path, len) == 0 && (!e->path[len] || e->path[len] == '/' || len == 0))
            drop(cache, e);
    }
    lock_drop(&cache->lock);
}

int64_t cache_not_before(int64_t max_age_ms)
{
    return max_age_ms > 0 ? clock_ms() - max_age_ms : clock_ms() + 1;
}

void cache_each(struct cache *cache, void (*see)(void *ctx, const char *path, struct cached *c),
                void *ctx)
{
    lock_take(&cache->lock);
    for (const struct cache_entry *e = cache->table; e; e = e->hh.next) {
        if (e->held)
            see(ctx, e->path, e->held);
    }
    lock_drop(&cache->lock);
}

unsigned long cache_changes(struct cache *cache)
{
    lock_take(&cache->lock);
    unsigned long changes = cache->changes;
    lock_drop(&cache->lock);
    return changes;
}

void cache_stats(struct cache *cache, size_t *ret_count, size_t *ret_bytes)
{
    lock_take(&cache->lock);
    *ret_count = HASH_COUNT(cache->table);
    *ret_bytes = cache->bytes;
    lock_drop(&cache->lock);
}
