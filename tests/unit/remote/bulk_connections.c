/* SPDX-License-Identifier: MIT */
/*
 * The data of large files over connections of their own: every byte is where it belongs, whatever
 * becomes of the connections, and of the names.
 */
#include "place.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

static void a_file_is_written_and_read_over_two(void **state)
{
    struct place *p = *state;
    unsigned seed = 1;
    must_begin_bulk(p);
    must_write_in_bulk(p, &seed);
    must_have_stored(p, "disk");
    unsigned long before = main_bytes(p, "bytes-received");
    for (size_t at = 0; at < p->size; at += STEP)
        must_get(p, at, STEP);
    assert_true(main_bytes(p, "bytes-received") - before < MIB / 2);
}

static void a_large_file_is_read_over_two(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];
    unsigned seed = 2;
    must_store(p, &seed);
    assert_int_equal(chmod(file_path(&p->folder, "disk", path), 0444), 0);
    must_open_again(p, SFTP_OPEN_READ);
    for (size_t at = 0; at < 8 * MIB; at += STEP)
        must_get(p, at, STEP);
    must_have_connections(p, 2);
    for (size_t at = 8 * MIB; at < p->size; at += 100001)
        must_get(p, at, 100001);
    assert_true(main_bytes(p, "bytes-received") < 20 * MIB);
    for (int i = 0; i < 200; i++) {
        size_t offset = next_random(&seed) % p->size;
        must_get(p, offset, 1 + next_random(&seed) % 300000);
    }
}

/* Overlapping writes of all sizes, reads between them, truncation, holes. */
static void any_order_of_operations_is_kept(void **state)
{
    struct place *p = *state;
    unsigned seed = 3;
    must_begin_bulk(p);
    must_write_in_bulk(p, &seed);
    for (int i = 0; i < 1500; i++) {
        unsigned what = next_random(&seed) % 20;
        size_t offset = next_random(&seed) % (30 * MIB);
        size_t n = 1 + next_random(&seed) % (i % 7 ? 5000 : 700000);
        size_t near = 5 * MIB + next_random(&seed) % 3000;
        if (what == 0) {
            const struct sftp_attrs cut = {.flags = SFTP_ATTR_SIZE, .size = 15 * MIB + offset / 2};
            assert_int_equal(remote_file_setattr(p->file, &cut, &p->wait), 0);
            if (cut.size < p->size)
                memset(p->bytes + cut.size, 0, p->size - (size_t)cut.size);
            p->size = (size_t)cut.size;
        } else if (what < 4) {
            must_get(p, offset, n);
        } else {
            must_put(p, what < 14 ? near : offset, n, &seed);
        }
    }
    must_have_stored(p, "disk");
}

/* One bulk connection is held up: what goes to the same place must not take the other one. */
static void writes_to_one_place_do_not_overtake_each_other(void **state)
{
    struct place *p = *state;
    unsigned seed = 13;
    must_begin_bulk(p);
    must_write_in_bulk(p, &seed);
    assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
    assert_int_equal(local_server_signal(&p->bulk, SIGSTOP), 0);
    for (int i = 0; i < 3; i++) {
        for (size_t place = 0; place < 20; place++)
            must_put(p, place * (BULK_STRIPE - 999), 2000, &seed);
        usleep(20000);
    }
    assert_int_equal(local_server_signal(&p->bulk, SIGCONT), 0);
    must_have_stored(p, "disk");
}

/* Which bytes of a place stay that was written to several times is not known: those there are. */
static void must_take_what_is_there(struct place *p, size_t offset, size_t n)
{
    char path[PATH_MAX];
    FREE_AUTO char *found = file_text(file_path(&p->folder, "disk", path));
    assert_non_null(found);
    memcpy(p->bytes + offset, found + offset, n);
}

