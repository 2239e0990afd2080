/* SPDX-License-Identifier: MIT */
#include "remote/cache/cache.h"

#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum { WAITERS = 8 };

struct thing {
    struct cached cached; /* first */
    int value;
    int *destroyed;
};

static void destroy(struct cached *c)
{
    struct thing *t = (struct thing *)c;
    ++*t->destroyed;
    free(t);
}

static struct cached *thing(int value, size_t bytes, int *destroyed)
{
    struct thing *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    t->value = value;
    t->destroyed = destroyed;
    t->cached.bytes = bytes;
    t->cached.destroy = destroy;
    atomic_init(&t->cached.refs, 1);
    return &t->cached;
}

static int value_of(const struct cached *c)
{
    return ((const struct thing *)c)->value;
}

static struct cache *new_cache(size_t max)
{
    struct cache *cache = NULL;
    assert_int_equal(cache_new(max, &cache), 0);
    return cache;
}

/* Loads a path with a thing (or an error) as of now. */
static void load(struct cache *cache, const char *path, struct cached *c, int error)
{
    struct wait wait = patience();
    struct cached *known = NULL;
    struct cache_ticket ticket;
    assert_int_equal(cache_begin(cache, path, clock_ms() + 1000, &wait, &known, &ticket), 1);
    cache_end(cache, &ticket, c, error);
    cached_unref(known);
}

/* One look that must not wait: the value, or a negative error, or 1000 when we are to load. */
static int get(struct cache *cache, const char *path, int64_t not_before)
{
    struct wait wait = patience();
    struct cached *c = NULL;
    struct cache_ticket ticket;
    int r = cache_begin(cache, path, not_before, &wait, &c, &ticket);
    if (r == 1) {
        cache_end(cache, &ticket, NULL, -EINTR);
        r = 1000;
    } else if (r == 0) {
        r = value_of(c);
    }
    cached_unref(c);
    return r;
}

static void what_is_old_is_loaded_again(void **state)
{
    (void)state;
    int destroyed = 0;
    struct cache *cache = new_cache(1000);
    struct cached *c = thing(7, 10, &destroyed);
    int64_t before = clock_ms();
    load(cache, "a", c, 0);
    int64_t after = clock_ms();
    assert_int_equal(get(cache, "a", before), 7);
    assert_int_equal(get(cache, "a", after + 1), 1000);
    assert_int_equal(get(cache, "b", 0), 1000);
    cached_unref(c);
    assert_int_equal(destroyed, 0);
    cache_free(cache);
    assert_int_equal(destroyed, 1);
}

static void true_as_of_the_beginning_of_the_load(void **state)
{
    (void)state;
    int destroyed = 0;
    struct cache *cache = new_cache(1000);
    struct wait wait = patience();
    struct cached *known = NULL;
    struct cache_ticket ticket;
    assert_int_equal(cache_begin(cache, "a", clock_ms(), &wait, &known, &ticket), 1);
    usleep(30000);
    int64_t middle = clock_ms();
    struct cached *c = thing(7, 10, &destroyed);
    cache_end(cache, &ticket, c, 0);
    cached_unref(c);
    assert_int_equal(get(cache, "a", middle), 1000);
    int64_t true_at = 0;
    cached_unref(cache_peek(cache, "a", &true_at));
    assert_int_equal(true_at, ticket.began);
    cache_free(cache);
}

/* Threads that ask for the same path, and what they got. */
struct waiter {
    struct cache *cache;
    int64_t not_before;
    int64_t wait_ms;
    int result; /* as of get() */
    pthread_t thread;
    atomic_int *asking; /* grows as it begins */
    atomic_int *loads;
    int destroyed;
};

static void *ask(void *ctx)
{
    struct waiter *w = ctx;
    struct wait wait = wait_for_ms(w->wait_ms);
    struct cached *c = NULL;
    struct cache_ticket ticket;
    atomic_fetch_add(w->asking, 1);
    int r = cache_begin(w->cache, "a", w->not_before, &wait, &c, &ticket);
    if (r == 1) {
        atomic_fetch_add(w->loads, 1);
        cache_end(w->cache, &ticket, NULL, -EINTR);
    }
    w->result = r == 0 ? value_of(c) : r == 1 ? 1000 : r;
    cached_unref(c);
    return NULL;
}

