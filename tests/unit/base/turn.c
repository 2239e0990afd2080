/* SPDX-License-Identifier: MIT */
#include "base/turn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

enum { LONG_MS = 60 * 1000, THREADS = 8, TURNS = 2000 };

static bool always(void *ctx)
{
    (void)ctx;
    return true;
}

struct work {
    struct turn turn;
    int inside;
    int done;
    int failed;
};

static void *take_turns(void *arg)
{
    struct work *w = arg;
    const struct wait wait = wait_for_ms(LONG_MS);
    for (int i = 0; i < TURNS; i++) {
        if (turn_take(&w->turn, &wait) < 0)
            return w; /* told by what is not done */
        w->failed += ++w->inside != 1;
        w->done++;
        w->inside--;
        turn_give(&w->turn);
    }
    return NULL;
}

static void one_has_it_at_a_time_and_all_get_it(void **state)
{
    (void)state;
    struct work w = {0};
    pthread_t threads[THREADS];
    turn_init(&w.turn);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &w), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(w.failed, 0);
    assert_int_equal(w.done, THREADS * TURNS);
    turn_done(&w.turn);
}

static void who_waits_is_interrupted_or_ends_by_its_deadline(void **state)
{
    (void)state;
    struct turn turn;
    const struct wait patient = wait_for_ms(LONG_MS);
    struct wait interrupted = wait_for_ms(LONG_MS);
    interrupted.interrupted = always;
    const int64_t began = clock_ms();
    const struct wait brief = wait_for_ms(50);
    turn_init(&turn);
    assert_int_equal(turn_take(&turn, &patient), 0);
    assert_int_equal(turn_take(&turn, &interrupted), -EINTR);
    assert_int_equal(turn_take(&turn, &brief), -EIO);
    assert_true(clock_ms() - began >= 50);
    turn_give(&turn);
    /* What is free is had at once, whatever the wait says. */
    assert_int_equal(turn_take(&turn, &interrupted), 0);
    turn_give(&turn);
    assert_int_equal(turn_take(&turn, &brief), 0);
    turn_give(&turn);
    turn_done(&turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_has_it_at_a_time_and_all_get_it),
        cmocka_unit_test(who_waits_is_interrupted_or_ends_by_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
