/* SPDX-License-Identifier: MIT */
/* What is loaded ahead of its use, and what has to make room for what. */
#include "remote/cache/cache.h"

#include "rig.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"

enum { MAX = 100, LONG_MS = 60000 };

static void destroy(struct cached *c)
{
    free(c);
}

static struct cached *thing(size_t bytes)
{
    struct cached *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->bytes = bytes;
    c->destroy = destroy;
    atomic_init(&c->refs, 1);
    return c;
}

static struct cache *new_cache(void)
{
    struct cache *cache = NULL;
    assert_int_equal(cache_new(MAX, &cache), 0);
    return cache;
}

static void load(struct cache *cache, const char *path, size_t bytes)
{
    struct wait wait = patience();
    struct cached *known = NULL;
    struct cache_ticket ticket;
    struct cached *c = thing(bytes);
    assert_int_equal(cache_begin(cache, path, clock_ms() + 1, &wait, &known, &ticket), 1);
    cache_end(cache, &ticket, c, 0);
    cached_unref(known);
    cached_unref(c);
}

static void load_ahead(struct cache *cache, const char *path, size_t bytes, bool spare)
{
    struct cached *known = NULL;
    struct cache_ticket ticket;
    struct cached *c = thing(bytes);
    assert_true(cache_try_begin(cache, path, INT64_MAX, &known, &ticket));
    ticket.spare = spare;
    cache_end(cache, &ticket, c, 0);
    cached_unref(known);
    cached_unref(c);
}

static bool is_known(struct cache *cache, const char *path)
{
    struct cached *c = cache_peek(cache, path, NULL);
    cached_unref(c);
    return c != NULL;
}

/* A cache_begin that gets what is known: whether it is the first one. */
static bool is_first_use(struct cache *cache, const char *path)
{
    struct wait wait = patience();
    struct cached *c = NULL;
    struct cache_ticket ticket;
    assert_int_equal(cache_begin(cache, path, 0, &wait, &c, &ticket), 0);
    cached_unref(c);
    return ticket.ahead;
}

static size_t room(struct cache *cache)
{
    return cache_room_ahead(cache, SIZE_MAX, LONG_MS);
}

static void what_is_in_use_stays(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    load(cache, "above", 20);
    for (char path[] = "a"; path[0] <= 'z'; path[0]++) {
        load(cache, path, 30);
        assert_false(cache_touch(cache, "above"));
    }
    assert_true(is_known(cache, "above"));
    assert_true(is_known(cache, "z"));
    assert_false(is_known(cache, "x"));
    assert_false(cache_touch(cache, "nothing"));
    cache_free(cache);
}

/* A look at the names in a directory, before anybody opens it. */
static void a_touch_is_a_use_and_leaves_the_first_one_to_be_told(void **state)
{
    (void)state;
    for (int spare = 0; spare < 2; spare++) {
        struct cache *cache = new_cache();
        load_ahead(cache, "a", 30, spare);
        assert_int_equal(room(cache), 20);
        assert_true(cache_touch(cache, "a"));
        assert_int_equal(room(cache), 50);
        assert_false(cache_touch(cache, "a"));
        assert_true(is_first_use(cache, "a"));
        assert_false(is_first_use(cache, "a"));
        cache_free(cache);
    }
}

/* The last that was loaded is the farthest from who comes by, and goes next. */
static void what_is_spare_is_given_up_from_its_end(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    load_ahead(cache, "a", 10, true);
    load_ahead(cache, "near", 10, false);
    load_ahead(cache, "b", 10, true);
    load_ahead(cache, "c", 10, true);
    cache_give_up_spare(cache, 0);
    assert_int_equal(room(cache), 10);
    cache_give_up_spare(cache, 11);
    assert_int_equal(room(cache), 30);
    assert_true(is_known(cache, "b") && is_known(cache, "c")); /* as long as there is room */
    load(cache, "u", 79);
    assert_false(is_known(cache, "b") || is_known(cache, "c"));
    assert_true(is_known(cache, "a") && is_known(cache, "near") && is_known(cache, "u"));
    cache_give_up_spare(cache, SIZE_MAX);
    assert_int_equal(room(cache), 40); /* what is near is not spare */
    cache_free(cache);
}

/* More than was expected is ahead. */
static void what_was_used_does_not_go_for_what_is_spare(void **state)
{
    (void)state;
    static const struct {
        bool spare;
        bool used_stays;
    } cases[] = {{true, true}, {false, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cache *cache = new_cache();
        load(cache, "used", 40);
        load_ahead(cache, "a", 30, cases[i].spare);
        load_ahead(cache, "b", 25, cases[i].spare);
        load_ahead(cache, "c", 30, cases[i].spare);
        assert_int_equal(is_known(cache, "used"), cases[i].used_stays);
        assert_true(is_known(cache, "a")); /* which comes first */
        assert_int_equal(is_known(cache, "c"), !cases[i].used_stays);
        cache_free(cache);
    }
}

static void what_is_expected_counts_as_ahead(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    load(cache, "used", 10);
    load_ahead(cache, "spare", 10, true);
    load_ahead(cache, "ahead", 10, false);
    assert_int_equal(cache_more_ahead(cache, "used", 7), 10);
    assert_int_equal(cache_more_ahead(cache, "spare", 7), 0);
    assert_int_equal(cache_more_ahead(cache, "ahead", 7), 0);
    assert_int_equal(cache_more_ahead(cache, "nothing", 7), 7);
    assert_int_equal(room(cache), 30);
    assert_true(cache_expect(cache, "used"));
    assert_true(cache_expect(cache, "spare"));
    assert_true(cache_expect(cache, "ahead"));
    assert_false(cache_expect(cache, "nothing"));
    assert_int_equal(room(cache), 20);
    assert_int_equal(cache_more_ahead(cache, "used", 7), 0);
    cache_give_up_spare(cache, SIZE_MAX);
    assert_int_equal(room(cache), 20);
    assert_true(is_first_use(cache, "used"));
    assert_int_equal(room(cache), 30);
    cache_free(cache);
}

/* Those of before are nearer than what was spare already. */
static void all_can_be_spare(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    load_ahead(cache, "wide", 10, true);
    load_ahead(cache, "first", 10, false);
    load_ahead(cache, "second", 10, false);
    cache_all_spare(cache);
    assert_int_equal(room(cache), 20);
    assert_true(cache_expect(cache, "first"));
    cache_give_up_spare(cache, 10);
    load(cache, "used", 80);
    assert_false(is_known(cache, "wide"));
    cache_give_up_spare(cache, 10);
    load(cache, "more", 90);
    assert_false(is_known(cache, "second"));
    assert_true(is_known(cache, "first"));
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_use_stays),
        cmocka_unit_test(a_touch_is_a_use_and_leaves_the_first_one_to_be_told),
        cmocka_unit_test(what_is_spare_is_given_up_from_its_end),
        cmocka_unit_test(what_was_used_does_not_go_for_what_is_spare),
        cmocka_unit_test(what_is_expected_counts_as_ahead),
        cmocka_unit_test(all_can_be_spare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
