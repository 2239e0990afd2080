/* SPDX-License-Identifier: MIT */
/* Where the readers of a file go on. */
#include "sftp/bulk/streams.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { KIB = 1 << 10, MIB = 1 << 20, STEP = 128 * KIB };

/* The stream's place in the list, as it began. */
static struct stream *must_step(struct streams *all, uint64_t offset, uint64_t advance)
{
    uint64_t came = UINT64_MAX;
    struct stream *s = streams_step(all, offset, STEP, &came);
    assert_int_equal(came, advance);
    return s;
}

static void one_goes_on_also_where_steps_overtake_each_other(void **state)
{
    (void)state;
    struct streams all = {0};
    struct stream *s = must_step(&all, 0, 0);
    assert_ptr_equal(must_step(&all, STEP, STEP), s);
    assert_ptr_equal(must_step(&all, 3 * STEP, 2 * STEP), s);
    assert_ptr_equal(must_step(&all, 2 * STEP, 0), s);
    assert_ptr_equal(must_step(&all, 4 * STEP, STEP), s);
    assert_int_equal(s->start, 0);
    assert_int_equal(s->next, 5 * STEP);
    assert_int_equal(streams_living(&all), 1);
    assert_int_equal(streams_limit(&all, s), UINT64_MAX);
}

static void several_go_on_beside_each_other(void **state)
{
    (void)state;
    struct streams all = {0};
    struct stream *s[8];
    for (size_t i = 0; i < 8; i++)
        s[i] = must_step(&all, i * 2 * MIB, 0);
    for (size_t at = STEP; at < 2 * MIB; at += STEP) {
        for (size_t i = 0; i < 8; i++)
            assert_ptr_equal(must_step(&all, i * 2 * MIB + at, STEP), s[i]);
    }
    assert_int_equal(streams_living(&all), 8);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(streams_limit(&all, s[i]), s[i + 1]->start);
    assert_int_equal(streams_limit(&all, s[7]), UINT64_MAX);
    assert_true(streams_passed(&all, 0));
    assert_true(streams_passed(&all, 16 * MIB - 1));
    assert_false(streams_passed(&all, 16 * MIB));
}

static void who_goes_elsewhere_begins_anew(void **state)
{
    (void)state;
    struct streams all = {0};
    struct stream *s = must_step(&all, 0, 0);
    s->window = 1;
    struct stream *other = must_step(&all, 100 * MIB, 0);
    assert_ptr_not_equal(other, s);
    assert_int_equal(other->window, 0);
    assert_int_equal(other->start, 100 * MIB);
    assert_ptr_equal(must_step(&all, STEP, STEP), s);
    assert_int_equal(s->window, 1);
}

/* Of an old one nothing is left, neither where it goes on nor what it has passed. */
static void one_that_is_not_used_is_forgotten(void **state)
{
    (void)state;
    struct streams all = {0};
    struct stream *old = must_step(&all, 0, 0);
    struct stream *s = must_step(&all, 10 * MIB, 0);
    assert_true(streams_lives(&all, old));
    for (uint64_t i = 1; i < 100; i++)
        must_step(&all, 10 * MIB + i * STEP, STEP);
    assert_false(streams_lives(&all, old));
    assert_false(streams_passed(&all, 0));
    assert_int_equal(streams_living(&all), 1);
    assert_ptr_not_equal(must_step(&all, STEP, 0), s);
}

static void any_number_may_begin(void **state)
{
    (void)state;
    struct streams all = {0};
    for (uint64_t i = 0; i < 1000; i++)
        must_step(&all, i * 7 % 1000 * 10 * MIB, 0);
    assert_int_equal(streams_living(&all), STREAMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_goes_on_also_where_steps_overtake_each_other),
        cmocka_unit_test(several_go_on_beside_each_other),
        cmocka_unit_test(who_goes_elsewhere_begins_anew),
        cmocka_unit_test(one_that_is_not_used_is_forgotten),
        cmocka_unit_test(any_number_may_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
