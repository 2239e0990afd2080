/* SPDX-License-Identifier: MIT */
/*
 * One table has an entry for each path. An entry is in one of three states, in each of which it may
 * hold something or nothing:
 *
 *              cache_begin or cache_try_begin said: load
 *      IDLE -----------------------------------------------> LOADING
 *       ^ ^                                                   |   |
 *       | |         cache_end                                 |   | cache_put, cache_replace,
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
 * A thread that waited for the load then looks again. It takes what is held if that is new enough
 * for it, or the error if the load began late enough. After -EINTR, which was the loader's own, and
 * in DROPPED there is no error to take, and one of the waiting threads loads.
 *
 * What is held is in one of three lists, the least recent first. What is loaded ahead of its use is
 * in `ahead` if a user is known to come for it, else in `spare`:
 *
 *       cache_try_begin, cache_end              cache_begin or cache_touch gets it
 *      ---------------+------------> ahead -----------------------------------------.
 *                     |             |  ^  ^                                         v
 *        ticket.spare |    cache_   |  |  '----- cache_expect -----+----------- end of used
 *                     |   all_spare |  | cache_expect                               ^
 *                     |             v  |        cache_begin or cache_touch gets it  |
 *                     '------------> spare -----------------------------------------'
 *                                    |    too old, or cache_give_up_spare (its last)
 *                                    '-------------------------------> beginning of used
 *
 * What is in `ahead` becomes too old, too. Both lists are in the order in which users come by, as
 * far as can be known: the last is the farthest from them.
 *
 * When room is needed the beginning of `used` goes, and that of the others only where `used` is
 * empty, for their turn is still to come. But where both have more than half, the end of `spare`
 * goes first: what users came for makes no room for what they may never want.
 *
 * Invariants, whenever nobody has the lock:
 *
 *   - an entry holds something, is being loaded, or has users; any other one is freed;
 *   - the thread that loads an entry is one of its users, and there is one loader at most;
 *   - an entry is in exactly one list if it holds something, else in none;
 *   - a list's `bytes` are the sum over its entries, and those of all at most `max_bytes`;
 *   - an entry is `unasked` from when it was loaded ahead, or expected, until a cache_begin gets
 *     it, whatever list it is in by then;
 *   - `true_at` is when the load began, or that of a listing which confirms the object; never when
 *     it ended: the server may have read the file at any moment between.
 */
#include "cache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/path.h"
#include "remote/path_table.h"

/* Entries that hold something. */
struct cache_list {
    struct cache_entry *first;
    size_t bytes;
};

struct cache_entry {
    struct path_item item; /* first */
    struct cached *held;   /* a reference, or NULL */
    int64_t true_at;       /* when held was last known to be true */
    int error;             /* of the last load, for the threads that waited for it, with ... */
    int64_t error_at;      /* ... its beginning */
    bool loading;
    bool dropped; /* while it was being loaded */
    bool unasked; /* held is ahead of its use: no cache_begin got it yet */
    unsigned users;
    struct cache_list *list; /* in which it is, if it holds something */
    struct cache_entry *prev, *next;
};