/* Begins a load, lets threads wait for it, ends it. Gives how many loads they made themselves. */
static int load_with_waiters(struct cache *cache, struct waiter *waiters, int64_t wait_ms,
                             struct cached *c, int error, void (*meanwhile)(struct cache *cache))
{
    struct wait wait = patience();
    struct cached *known = NULL;
    struct cache_ticket ticket;
    atomic_int asking = 0;
    atomic_int loads = 0;
    int64_t asked = clock_ms();
    assert_int_equal(cache_begin(cache, "a", asked, &wait, &known, &ticket), 1);
    cached_unref(known);
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){.cache = cache,
                                     .not_before = asked,
                                     .wait_ms = wait_ms,
                                     .asking = &asking,
                                     .loads = &loads};
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, ask, &waiters[i]), 0);
    }
    while (atomic_load(&asking) < WAITERS)
        usleep(1000);
    usleep(100000); /* they wait by now */
    if (meanwhile)
        meanwhile(cache);
    assert_int_equal(atomic_load(&loads), 0);
    cache_end(cache, &ticket, c, error);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(waiters[i].thread, NULL);
    return atomic_load(&loads);
}

static void one_loads_and_the_others_wait(void **state)
{
    (void)state;
    int destroyed = 0;
    struct waiter waiters[WAITERS];
    struct cache *cache = new_cache(1000);
    struct cached *c = thing(7, 10, &destroyed);
    assert_int_equal(load_with_waiters(cache, waiters, 5000, c, 0, NULL), 0);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(waiters[i].result, 7);
    cached_unref(c);
    cache_free(cache);
    assert_int_equal(destroyed, 1);
}

static void waiters_share_the_error(void **state)
{
    (void)state;
    static const int errors[] = {-ENOENT, -EIO, -EACCES};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct waiter waiters[WAITERS];
        struct cache *cache = new_cache(1000);
        assert_int_equal(load_with_waiters(cache, waiters, 5000, NULL, errors[i], NULL), 0);
        for (int k = 0; k < WAITERS; k++)
            assert_int_equal(waiters[k].result, errors[i]);
        /* Who comes later asks anew. */
        assert_int_equal(get(cache, "a", 0), 1000);
        cache_free(cache);
    }
}

static void an_error_is_not_remembered_beside_what_is_known(void **state)
{
    (void)state;
    int destroyed = 0;
    struct cache *cache = new_cache(1000);
    struct cached *c = thing(7, 10, &destroyed);
    load(cache, "a", c, 0);
    int64_t later = clock_ms() + 1;
    usleep(5000);
    load(cache, "a", NULL, -EIO);
    assert_int_equal(get(cache, "a", later), 1000);
    assert_int_equal(get(cache, "a", 0), 7);
    cached_unref(c);
    cache_free(cache);
}

static void an_interrupted_load_is_taken_over(void **state)
{
    (void)state;
    struct waiter waiters[WAITERS];
    struct cache *cache = new_cache(1000);
    assert_int_equal(load_with_waiters(cache, waiters, 5000, NULL, -EINTR, NULL), WAITERS);
    cache_free(cache);
}

static void a_wait_ends_with_its_deadline(void **state)
{
    (void)state;
    struct waiter waiters[WAITERS];
    struct cache *cache = new_cache(1000);
    assert_int_equal(load_with_waiters(cache, waiters, 20, NULL, -EIO, NULL), 0);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(waiters[i].result, -EIO);
    cache_free(cache);
}

static void drop_a(struct cache *cache)
{
    cache_drop(cache, "a");
}

