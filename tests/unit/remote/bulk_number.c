/* SPDX-License-Identifier: MIT */
/* How many bulk connections there are, and files whose data changes over to more of them. */
#include "remote/file/bulk_connections.h"

#include "place.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A server, and the processes of it that live. */
struct hosts {
    struct local_server *server;
    pthread_mutex_t lock;
    pid_t pids[64];
    unsigned n;
    bool has_one; /* who logs in ends the others */
};

static void end_hosts(struct hosts *hosts)
{
    for (; hosts->n > 0; hosts->n--)
        kill(hosts->pids[hosts->n - 1], SIGKILL);
}

static int connect_host(void *ctx, struct transport **ret, struct diag *why)
{
    struct hosts *hosts = ctx;
    pthread_mutex_lock(&hosts->lock);
    if (hosts->has_one && hosts->n > 0)
        usleep(50000); /* the first words of the others are over then */
    if (hosts->has_one)
        end_hosts(hosts);
    int r = local_server_connect(hosts->server, ret, why);
    if (r == 0 && hosts->n < sizeof(hosts->pids) / sizeof(*hosts->pids))
        hosts->pids[hosts->n++] = hosts->server->pid;
    pthread_mutex_unlock(&hosts->lock);
    return r;
}

static struct bulk_connections *must_expect_four(struct place *p, struct hosts *hosts)
{
    const struct bulk_connections_options options = {
        .connect = connect_host,
        .ctx = hosts,
        .timeout_ms = SOON_MS,
        .idle_ms = SOON_MS,
        .again_ms = 100,
        .number = 4,
    };
    struct bulk_connections *bulk = NULL;
    hosts->server = &p->bulk;
    assert_int_equal(bulk_connections_new(&options, &bulk), 0);
    bulk_connections_expect(bulk, -1);
    return bulk;
}

static bool has_up(struct bulk_connections *bulk, unsigned n)
{
    char expected[64];
    BUF_AUTO text = {0};
    snprintf(expected, sizeof(expected), "bulk-connections: %u\n", n);
    assert_int_equal(bulk_connections_describe(bulk, &text), 0);
    return strstr(text.data, expected) != NULL;
}

static bool comes_to_have_up(struct bulk_connections *bulk, unsigned n, bool expects)
{
    const int64_t end = clock_ms() + SOON_MS;
    while (!has_up(bulk, n) && clock_ms() < end) {
        if (expects)
            bulk_connections_expect(bulk, -1);
        usleep(5000);
    }
    return has_up(bulk, n);
}

/* As when the network is gone for a moment. */
static void all_that_are_lost_at_once_are_one_failure(void **state)
{
    struct place *p = *state;
    struct hosts hosts = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct bulk_connections *bulk = must_expect_four(p, &hosts);
    assert_true(comes_to_have_up(bulk, 4, false));
    end_hosts(&hosts);
    assert_true(comes_to_have_up(bulk, 0, false));
    assert_true(comes_to_have_up(bulk, 4, true));
    bulk_connections_free(bulk);
}

static void a_host_that_ends_them_at_once_gets_few_logins(void **state)
{
    struct place *p = *state;
    struct hosts hosts = {.lock = PTHREAD_MUTEX_INITIALIZER, .has_one = true};
    struct bulk_connections *bulk = must_expect_four(p, &hosts);
    for (int i = 0; i < 150; i++) {
        bulk_connections_expect(bulk, -1);
        usleep(10000);
    }
    bulk_connections_free(bulk);
    assert_in_range(p->bulk.started, 2, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_distance_says_how_many),
        TEST(more_are_opened_where_the_first_are_fast),
        TEST(what_is_read_goes_over_more_at_once),
        TEST(one_of_four_is_lost_and_nothing_with_it),
        TEST(another_file_is_not_written_to_over_more),
        TEST(all_that_are_lost_at_once_are_one_failure),
        TEST(a_host_that_ends_them_at_once_gets_few_logins),
    };
    if (!local_server_exists())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
