/* SPDX-License-Identifier: MIT */
/*
 * The data of large files over connections of their own: every byte is where it belongs, whatever
 * becomes of the connections, and of the names.
 */
#include "remote/file/bulk_connections.h"

#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/file/files.h"

enum {
    MIB = 1 << 20,
    SIZE_MAX_TEST = 96 * MIB,
    STEP = 128 << 10, /* as the kernel does it */
    SOON_MS = 60 * 1000,
};

struct place {
    struct folder folder;
    struct local_server bulk; /* where the bulk connections go */
    struct mount mount;
    struct wait wait;
    struct remote_file *file;
    char *bytes; /* what the file must hold ... */
    size_t size; /* ... and how much of it */
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->bytes = calloc(1, SIZE_MAX_TEST);
    assert_non_null(p->bytes);
    must_make_folder(&p->folder);
    assert_int_equal(local_server_init(&p->bulk), 0);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    remote_file_free(p->file);
    mount_end(&p->mount);
    local_server_done(&p->bulk);
    folder_remove(&p->folder);
    free(p->bytes);
    free(p);
    return 0;
}

/* Two bulk connections, however near the server is. */
static struct remote_options bulk_options(struct place *p)
{
    struct remote_options o = default_options(&p->folder);
    o.connect_bulk = local_server_connect;
    o.connect_ctx = &p->bulk;
    o.bulk_far_ms = -1;
    return o;
}

static void must_begin(struct place *p, const struct remote_options *options)
{
    must_mount(&p->mount, &p->folder, options);
    p->wait = patience();
    bool made;
    assert_int_equal(remote_file_create(p->mount.remote, "disk", SFTP_OPEN_READ | SFTP_OPEN_WRITE,
                                        0644, false, &p->wait, &p->file, &made),
                     0);
}

/* What the main connection has sent or received. */
static unsigned long main_bytes(struct place *p, const char *name)
{
    BUF_AUTO text = {0};
    assert_int_equal(sftp_describe(p->mount.sftp, &text), 0);
    const char *at = strstr(text.data, name);
    assert_non_null(at);
    return strtoul(at + strlen(name) + 2, NULL, 10);
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 8;
}

/* Writes new bytes; p knows them once they were taken. */
static int put(struct place *p, size_t offset, size_t n, unsigned *seed)
{
    assert_true(offset + n <= SIZE_MAX_TEST);
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)((i + *seed) * 2654435761u >> 16);
    next_random(seed);
    p->wait = patience();
    int r = remote_file_write(p->file, offset, false, (struct span){bytes, n}, &p->wait);
    if (r == 0) {
        memcpy(p->bytes + offset, bytes, n);
        p->size = p->size < offset + n ? offset + n : p->size;
    }
    free(bytes);
    return r;
}

static void must_put(struct place *p, size_t offset, size_t n, unsigned *seed)
{
    assert_int_equal(put(p, offset, n, seed), 0);
}

static void must_append(struct place *p, size_t n, unsigned *seed)
{
    for (size_t end = p->size + n; p->size < end;)
        must_put(p, p->size, STEP, seed);
}

static void must_get(struct place *p, size_t offset, size_t n)
{
    char *bytes = malloc(n);
    size_t got = 0;
    assert_non_null(bytes);
    p->wait = patience();
    assert_int_equal(remote_file_read(p->file, offset, n, &p->wait, bytes, &got), 0);
    size_t expected = offset >= p->size ? 0 : p->size - offset < n ? p->size - offset : n;
    assert_int_equal(got, expected);
    if (memcmp(bytes, p->bytes + offset, got) != 0)
        fail_msg("wrong bytes at %zu", offset);
    free(bytes);
}

static void must_have_stored(struct place *p, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
    assert_int_equal(must_lstat(&p->folder, name).st_size, p->size);
    FREE_AUTO char *found = file_text(file_path(&p->folder, name, path));
    assert_non_null(found);
    if (memcmp(found, p->bytes, p->size) != 0)
        fail_msg("%s is not what was written", name);
}

static void must_have_connections(struct place *p, unsigned long n)
{
    int64_t end = clock_ms() + SOON_MS;
    while (must_count(&p->mount, "bulk-connections") != n && clock_ms() < end)
        usleep(2000);
    assert_int_equal(must_count(&p->mount, "bulk-connections"), n);
}

static void must_have_made(struct place *p, unsigned long n)
{
    int64_t end = clock_ms() + SOON_MS;
    while (must_count(&p->mount, "bulk-connections-made") < n && clock_ms() < end)
        usleep(2000);
    assert_true(must_count(&p->mount, "bulk-connections-made") >= n);
}

/* Writes on until the file's data goes over bulk connections, and some MiB have gone so. */
static void must_write_in_bulk(struct place *p, unsigned *seed)
{
    must_append(p, 8 * MIB, seed);
    must_have_connections(p, 2);
    must_append(p, 9 * MIB, seed);
    unsigned long before = main_bytes(p, "bytes-sent");
    must_append(p, 4 * MIB, seed);
    assert_true(main_bytes(p, "bytes-sent") - before < MIB / 2);
}

static void must_begin_bulk(struct place *p)
{
    const struct remote_options o = bulk_options(p);
    must_begin(p, &o);
}

/* A file of 40 MiB is there, and no mount. */
static void must_store(struct place *p, unsigned *seed)
{
    must_begin(p, NULL);
    must_append(p, 40 * MIB, seed);
    must_have_stored(p, "disk");
    remote_file_free(p->file);
    p->file = NULL;
    mount_end(&p->mount);
}

/* Mounts anew, and opens that file. */
static void must_open_again(struct place *p, uint32_t open_flags)
{
    const struct remote_options o = bulk_options(p);
    must_mount(&p->mount, &p->folder, &o);
    assert_int_equal(remote_file_open(p->mount.remote, "disk", open_flags, &p->wait, &p->file), 0);
}

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

/* A file with the same content, size, mode and times. */
static void must_twin(struct place *p, const char *of, const char *name)
{
    char path[PATH_MAX];
    const struct stat st = must_lstat(&p->folder, of);
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    FD_AUTO fd = open(file_path(&p->folder, name, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p->bytes, p->size), p->size);
    assert_int_equal(fchmod(fd, st.st_mode & 07777), 0);
    assert_int_equal(futimens(fd, times), 0);
}

static void must_rename(struct place *p, const char *from, const char *to)
{
    char a[PATH_MAX], b[PATH_MAX];
    assert_int_equal(rename(file_path(&p->folder, from, a), file_path(&p->folder, to, b)), 0);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(another_file_at_the_path_is_not_written_to),
        TEST(what_does_not_change_with_the_file_is_not_written_to),
        TEST(what_was_only_read_is_not_written_to_unproven),
        TEST(another_file_at_the_path_is_not_read),
    };
    if (!local_server_exists())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