/* What was dropped while it was loaded may be what was there before the change. */
static void a_load_that_was_dropped_is_not_kept(void **state)
{
    (void)state;
    static const int errors[] = {0, -ENOENT};
    for (size_t i = 0; i < 2; i++) {
        int destroyed = 0;
        struct waiter waiters[WAITERS];
        struct cache *cache = new_cache(1000);
        struct cached *c = thing(7, 10, &destroyed);
        int loads =
            load_with_waiters(cache, waiters, 5000, errors[i] ? NULL : c, errors[i], drop_a);
        assert_int_equal(loads, WAITERS);
        assert_int_equal(get(cache, "a", 0), 1000);
        cached_unref(c);
        assert_int_equal(destroyed, 1);
        cache_free(cache);
    }
}

static int put_destroyed;

static void put_9(struct cache *cache)
{
    struct cached *c = thing(9, 10, &put_destroyed);
    cache_put(cache, "a", c);
    cached_unref(c);
}

static void an_own_change_outlives_an_older_load(void **state)
{
    (void)state;
    static const int errors[] = {0, -ENOENT};
    for (size_t i = 0; i < 2; i++) {
        int destroyed = 0;
        struct waiter waiters[WAITERS];
        struct cache *cache = new_cache(1000);
        struct cached *c = thing(7, 10, &destroyed);
        int loads = load_with_waiters(cache, waiters, 5000, errors[i] ? NULL : c, errors[i], put_9);
        assert_int_equal(loads, 0);
        for (int k = 0; k < WAITERS; k++)
            assert_int_equal(waiters[k].result, 9);
        assert_int_equal(get(cache, "a", 0), 9);
        cached_unref(c);
        cache_free(cache);
    }
}

static void a_change_is_made_in_what_is_known_alone(void **state)
{
    (void)state;
    int destroyed = 0;
    struct cache *cache = new_cache(1000);
    struct cached *c = thing(7, 10, &destroyed);
    struct cached *changed = thing(8, 10, &destroyed);
    struct cached *loaded = thing(9, 10, &destroyed);
    struct cached *known = NULL;
    struct cache_ticket ticket;
    int64_t put_at = 0;
    int64_t true_at = 0;
    assert_false(cache_replace(cache, "a", c, changed));
    cache_put(cache, "a", c);
    cached_unref(cache_peek(cache, "a", &put_at));
    assert_false(cache_replace(cache, "a", changed, changed));
    assert_true(cache_try_begin(cache, "a", clock_ms() + 1000, &known, &ticket));
    assert_true(cache_replace(cache, "a", c, changed));
    cache_end(cache, &ticket, loaded, 0); /* that is older than the change */
    cached_unref(known);
    known = cache_peek(cache, "a", &true_at);
    assert_int_equal(value_of(known), 8);
    assert_int_equal(true_at, put_at);
    cached_unref(known);
    cached_unref(c);
    cached_unref(changed);
    cached_unref(loaded);
    cache_free(cache);
    assert_int_equal(destroyed, 3);
}

/* By its own time, and only what is still known. */
static void what_is_confirmed_is_as_young(void **state)
{
    (void)state;
    struct cache *cache = new_cache(1000);
    int destroyed = 0;
    int64_t true_at = 0;
    struct cached *one = thing(1, 10, &destroyed);
    struct cached *two = thing(2, 10, &destroyed);
    load(cache, "a", one, 0);
    cached_unref(cache_peek(cache, "a", &true_at));
    const int64_t loaded_at = true_at;
    cache_confirm(cache, "a", one, loaded_at - 1);
    cache_confirm(cache, "a", two, loaded_at + 5000);
    cache_confirm(cache, "b", one, loaded_at + 5000);
    cached_unref(cache_peek(cache, "a", &true_at));
    assert_int_equal(true_at, loaded_at);
    cache_confirm(cache, "a", one, loaded_at + 1000);
    cached_unref(cache_peek(cache, "a", &true_at));
    assert_int_equal(true_at, loaded_at + 1000);
    cached_unref(one);
    cached_unref(two);
    cache_free(cache);
    assert_int_equal(destroyed, 2);
}

