/* SPDX-License-Identifier: MIT */
/* Bulk connections that are there before they are needed, and files that are written over these. */
#include "place.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "remote/cache/listing.h"
#include "remote/file/files.h"
#include "remote/remote_private.h"

enum { LARGE = 16 * MIB };

/* A mount of a folder with one file of so many bytes. */
static void must_mount_beside(struct place *p, const struct remote_options *options, off_t size)
{
    char path[PATH_MAX];
    must_write(&p->folder, "image", "");
    assert_int_equal(truncate(file_path(&p->folder, "image", path), size), 0);
    must_mount(&p->mount, &p->folder, options);
    p->wait = patience();
}

static void must_list(struct place *p)
{
    LISTING_AUTO *listing = NULL;
    p->wait = patience();
    assert_int_equal(remote_list(p->mount.remote, "", 0, &p->wait, &listing), 0);
}

static void must_look_at_image(struct place *p)
{
    struct sftp_attrs attrs;
    int64_t true_at;
    p->wait = patience();
    assert_int_equal(remote_getattr(p->mount.remote, "image", 0, &p->wait, &attrs, &true_at), 0);
}

/* The connections are up, and no data has gone over any of them. */
static void must_make_ready(struct place *p, const struct remote_options *options)
{
    must_mount_beside(p, options, LARGE);
    must_list(p);
    must_have_connections(p, options->bulk_number);
}

/* What was written to the file is there; it is removed. */
static void must_remove(struct place *p)
{
    must_have_stored(p, "disk");
    must_close(p);
    assert_int_equal(remote_remove(p->mount.remote, "disk", NULL, &p->wait), 0);
}

static void a_large_file_that_is_listed_has_all_of_them_made(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    o.bulk_number = 4;
    must_make_ready(p, &o);
    must_list(p);
    must_look_at_image(p);
    assert_int_equal(p->bulk.started, 4);
}

static void a_large_file_that_is_looked_up_has_them_made(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    must_mount_beside(p, &o, LARGE);
    must_look_at_image(p);
    must_have_connections(p, 2);
}

static void smaller_ones_have_none_made(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    must_mount_beside(p, &o, LARGE - 1);
    must_list(p);
    must_look_at_image(p);
    usleep(100000);
    assert_int_equal(p->bulk.started, 0);
}

static void over_a_thin_line_none_are_made(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    must_mount_beside(p, &o, LARGE);
    atomic_store(&p->mount.remote->is_thin, true);
    must_list(p);
    must_look_at_image(p);
    usleep(100000);
    assert_int_equal(p->bulk.started, 0);
}

static void they_are_closed_when_nobody_looks_and_made_anew(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    o.bulk_idle_ms = 2000; /* so that nobody misses them meanwhile */
    must_make_ready(p, &o);
    must_have_connections(p, 0);
    must_list(p);
    must_have_made(p, 4);
}

static void none_are_tried_again_soon_after_a_failure(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    p->bulk.refuses = true;
    must_mount_beside(p, &o, LARGE);
    must_list(p);
    const int64_t end = clock_ms() + SOON_MS;
    for (bool told = false; !told && clock_ms() < end;) {
        BUF_AUTO text = {0};
        assert_int_equal(remote_describe(p->mount.remote, &text), 0);
        told = strstr(text.data, "bulk-error: ") != NULL;
    }
    p->bulk.refuses = false;
    for (int i = 0; i < 20; i++) {
        must_list(p);
        usleep(5000);
    }
    assert_int_equal(p->bulk.started, 0);
}

/* After LATE, PROOF and the first step, each a few MiB at most, nothing goes over the main one. */
static void what_is_written_goes_over_them_after_few_mib(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 1;
    o.bulk_number = 4;
    must_make_ready(p, &o);
    must_create(p);
    must_append(p, 7 * MIB, &seed);
    unsigned long before = main_bytes(p, "bytes-sent");
    must_append(p, 8 * MIB, &seed);
    assert_true(main_bytes(p, "bytes-sent") - before < MIB / 2);
    must_have_stored(p, "disk");
    assert_int_equal(p->bulk.started, 4);
}

/* It looks the same as the file when it takes the name, before the opening or at any step of it. */
static void a_twin_that_took_the_name_is_not_written_to(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    char path[PATH_MAX];
    unsigned seed = 2;
    must_make_ready(p, &o);
    for (size_t n = MIB - STEP; n < 5 * MIB; n += 2 * STEP) {
        must_create(p);
        must_append(p, n, &seed);
        assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
        must_twin(p, "disk", "twin");
        must_rename(p, "disk", "moved");
        must_rename(p, "twin", "disk");
        must_append(p, 6 * MIB, &seed);
        must_have_stored(p, "moved");
        assert_int_equal(must_lstat(&p->folder, "disk").st_size, n);
        must_close(p);
        assert_int_equal(unlink(file_path(&p->folder, "moved", path)), 0);
        assert_int_equal(unlink(file_path(&p->folder, "disk", path)), 0);
    }
}

