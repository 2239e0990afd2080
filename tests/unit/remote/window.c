/* SPDX-License-Identifier: MIT */
/* How much may be under way in the background. */
#include "rig.h"

#include "remote/ahead/window.h"

enum { FIRST = 64, MAX = 1024 };

/* A link as a queue: so many requests a ms, and a way that takes base_ms. Keeps the window full for
 * so many ms, and says how many requests were answered in the second half of them and how long the
 * slowest of those took. */
struct outcome {
    unsigned answered;
    int64_t slowest_ms;
};

static struct outcome run_link(struct window *w, unsigned per_ms, int64_t base_ms, int64_t ms)
{
    static int64_t asked_at[1 << 20];
    struct outcome outcome = {0};
    unsigned asked = 0;
    unsigned answered = 0;
    for (int64_t now = 1; now <= ms; now++) {
        while (asked - answered < w->size)
            asked_at[asked++] = now;
        for (unsigned i = 0; i < per_ms; i++) {
            if (answered == asked || now - asked_at[answered] < base_ms)
                break;
            int64_t asked_then = asked_at[answered++];
            window_answered(w, asked_then, asked - answered, now);
            if (now > ms / 2) {
                outcome.answered++;
                if (now - asked_then > outcome.slowest_ms)
                    outcome.slowest_ms = now - asked_then;
            }
        }
    }
    return outcome;
}

static void a_link_is_full_and_its_queue_short(void **state)
{
    (void)state;
    static const struct {
        unsigned per_ms;
        int64_t base_ms;
        unsigned full; /* what the window of this link holds */
    } links[] = {{1, 20, 20}, {1, 100, 100}, {5, 20, 100}, {5, 100, 500}, {8, 40, 320}};
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
        struct window w;
        window_init(&w, FIRST, MAX);
        struct outcome o = run_link(&w, links[i].per_ms, links[i].base_ms, 10000);
        assert_within(o.slowest_ms, links[i].base_ms, 3 * links[i].base_ms);
        assert_true(o.answered >= 5000 * links[i].per_ms * 8 / 10);
        assert_true(w.size >= links[i].full / 2);
    }
}

static void a_window_on_a_quick_link_becomes_wide(void **state)
{
    (void)state;
    struct window w;
    window_init(&w, FIRST, MAX);
    run_link(&w, 200, 20, 500);
    assert_int_equal(w.size, MAX);
}

static void a_link_that_becomes_slow_is_noticed(void **state)
{
    (void)state;
    struct window w;
    window_init(&w, FIRST, MAX);
    run_link(&w, 200, 20, 500);
    for (int64_t now = 1000; now < 1100; now++) {
        for (int i = 0; i < 30; i++)
            window_answered(&w, now - 90, w.size, now);
    }
    assert_within(w.size, 1, MAX / 2);
}

static void a_longer_way_is_got_used_to(void **state)
{
    (void)state;
    struct window w;
    window_init(&w, FIRST, MAX);
    run_link(&w, 200, 20, 500);
    for (int64_t now = 1000; now < 60000; now++)
        window_answered(&w, now - 90, w.size, now);
    assert_int_equal(w.size, MAX);
}

static void one_slow_answer_changes_nothing(void **state)
{
    (void)state;
    struct window w;
    window_init(&w, FIRST, MAX);
    for (int64_t now = 1000; now < 9000; now++)
        window_answered(&w, now - (now % 40 == 0 ? 200 : 20), w.size, now);
    assert_int_equal(w.size, MAX);
}

static void what_is_not_needed_does_not_grow(void **state)
{
    (void)state;
    struct window w;
    window_init(&w, FIRST, MAX);
    for (int64_t now = 1000; now < 5000; now++)
        window_answered(&w, now - 20, FIRST / 4, now);
    assert_int_equal(w.size, FIRST);
}

static void a_quick_listing_opens_the_window(void **state)
{
    (void)state;
    static const struct {
        size_t names;
        int64_t ms, round_trip_ms;
        unsigned size;
    } listings[] = {
        {500, 20, 20, 1000},   /* a flight of so many names was answered in the time allowed */
        {200, 0, 100, 800},    /* much sooner: it tells of somewhat more */
        {500, 100, 20, 200},   /* in five times that time */
        {500, 400, 20, FIRST}, /* the link is slow; the window is what it was */
        {5, 0, 20, FIRST},     /* that tells nothing */
        {100000, 40, 20, MAX},
    };
    for (size_t i = 0; i < sizeof(listings) / sizeof(*listings); i++) {
        struct window w;
        window_init(&w, FIRST, 4 * MAX);
        window_listed(&w, listings[i].names, listings[i].ms, listings[i].round_trip_ms);
        assert_int_equal(w.size, listings[i].size);
    }
}

static void a_listing_opens_no_window_that_had_to_shrink(void **state)
{
    (void)state;
    struct window w;
    window_init(&w, FIRST, MAX);
    for (int64_t now = 1000; !w.has_shrunk; now++)
        window_answered(&w, now - (now < 1100 ? 20 : 200), w.size, now);
    const unsigned size = w.size;
    window_listed(&w, MAX, 0, 20);
    assert_int_equal(w.size, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_full_and_its_queue_short),
        cmocka_unit_test(a_window_on_a_quick_link_becomes_wide),
        cmocka_unit_test(a_link_that_becomes_slow_is_noticed),
        cmocka_unit_test(a_longer_way_is_got_used_to),
        cmocka_unit_test(one_slow_answer_changes_nothing),
        cmocka_unit_test(what_is_not_needed_does_not_grow),
        cmocka_unit_test(a_quick_listing_opens_the_window),
        cmocka_unit_test(a_listing_opens_no_window_that_had_to_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