static void a_lost_one_loses_nothing(void **state)
{
    struct place *p = *state;
    const size_t again = 3 * MIB - 7;
    const size_t n = 70000;
    bool known = true;
    unsigned seed = 4;
    must_begin_bulk(p);
    must_write_in_bulk(p, &seed);
    must_append(p, 2 * MIB, &seed);
    assert_int_equal(local_server_signal(&p->bulk, SIGKILL), 0);
    /* The same places again and again: the last ones count, unless it is told that other bytes for
     * them were under way with the bulk connection. */
    for (int i = 0; i < 200; i++) {
        int r = put(p, again + (i % 2 ? BULK_STRIPE : 0), n, &seed);
        known &= r == 0;
        if (r != -EUCLEAN)
            assert_int_equal(r, 0);
    }
    int r = remote_file_flush(p->file, &p->wait);
    if (r == -EUCLEAN || !known) {
        assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
        must_take_what_is_there(p, again, n);
        must_take_what_is_there(p, again + BULK_STRIPE, n);
    } else {
        assert_int_equal(r, 0);
    }
    must_append(p, 2 * MIB, &seed);
    must_have_stored(p, "disk");
    for (size_t at = 0; at < p->size; at += STEP)
        must_get(p, at, STEP);
}

/* As when a router forgets a connection. */
static void a_silent_one_is_given_up(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 5;
    o.timeout_ms = 4000;
    must_begin(p, &o);
    must_write_in_bulk(p, &seed);
    assert_int_equal(local_server_signal(&p->bulk, SIGSTOP), 0);
    must_append(p, 4 * MIB, &seed);
    must_have_stored(p, "disk");
    must_get(p, 0, 3 * MIB);
}

static void both_kinds_of_connections_may_be_lost(void **state)
{
    struct place *p = *state;
    unsigned seed = 6;
    must_begin_bulk(p);
    must_write_in_bulk(p, &seed);
    for (int i = 0; i < 2; i++) {
        must_append(p, MIB, &seed);
        assert_int_equal(local_server_signal(&p->mount.server, SIGKILL), 0);
        if (i == 1)
            assert_int_equal(local_server_signal(&p->bulk, SIGKILL), 0);
        must_append(p, MIB, &seed);
        must_get(p, MIB, MIB);
    }
    must_have_stored(p, "disk");
}

static void without_any_all_goes_on(void **state)
{
    struct place *p = *state;
    unsigned seed = 7;
    p->bulk.refuses = true;
    must_begin_bulk(p);
    must_append(p, 30 * MIB, &seed);
    must_have_stored(p, "disk");
    must_have_connections(p, 0);
    BUF_AUTO text = {0};
    int64_t end = clock_ms() + SOON_MS;
    do {
        buf_clear(&text);
        assert_int_equal(remote_describe(p->mount.remote, &text), 0);
    } while (!strstr(text.data, "bulk-error: ") && clock_ms() < end);
    assert_non_null(strstr(text.data, "bulk-error: "));
    /* It may be tried again, but not at once. */
    p->bulk.refuses = false;
    must_append(p, 10 * MIB, &seed);
    must_have_connections(p, 0);
    assert_int_equal(must_count(&p->mount, "bulk-connections-made"), 0);
}

static void small_files_have_none(void **state)
{
    struct place *p = *state;
    unsigned seed = 8;
    must_begin_bulk(p);
    must_append(p, 3 * MIB, &seed);
    for (size_t at = 0; at < p->size; at += STEP) /* in all more than enough, but not in one go */
        must_get(p, at, STEP);
    for (int i = 0; i < 100; i++)
        must_put(p, next_random(&seed) % 16 * MIB, STEP, &seed);
    usleep(100000);
    assert_int_equal(must_count(&p->mount, "bulk-connections-made"), 0);
    assert_int_equal(p->bulk.started, 0);
}

static void idle_ones_are_closed_and_made_anew(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 9;
    o.bulk_idle_ms = 300;
    must_begin(p, &o);
    must_append(p, 20 * MIB, &seed);
    must_have_made(p, 2);
    must_have_connections(p, 0);
    unsigned long made = must_count(&p->mount, "bulk-connections-made");
    must_get(p, 0, MIB);
    must_append(p, 20 * MIB, &seed);
    must_have_stored(p, "disk");
    must_have_made(p, made + 1);
}

/* The file's bulk connections are freed while it has no link at all. */
static void without_any_link_it_waits_for_the_main_one(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 17;
    o.bulk_idle_ms = 2000; /* so that the file has them before */
    must_begin(p, &o);
    must_write_in_bulk(p, &seed);
    assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
    p->mount.server.refuses = true;
    assert_int_equal(local_server_signal(&p->mount.server, SIGKILL), 0);
    must_have_connections(p, 0);
    must_put(p, 0, 1, &seed);
    struct wait brief = {.deadline = clock_ms() + 100};
    assert_int_equal(remote_file_flush(p->file, &brief), -EIO);
    usleep(1500000); /* longer than it takes until nobody holds them */
    must_put(p, BULK_STRIPE, 1, &seed);
    must_put(p, 0, 1, &seed);
    p->mount.server.refuses = false;
    p->wait = patience();
    must_have_stored(p, "disk");
}

