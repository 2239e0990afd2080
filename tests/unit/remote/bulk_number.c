/* SPDX-License-Identifier: MIT */
/* How many bulk connections there are, and files whose data changes over to more of them. */
#include "remote/file/bulk_connections.h"

#include "place.h"

#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"

static void the_distance_says_how_many(void **state)
{
    static const struct {
        int64_t round_trip_ms;
        long processors;
        unsigned expected;
    } cases[] = {
        {-1, 1, 1},  {-1, 64, 2}, {0, 2, 1},   {0, 3, 1},
        {0, 4, 2},   {5, 2, 1},   {5, 8, 2},   {6, 2, 2},
        {10, 2, 2},  {11, 2, 3},  {15, 8, 3},  {20, 2, 4},
        {20, 64, 4}, {50, 2, 4},  {250, 2, 4}, {INT64_MAX / (1 << 20), 2, 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(bulk_connections_worth(cases[i].round_trip_ms, cases[i].processors),
                         cases[i].expected);
}

/* Writes until so many are up, and have some MiB of the file. */
static void must_write_until(struct place *p, unsigned long n, unsigned *seed)
{
    int64_t end = clock_ms() + SOON_MS;
    while (must_count(&p->mount, "bulk-connections") != n && clock_ms() < end) {
        const size_t at = p->size < 60 * MIB ? p->size : 10 * MIB;
        for (size_t i = 0; i < 8; i++)
            must_put(p, at + i * STEP, STEP, seed);
    }
    must_have_connections(p, n);
}

/* Two come first, and two more once much goes over these. What is written goes where it belongs
 * while their number changes, and afterwards. */
static void more_are_opened_where_the_first_are_fast(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 15;
    o.bulk_number = 4;
    must_begin(p, &o);
    must_append(p, 8 * MIB, &seed);
    must_have_connections(p, 2);
    must_write_until(p, 4, &seed);
    for (size_t at = 0; at < 20 * MIB; at += STEP)
        must_put(p, at, STEP, &seed);
    unsigned long before = main_bytes(p, "bytes-sent");
    for (size_t at = 0; at < 8 * MIB; at += STEP)
        must_put(p, at, STEP, &seed);
    assert_true(main_bytes(p, "bytes-sent") - before < MIB / 2);
    must_have_stored(p, "disk");
    for (size_t at = 0; at < p->size; at += STEP)
        must_get(p, at, STEP);
    assert_int_equal(must_count(&p->mount, "bulk-connections-made"), 4);
}

static void what_is_read_goes_over_more_at_once(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 16;
    must_store(p, &seed);
    o.bulk_number = 3;
    must_mount(&p->mount, &p->folder, &o);
    assert_int_equal(remote_file_open(p->mount.remote, "disk", SFTP_OPEN_READ, &p->wait, &p->file),
                     0);
    must_get(p, 0, STEP);
    for (int i = 0; i < 1000 && must_count(&p->mount, "bulk-connections") < 3; i++) {
        for (size_t at = 0; at < p->size; at += STEP)
            must_get(p, at, STEP);
    }
    must_have_connections(p, 3);
    for (size_t at = 0; at < p->size; at += 100001)
        must_get(p, at, 100001);
    assert_int_equal(p->bulk.started, 3);
}

/* One that is open, and was not made for this file. */
static void one_of_four_is_lost_and_nothing_with_it(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 17;
    o.bulk_number = 4;
    must_begin(p, &o);
    must_append(p, 8 * MIB, &seed);
    must_write_until(p, 4, &seed);
    for (size_t at = 0; at < 20 * MIB; at += STEP)
        must_put(p, at, STEP, &seed);
    assert_int_equal(local_server_signal(&p->bulk, SIGKILL), 0);
    for (size_t at = 20 * MIB; at < 30 * MIB; at += STEP) {
        must_put(p, at, STEP, &seed);
        must_get(p, at, STEP);
    }
    must_have_stored(p, "disk");
    /* It stays lost, as long as others are there. */
    must_have_connections(p, 3);
    assert_int_equal(must_count(&p->mount, "bulk-connections-made"), 4);
}

/* Another file that looks the same has the name when more are opened: it is neither written to, nor
 * does it end the writing over those that were there. */
static void another_file_is_not_written_to_over_more(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 18;
    o.bulk_number = 4;
    must_begin(p, &o);
    must_append(p, 8 * MIB, &seed);
    must_have_connections(p, 2);
    must_append(p, 2 * MIB, &seed); /* some of it proves these */
    assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
    must_twin(p, "disk", "twin");
    must_rename(p, "disk", "moved");
    must_rename(p, "twin", "disk");
    const size_t twin = p->size;
    must_write_until(p, 4, &seed);
    for (size_t at = 0; at < 40 * MIB; at += STEP)
        must_put(p, at, STEP, &seed);
    must_have_stored(p, "moved");
    assert_int_equal(must_lstat(&p->folder, "disk").st_size, twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_distance_says_how_many),
        TEST(more_are_opened_where_the_first_are_fast),
        TEST(what_is_read_goes_over_more_at_once),
        TEST(one_of_four_is_lost_and_nothing_with_it),
        TEST(another_file_is_not_written_to_over_more),
    };
    if (!local_server_exists())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