static void no_answer_keeps_what_was_known(void **state)
{
    (void)state;
    static const struct {
        int error;
        int then; /* as of get() */
    } cases[] = {{-EIO, 7}, {-EINTR, 7}, {-ENOENT, 1000}, {-EACCES, 1000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int destroyed = 0;
        struct cache *cache = new_cache(1000);
        struct cached *c = thing(7, 10, &destroyed);
        load(cache, "a", c, 0);
        cached_unref(c);
        int64_t true_at = 0;
        cached_unref(cache_peek(cache, "a", &true_at));
        usleep(5000);
        load(cache, "a", NULL, cases[i].error);
        assert_int_equal(get(cache, "a", 0), cases[i].then);
        int64_t then = true_at;
        cached_unref(cache_peek(cache, "a", &then));
        assert_int_equal(then, true_at); /* as old as it is */
        cache_free(cache);
    }
}

static void least_recently_used_goes_first(void **state)
{
    (void)state;
    int destroyed = 0;
    size_t count;
    size_t bytes;
    struct cache *cache = new_cache(100);
    for (int i = 0; i < 5; i++) {
        char path[2] = {(char)('a' + i), '\0'};
        struct cached *c = thing(i, 30, &destroyed);
        load(cache, path, c, 0);
        cached_unref(c);
        get(cache, "a", 0); /* in use all the time */
        cache_stats(cache, &count, &bytes);
        assert_true(bytes <= 100);
    }
    assert_int_equal(destroyed, 2);
    assert_int_equal(get(cache, "a", 0), 0);
    assert_int_equal(get(cache, "b", 0), 1000);
    assert_int_equal(get(cache, "c", 0), 1000);
    assert_int_equal(get(cache, "e", 0), 4);
    cache_stats(cache, &count, &bytes);
    assert_int_equal(count, 3);
    assert_int_equal(bytes, 90);
    cache_free(cache);
    assert_int_equal(destroyed, 5);
}

static void what_is_larger_than_the_cache_is_not_kept(void **state)
{
    (void)state;
    int destroyed = 0;
    size_t count;
    size_t bytes;
    struct cache *cache = new_cache(100);
    struct cached *c = thing(1, 101, &destroyed);
    load(cache, "a", c, 0);
    cache_put(cache, "b", c);
    cache_stats(cache, &count, &bytes);
    assert_int_equal(count, 0);
    assert_int_equal(bytes, 0);
    cached_unref(c);
    assert_int_equal(destroyed, 1);
    cache_free(cache);
}

/* Loads a path ahead of its use, with a thing of so many bytes. */
static void load_ahead(struct cache *cache, const char *path, int value, size_t bytes,
                       int *destroyed)
{
    struct cached *known = NULL;
    struct cache_ticket ticket;
    struct cached *c = thing(value, bytes, destroyed);
    assert_true(cache_try_begin(cache, path, INT64_MIN, &known, &ticket));
    assert_null(known);
    cache_end(cache, &ticket, c, 0);
    cached_unref(c);
}

/* What is read in order must not push out what comes next. */
static void what_is_loaded_ahead_goes_last(void **state)
{
    (void)state;
    int destroyed = 0;
    struct cache *cache = new_cache(100);
    load_ahead(cache, "a", 1, 25, &destroyed);
    load_ahead(cache, "b", 2, 25, &destroyed);
    for (int i = 0; i < 10; i++) {
        struct cached *c = thing(10 + i, 50, &destroyed);
        load(cache, i % 2 ? "even" : "odd", c, 0);
        cached_unref(c);
    }
    assert_int_equal(get(cache, "a", 0), 1);
    assert_int_equal(get(cache, "b", 0), 2);
    struct cached *c = thing(3, 50, &destroyed);
    load(cache, "c", c, 0); /* what has been used goes first again */
    load(cache, "d", c, 0);
    cached_unref(c);
    assert_int_equal(get(cache, "a", 0), 1000);
    cache_free(cache);
}

static void the_first_use_is_told(void **state)
{
    (void)state;
    int destroyed = 0;
    struct cache *cache = new_cache(100);
    load_ahead(cache, "a", 1, 10, &destroyed);
    for (int i = 0; i < 2; i++) {
        struct wait wait = patience();
        struct cached *c = NULL;
        struct cache_ticket ticket;
        assert_int_equal(cache_begin(cache, "a", 0, &wait, &c, &ticket), 0);
        assert_int_equal(ticket.ahead, i == 0);
        cached_unref(c);
    }
    cache_free(cache);
}

static void half_is_for_what_is_loaded_ahead(void **state)
{
    (void)state;
    int destroyed = 0;
    struct cache *cache = new_cache(100);
    assert_int_equal(cache_room_ahead(cache, 1000, 60000), 50);
    assert_int_equal(cache_room_ahead(cache, 40, 60000), 40);
    load_ahead(cache, "a", 1, 30, &destroyed);
    assert_int_equal(cache_room_ahead(cache, 1000, 60000), 20);
    load_ahead(cache, "b", 2, 30, &destroyed);
    assert_int_equal(cache_room_ahead(cache, 1000, 60000), 0);
    get(cache, "a", 0);
    assert_int_equal(cache_room_ahead(cache, 1000, 60000), 20);
    cache_drop(cache, "b");
    assert_int_equal(cache_room_ahead(cache, 1000, 60000), 50);
    load_ahead(cache, "c", 3, 50, &destroyed);
    assert_int_equal(cache_room_ahead(cache, 1000, 60000), 0);
    usleep(2000);
    assert_int_equal(cache_room_ahead(cache, 1000, 0), 50); /* nobody came */
    cache_free(cache);
}

static void what_is_known_will_do_however_old(void **state)
{
    (void)state;
    int destroyed = 0;
    struct cache *cache = new_cache(100);
    struct cached *known = NULL;
    struct cache_ticket ticket;
    load_ahead(cache, "a", 1, 10, &destroyed);
    assert_false(cache_try_begin(cache, "a", INT64_MIN, &known, &ticket));
    assert_true(cache_try_begin(cache, "a", clock_ms() + 1, &known, &ticket));
    assert_int_equal(value_of(known), 1);
    assert_true(cache_is_loading(cache, "a"));
    cache_end(cache, &ticket, known, 0);
    assert_false(cache_is_loading(cache, "a"));
    assert_false(cache_is_loading(cache, "b"));
    cached_unref(known);
    cache_free(cache);
}

static void a_folder_is_dropped_with_what_is_below(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool stays;
    } cases[] = {{"a", false}, {"a/b", false}, {"a/b/c", false}, {"ab", true}, {"b/a", true}};
    int destroyed = 0;
    struct cache *cache = new_cache(1000);
    for (size_t i = 0; i < 5; i++) {
        struct cached *c = thing((int)i, 10, &destroyed);
        load(cache, cases[i].path, c, 0);
        cached_unref(c);
    }
    cache_drop_below(cache, "a");
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(get(cache, cases[i].path, 0) != 1000, cases[i].stays);
    cache_drop_below(cache, "");
    assert_int_equal(destroyed, 5);
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_old_is_loaded_again),
        cmocka_unit_test(true_as_of_the_beginning_of_the_load),
        cmocka_unit_test(one_loads_and_the_others_wait),
        cmocka_unit_test(waiters_share_the_error),
        cmocka_unit_test(an_error_is_not_remembered_beside_what_is_known),
        cmocka_unit_test(an_interrupted_load_is_taken_over),
        cmocka_unit_test(a_wait_ends_with_its_deadline),
        cmocka_unit_test(a_load_that_was_dropped_is_not_kept),
        cmocka_unit_test(an_own_change_outlives_an_older_load),
        cmocka_unit_test(a_change_is_made_in_what_is_known_alone),
        cmocka_unit_test(what_is_confirmed_is_as_young),
        cmocka_unit_test(no_answer_keeps_what_was_known),
        cmocka_unit_test(least_recently_used_goes_first),
        cmocka_unit_test(what_is_larger_than_the_cache_is_not_kept),
        cmocka_unit_test(what_is_loaded_ahead_goes_last),
        cmocka_unit_test(the_first_use_is_told),
        cmocka_unit_test(half_is_for_what_is_loaded_ahead),
        cmocka_unit_test(what_is_known_will_do_however_old),
        cmocka_unit_test(a_folder_is_dropped_with_what_is_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