/* How many files in the folder the server has open. */
static unsigned handles(struct place *p, const struct local_server *server)
{
    char name[PATH_MAX], target[PATH_MAX];
    struct dirent *entry;
    unsigned n = 0;
    snprintf(name, sizeof(name), "/proc/%d/fd", server->pid);
    DIR *dir = opendir(name);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        const ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));
        n += len > 0 && strncmp(target, p->folder.path, strlen(p->folder.path)) == 0;
    }
    closedir(dir);
    return n;
}

static void must_have_no_handles(struct place *p, const struct local_server *server)
{
    const int64_t end = clock_ms() + SOON_MS;
    unsigned n;
    while ((n = handles(p, server)) > 0 && clock_ms() < end)
        usleep(2000);
    assert_int_equal(n, 0);
}

/* The answers to the opening are still to come. */
static void a_file_may_be_closed_at_any_step(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    unsigned seed = 4;
    must_make_ready(p, &o);
    for (size_t n = MIB - STEP; n < 5 * MIB; n += STEP) {
        must_create(p);
        must_append(p, n, &seed);
        must_remove(p);
    }
    must_have_connections(p, 2);
    must_have_no_handles(p, &p->bulk);
    must_have_no_handles(p, &p->mount.server);
}

/* The opening was asked for, and is answered once nobody waits for it. */
static void what_is_opened_too_late_is_closed(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    unsigned seed = 5;
    must_make_ready(p, &o);
    must_create(p);
    assert_int_equal(local_server_signal(&p->bulk, SIGSTOP), 0);
    must_append(p, 2 * MIB, &seed);
    must_have_stored(p, "disk");
    must_close(p);
    assert_int_equal(local_server_signal(&p->bulk, SIGCONT), 0);
    must_create(p);
    must_append(p, 8 * MIB, &seed); /* what goes over both comes behind that opening */
    must_have_stored(p, "disk");
    must_close(p);
    must_have_no_handles(p, &p->bulk);
    must_have_connections(p, 2);
}

static void the_main_link_may_be_lost_at_any_step(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    unsigned seed = 6;
    must_make_ready(p, &o);
    for (size_t n = MIB - STEP; n < 5 * MIB; n += 2 * STEP) {
        must_create(p);
        must_append(p, n, &seed);
        assert_int_equal(local_server_signal(&p->mount.server, SIGKILL), 0);
        must_append(p, 4 * MIB, &seed);
        must_remove(p);
    }
    must_have_no_handles(p, &p->bulk);
}

static void a_bulk_connection_may_be_lost_at_any_step(void **state)
{
    struct place *p = *state;
    const struct remote_options o = bulk_options(p);
    unsigned seed = 7;
    must_make_ready(p, &o);
    for (size_t n = MIB - STEP; n < 5 * MIB; n += 2 * STEP) {
        must_create(p);
        must_append(p, n, &seed);
        assert_int_equal(local_server_signal(&p->bulk, SIGKILL), 0);
        must_append(p, 4 * MIB, &seed);
        must_remove(p);
        mount_end(&p->mount);
        must_mount(&p->mount, &p->folder, &o); /* one that has not lost any yet */
        must_list(p);
        must_have_connections(p, 2);
    }
}

/* What is read, truncated and written anew between the steps. */
static void any_order_of_operations_is_kept_from_the_first_step_on(void **state)
{
    struct place *p = *state;
    struct remote_options o = bulk_options(p);
    unsigned seed = 8;
    o.bulk_number = 4;
    must_make_ready(p, &o);
    for (int round = 0; round < 12; round++) {
        must_create(p);
        for (int i = 0; i < 90; i++) {
            const unsigned what = next_random(&seed) % 32;
            const size_t offset = next_random(&seed) % (p->size + 1);
            if (what == 0) {
                const struct sftp_attrs cut = {.flags = SFTP_ATTR_SIZE, .size = offset};
                assert_int_equal(remote_file_setattr(p->file, &cut, &p->wait), 0);
                memset(p->bytes + offset, 0, p->size - offset);
                p->size = offset;
            } else if (what < 3) {
                must_get(p, offset, 1 + next_random(&seed) % 300000);
            } else if (what < 6) {
                must_put(p, offset, 1 + next_random(&seed) % 300000, &seed);
            } else if (what == 6) {
                assert_int_equal(remote_file_fsync(p->file, &p->wait), 0);
            } else {
                must_append(p, STEP, &seed);
            }
        }
        must_remove(p);
    }
    assert_int_equal(p->bulk.started, 4);
    must_have_no_handles(p, &p->bulk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_large_file_that_is_listed_has_all_of_them_made),
        TEST(a_large_file_that_is_looked_up_has_them_made),
        TEST(smaller_ones_have_none_made),
        TEST(over_a_thin_line_none_are_made),
        TEST(they_are_closed_when_nobody_looks_and_made_anew),
        TEST(none_are_tried_again_soon_after_a_failure),
        TEST(what_is_written_goes_over_them_after_few_mib),
        TEST(a_twin_that_took_the_name_is_not_written_to),
        TEST(a_file_may_be_closed_at_any_step),
        TEST(what_is_opened_too_late_is_closed),
        TEST(the_main_link_may_be_lost_at_any_step),
        TEST(a_bulk_connection_may_be_lost_at_any_step),
        TEST(any_order_of_operations_is_kept_from_the_first_step_on),
    };
    if (!local_server_exists())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