static void another_file_at_the_path_is_not_written_to(void **state)
{
    struct place *p = *state;
    unsigned seed = 10;
    must_begin_bulk(p);
    must_append(p, 6 * MIB, &seed); /* asks for bulk connections */
    assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
    must_twin(p, "disk", "twin");
    must_rename(p, "disk", "moved");
    must_rename(p, "twin", "disk");
    must_have_connections(p, 2);
    must_append(p, 30 * MIB, &seed);
    must_have_stored(p, "moved");
    assert_int_equal(must_lstat(&p->folder, "disk").st_size, 6 * MIB);
}

/* It looks the same when it is opened over the bulk connections, but does not grow with the file. */
static void what_does_not_change_with_the_file_is_not_written_to(void **state)
{
    struct place *p = *state;
    unsigned seed = 14;
    must_begin_bulk(p);
    must_append(p, 8 * MIB - STEP, &seed); /* the next one opens it over the bulk connections */
    must_have_connections(p, 2);
    assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
    must_twin(p, "disk", "twin");
    must_rename(p, "disk", "moved");
    must_rename(p, "twin", "disk");
    must_append(p, 30 * MIB, &seed);
    must_have_stored(p, "moved");
    assert_int_equal(must_lstat(&p->folder, "disk").st_size, 8 * MIB - STEP);
}

/* It may be read over bulk connections, since it looks the same; to write, proof is needed. */
static void what_was_only_read_is_not_written_to_unproven(void **state)
{
    struct place *p = *state;
    unsigned seed = 12;
    char path[PATH_MAX];
    must_store(p, &seed);
    must_open_again(p, SFTP_OPEN_READ | SFTP_OPEN_WRITE);
    must_get(p, 0, STEP);
    must_twin(p, "disk", "twin");
    must_rename(p, "disk", "moved");
    must_rename(p, "twin", "disk");
    FREE_AUTO char *before = file_text(file_path(&p->folder, "disk", path));
    assert_non_null(before);
    for (size_t at = STEP; at < 30 * MIB; at += STEP) {
        must_get(p, at, STEP);
        if (at == 8 * MIB)
            must_have_connections(p, 2);
    }
    for (size_t at = 0; at < 30 * MIB; at += STEP)
        must_put(p, at, STEP, &seed);
    must_have_stored(p, "moved");
    FREE_AUTO char *after = file_text(file_path(&p->folder, "disk", path));
    assert_non_null(after);
    assert_memory_equal(before, after, 40 * MIB);
}

static void another_file_at_the_path_is_not_read(void **state)
{
    struct place *p = *state;
    unsigned seed = 11;
    must_store(p, &seed);
    must_open_again(p, SFTP_OPEN_READ);
    must_get(p, 0, STEP);
    must_rename(p, "disk", "moved");
    must_write(&p->folder, "disk", "another");
    for (size_t at = STEP; at < p->size; at += STEP) {
        must_get(p, at, STEP);
        if (at == 8 * MIB)
            must_have_connections(p, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_written_and_read_over_two),
        TEST(a_large_file_is_read_over_two),
        TEST(any_order_of_operations_is_kept),
        TEST(writes_to_one_place_do_not_overtake_each_other),
        TEST(a_lost_one_loses_nothing),
        TEST(a_silent_one_is_given_up),
        TEST(both_kinds_of_connections_may_be_lost),
        TEST(without_any_all_goes_on),
        TEST(small_files_have_none),
        TEST(idle_ones_are_closed_and_made_anew),
        TEST(without_any_link_it_waits_for_the_main_one),
        TEST(another_file_at_the_path_is_not_written_to),
        TEST(what_does_not_change_with_the_file_is_not_written_to),
        TEST(what_was_only_read_is_not_written_to_unproven),
        TEST(another_file_at_the_path_is_not_read),
    };
    if (!local_server_exists())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
