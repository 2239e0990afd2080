/* SPDX-License-Identifier: MIT */
/* Which times of files are old by the server's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "remote/cache/server_clock.h"

enum { MINUTE = 60, OLD = 90 * MINUTE, DAY = 24 * 3600 };

static int setup(void **state)
{
    static struct server_clock clock;
    server_clock_init(&clock);
    *state = &clock;
    return 0;
}

static void a_time_is_old_after_90_minutes(void **state)
{
    const int64_t now = clock_wall_s();
    assert_true(server_clock_is_old(*state, now - DAY));
    assert_true(server_clock_is_old(*state, now - OLD));
    assert_false(server_clock_is_old(*state, now - OLD + 2 * MINUTE));
    assert_false(server_clock_is_old(*state, now));
    assert_false(server_clock_is_old(*state, now + MINUTE));
}

static void the_servers_clock_decides(void **state)
{
    const int64_t now = clock_wall_s();
    server_clock_tell(*state, now - 9 * MINUTE);
    assert_false(server_clock_is_old(*state, now - OLD - 7 * MINUTE));
    assert_true(server_clock_is_old(*state, now - OLD - 10 * MINUTE));
    server_clock_tell(*state, now + 9 * MINUTE);
    assert_true(server_clock_is_old(*state, now - OLD + 7 * MINUTE));
}

static void nothing_is_old_where_the_clocks_are_apart(void **state)
{
    const int64_t now = clock_wall_s();
    server_clock_tell(*state, now - 12 * MINUTE);
    assert_false(server_clock_is_old(*state, now - DAY));
    server_clock_tell(*state, now + 12 * MINUTE);
    assert_false(server_clock_is_old(*state, now - DAY));
    server_clock_tell(*state, now);
    assert_true(server_clock_is_old(*state, now - DAY));
}

static void a_file_knows_better_than_the_hosts_date_and_that_than_other_files(void **state)
{
    const int64_t now = clock_wall_s();
    assert_false(server_clock_is_old(*state, now + 12 * MINUTE));
    assert_false(server_clock_is_old(*state, now - DAY));
    server_clock_tell_date(*state, now - 9 * MINUTE);
    assert_false(server_clock_is_old(*state, now - OLD - 7 * MINUTE));
    assert_true(server_clock_is_old(*state, now - OLD - 10 * MINUTE));
    server_clock_tell_date(*state, now - 120 * MINUTE);
    assert_false(server_clock_is_old(*state, now - DAY));
    server_clock_tell(*state, now);
    assert_true(server_clock_is_old(*state, now - OLD));
    server_clock_tell_date(*state, now - 120 * MINUTE);
    assert_true(server_clock_is_old(*state, now - OLD));
}

static void a_time_from_the_future_tells_of_the_servers_clock(void **state)
{
    const int64_t now = clock_wall_s();
    assert_false(server_clock_is_old(*state, now + 5 * MINUTE));
    assert_true(server_clock_is_old(*state, now - OLD + 3 * MINUTE));
    assert_false(server_clock_is_old(*state, now + 12 * MINUTE));
    assert_false(server_clock_is_old(*state, now - DAY));
    /* A file that was just made knows better. */
    server_clock_tell(*state, now);
    assert_true(server_clock_is_old(*state, now - DAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_time_is_old_after_90_minutes, setup),
        cmocka_unit_test_setup(the_servers_clock_decides, setup),
        cmocka_unit_test_setup(nothing_is_old_where_the_clocks_are_apart, setup),
        cmocka_unit_test_setup(a_file_knows_better_than_the_hosts_date_and_that_than_other_files,
                               setup),
        cmocka_unit_test_setup(a_time_from_the_future_tells_of_the_servers_clock, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