struct cache {
    size_t max_bytes;
    struct lock lock;
    struct condition changed;
    struct path_item *table GUARDED_BY(lock);
    struct cache_list used GUARDED_BY(lock);
    struct cache_list ahead GUARDED_BY(lock);
    struct cache_list spare GUARDED_BY(lock);
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

size_t cache_max_bytes(const struct cache *cache)
{
    return cache->max_bytes;
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

static void list(struct cache_entry *e, struct cache_list *list)
{
    e->list = list;
    DL_APPEND(list->first, e);
    list->bytes += e->held->bytes;
}

static void unlist(struct cache_entry *e)
{
    DL_DELETE(e->list->first, e);
    e->list->bytes -= e->held->bytes;
}

static void move(struct cache_entry *e, struct cache_list *to)
{
    unlist(e);
    list(e, to);
}

static size_t bytes_ahead(const struct cache *cache) REQUIRES(cache->lock)
{
    return cache->ahead.bytes + cache->spare.bytes;
}

static size_t bytes_held(const struct cache *cache) REQUIRES(cache->lock)
{
    return cache->used.bytes + bytes_ahead(cache);
}

/* to: the list for c. */
static void set_held(struct cache *cache, struct cache_entry *e, struct cached *c,
                     struct cache_list *to) REQUIRES(cache->lock)
{
    struct cached *before = e->held;
    cache->changes += c != before;
    if (before)
        unlist(e);
    e->held = cached_ref(c);
    if (c)
        list(e, to);
    cached_unref(before);
}

/* What becomes known at once, or is not known any more. */
static void set_used(struct cache *cache, struct cache_entry *e, struct cached *c)
    REQUIRES(cache->lock)
{
    set_held(cache, e, c, &cache->used);
    e->unasked = false;
}

static void forget_if_unused(struct cache *cache, struct cache_entry *e) REQUIRES(cache->lock)
{
    if (!e->held && !e->loading && e->users == 0)
        path_table_drop(&cache->table, e);
}

static struct cache_entry *next_to_go(const struct cache *cache) REQUIRES(cache->lock)
{
    if (cache->spare.first && bytes_ahead(cache) > cache->max_bytes / 2)
        return cache->spare.first->prev; /* the last one */
    if (cache->used.first)
        return cache->used.first;
    return cache->spare.first ? cache->spare.first : cache->ahead.first;
}

static void evict(struct cache *cache) REQUIRES(cache->lock)
{
    while (bytes_held(cache) > cache->max_bytes) {
        struct cache_entry *e = next_to_go(cache);
        set_used(cache, e, NULL);
        forget_if_unused(cache, e);
    }
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    cache_drop_below(cache, "");
    assert(!cache->table); /* nobody loads, or waits for a load */
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
        *ret_ahead = e->unasked;
        e->unasked = false;
        move(e, &cache->used);
        *ret = cached_ref(e->held);
        return 0;
    }
    if (waited && e->error < 0 && e->error_at >= not_before)
        return e->error;
    return e->loading ? -EAGAIN : 1;
}

/* The caller loads. */
static struct cache_ticket start_load(struct cache_entry *e, bool ahead, struct cached **ret)
{
    e->loading = true;
    e->dropped = false;
    e->users++;
    *ret = cached_ref(e->held);
    return (struct cache_ticket){.entry = e, .began = clock_ms(), .ahead = ahead};
}

int cache_begin(struct cache *cache, const char *path, int64_t not_before, const struct wait *wait,
                struct cached **ret, struct cache_ticket *ret_ticket)
{
    int r = -ENOMEM;
    lock_take(&cache->lock);
    struct cache_entry *e = path_table_take(&cache->table, path, sizeof(*e));
    if (e) {
        e->users++;
        for (bool waited = false;; waited = true) {
            r = look(cache, e, not_before, waited, ret, &ret_ticket->ahead);
            if (r != -EAGAIN)
                break;
            r = wait_on(wait, &cache->changed, &cache->lock);
            if (r < 0)
                break;
        }
        if (r == 1)
            *ret_ticket = start_load(e, false, ret);
        e->users--;
        forget_if_unused(cache, e);
    }
    lock_drop(&cache->lock);
    return r;
}

bool cache_try_begin(struct cache *cache, const char *path, int64_t not_before, struct cached **ret,
                     struct cache_ticket *ret_ticket)
{
    lock_take(&cache->lock);
    struct cache_entry *e = path_table_take(&cache->table, path, sizeof(*e));
    bool mine = e && !e->loading && !(e->held && e->true_at >= not_before);
    if (mine)
        *ret_ticket = start_load(e, true, ret);
    lock_drop(&cache->lock);
    return mine;
}

void cache_end(struct cache *cache, const struct cache_ticket *ticket, struct cached *c, int error)
{
    lock_take(&cache->lock);
    struct cache_entry *e = ticket->entry;
    e->loading = false;
    e->users--;
    /* An entry that was dropped meanwhile may be there by now. */
    e->error = error == -EINTR || e->dropped ? 0 : error;
    e->error_at = ticket->began;
    if (!e->dropped && error != -EIO && error != -EINTR) {
        struct cache_list *ahead = ticket->spare ? &cache->spare : &cache->ahead;
        set_held(cache, e, error == 0 ? c : NULL, ticket->ahead ? ahead : &cache->used);
        e->unasked = e->held && ticket->ahead;
        e->true_at = ticket->began;
    }
    condition_wake_all(&cache->changed);
    forget_if_unused(cache, e);
    evict(cache);
    lock_drop(&cache->lock);
}

bool cache_is_loading(struct cache *cache, const char *path)
{
    lock_take(&cache->lock);
    const struct cache_entry *e = path_table_find(cache->table, path);
    bool loading = e && e->loading;
    lock_drop(&cache->lock);
    return loading;
}

static void prepend(struct cache_entry *e, struct cache_list *to)
{
    unlist(e);
    e->list = to;
    DL_PREPEND(to->first, e);
    to->bytes += e->held->bytes;
}

/* An entry that nobody came for is first to go. */
static void give_up(struct cache *cache, struct cache_entry *e) REQUIRES(cache->lock)
{
    prepend(e, &cache->used);
}

static void give_up_older(struct cache *cache, struct cache_list *list, int64_t oldest)
    REQUIRES(cache->lock)
{
    while (list->first && list->first->true_at < oldest)
        give_up(cache, list->first);
}

size_t cache_room_ahead(struct cache *cache, size_t at_most, int64_t max_age_ms)
{
    int64_t oldest = clock_ms() - max_age_ms;
    lock_take(&cache->lock);
    give_up_older(cache, &cache->spare, oldest);
    give_up_older(cache, &cache->ahead, oldest);
    size_t max = cache->max_bytes / 2 < at_most ? cache->max_bytes / 2 : at_most;
    size_t room = bytes_ahead(cache) < max ? max - bytes_ahead(cache) : 0;
    lock_drop(&cache->lock);
    return room;
}

void cache_give_up_spare(struct cache *cache, size_t bytes)
{
    lock_take(&cache->lock);
    const size_t least = cache->spare.bytes > bytes ? cache->spare.bytes - bytes : 0;
    while (cache->spare.bytes > least)
        give_up(cache, cache->spare.first->prev); /* the last one */
    lock_drop(&cache->lock);
}

void cache_all_spare(struct cache *cache)
{
    lock_take(&cache->lock);
    while (cache->ahead.first)
        prepend(cache->ahead.first->prev, &cache->spare);
    lock_drop(&cache->lock);
}

size_t cache_more_ahead(struct cache *cache, const char *path, size_t unknown)
{
    lock_take(&cache->lock);
    const struct cache_entry *e = path_table_find(cache->table, path);
    const size_t more = !e || !e->held ? unknown : e->list == &cache->used ? e->held->bytes : 0;
    lock_drop(&cache->lock);
    return more;
}

bool cache_expect(struct cache *cache, const char *path)
{
    lock_take(&cache->lock);
    struct cache_entry *e = path_table_find(cache->table, path);
    bool known = e && e->held;
    if (known && e->list != &cache->ahead) {
        move(e, &cache->ahead);
        e->unasked = true;
    }
    lock_drop(&cache->lock);
    return known;
}

bool cache_touch(struct cache *cache, const char *path)
{
    lock_take(&cache->lock);
    struct cache_entry *e = path_table_find(cache->table, path);
    bool first = e && e->held && e->list != &cache->used;
    if (e && e->held)
        move(e, &cache->used);
    lock_drop(&cache->lock);
    return first;
}

struct cached *cache_peek(struct cache *cache, const char *path, int64_t *ret_true_at)
{
    lock_take(&cache->lock);
    const struct cache_entry *e = path_table_find(cache->table, path);
    struct cached *c = e ? cached_ref(e->held) : NULL;
    if (c && ret_true_at)
        *ret_true_at = e->true_at;
    lock_drop(&cache->lock);
    return c;
}

void cache_put(struct cache *cache, const char *path, struct cached *c)
{
    lock_take(&cache->lock);
    struct cache_entry *e = path_table_take(&cache->table, path, sizeof(*e));
    if (e) {
        set_used(cache, e, c);
        e->true_at = clock_ms();
        e->error = 0;
        e->dropped = e->loading; /* what is being loaded is older */
        condition_wake_all(&cache->changed);
        evict(cache);
    }
    lock_drop(&cache->lock);
}

bool cache_replace(struct cache *cache, const char *path, const struct cached *before,
                   struct cached *c)
{
    lock_take(&cache->lock);
    struct cache_entry *e = path_table_find(cache->table, path);
    const bool same = e && e->held == before;
    if (same) {
        set_held(cache, e, c, e->list);
        e->error = 0;
        e->dropped = e->loading; /* what is being loaded is older */
        evict(cache);
    }
    lock_drop(&cache->lock);
    return same;
}

void cache_confirm(struct cache *cache, const char *path, const struct cached *c, int64_t true_at)
{
    lock_take(&cache->lock);
    struct cache_entry *e = path_table_find(cache->table, path);
    if (e && e->held == c && e->true_at < true_at) {
        e->true_at = true_at;
        move(e, e->list); /* as any that is as young */
    }
    lock_drop(&cache->lock);
}

static void drop(struct cache *cache, struct cache_entry *e) REQUIRES(cache->lock)
{
    set_used(cache, e, NULL);
    e->error = 0;
    e->dropped = e->loading;
    forget_if_unused(cache, e);
}

void cache_drop(struct cache *cache, const char *path)
{
    lock_take(&cache->lock);
    struct cache_entry *e = path_table_find(cache->table, path);
    if (e)
        drop(cache, e);
    lock_drop(&cache->lock);
}

void cache_drop_below(struct cache *cache, const char *path)
{
    struct cache_entry *next;
    lock_take(&cache->lock);
    for (struct cache_entry *e = (struct cache_entry *)cache->table; e; e = next) {
        next = e->item.hh.next;
        if (path_below(path, e->item.path))
            drop(cache, e);
    }
    lock_drop(&cache->lock);
}

int64_t cache_not_before(int64_t max_age_ms)
{
    return max_age_ms > 0 ? clock_ms() - max_age_ms : clock_ms() + 1;
}

void cache_each_since(struct cache *cache, unsigned long *since,
                      void (*see)(void *ctx, const char *path, struct cached *c), void *ctx)
{
    lock_take(&cache->lock);
    const struct path_item *i = *since == cache->changes ? NULL : cache->table;
    for (; i; i = i->hh.next) {
        const struct cache_entry *e = (const struct cache_entry *)i;
        if (e->held)
            see(ctx, i->path, e->held);
    }
    *since = cache->changes;
    lock_drop(&cache->lock);
}

void cache_stats(struct cache *cache, size_t *ret_count, size_t *ret_bytes)
{
    lock_take(&cache->lock);
    *ret_count = HASH_COUNT(cache->table);
    *ret_bytes = bytes_held(cache);
    lock_drop(&cache->lock);
}
