/* SPDX-License-Identifier: MIT */
/* What counts as a running transfer, how far it has come, and how fast. */
#include "remote/file/transfers.h"

#include "rig.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "remote/file/files.h"

enum { MIB = 1 << 20, SIZE = 3 * MIB };

static void must_rate(const struct progress *p, int64_t now, double expected)
{
    const double rate = progress_rate(p, now);
    if (rate < expected - 1 || rate > expected + 1)
        fail_msg("%.1f bytes a second, not %.1f", rate, expected);
}

static void a_rate_is_of_the_last_seconds(void **state)
{
    (void)state;
    struct progress p = {0};
    int64_t now = 1000;
    must_rate(&p, now, 0);
    progress_add(&p, now, 0, MIB); /* which took nobody knows how long */
    must_rate(&p, now, 0);
    for (uint64_t at = MIB; at < 11ULL * MIB; at += MIB)
        progress_add(&p, now += 100, at, MIB);
    must_rate(&p, now, 10.0 * MIB);
    for (uint64_t at = 0; at < 50; at++) /* what was before is forgotten */
        progress_add(&p, now += 100, at, 1000);
    must_rate(&p, now, 10.0 * 1000);
    assert_int_equal(p.moved, 11 * MIB + 50 * 1000);
    assert_int_equal(p.reached, 49 + 1000);
}

static void a_rate_falls_while_nothing_comes(void **state)
{
    (void)state;
    struct progress p = {0};
    for (int64_t now = 1000; now <= 2000; now += 100)
        progress_add(&p, now, 0, 1000);
    must_rate(&p, 2000, 10.0 * 1000);
    must_rate(&p, 11000, 1000);
    must_rate(&p, 101000, 100);
}

static void it_runs_while_something_comes_or_is_waited_for(void **state)
{
    (void)state;
    struct progress p = {0};
    assert_false(progress_is_transfer(&p, 1000));
    progress_add(&p, 1000, 0, MIB - 1);
    assert_false(progress_is_transfer(&p, 1000)); /* too little for anybody to look at */
    progress_add(&p, 1000, 0, 1);
    assert_true(progress_is_transfer(&p, 1000));
    assert_true(progress_is_transfer(&p, 5000));
    assert_false(progress_is_transfer(&p, 60 * 1000));
    p.waiting = 1;
    assert_true(progress_is_transfer(&p, 60 * 1000));
}

/* The only one that runs. */
static void must_see(struct mount *mount, enum transfer_way way, uint64_t done, uint64_t size)
{
    struct transfer *transfers = NULL;
    size_t n = 0;
    assert_int_equal(remote_transfers(mount->remote, &transfers, &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(transfers[0].path, "disk");
    assert_int_equal(transfers[0].way, way);
    assert_int_equal(transfers[0].done, done);
    assert_int_equal(transfers[0].size, size);
    transfers_free(transfers, n);
}

static void must_see_none(struct mount *mount)
{
    struct transfer *transfers = NULL;
    size_t n = 1;
    assert_int_equal(remote_transfers(mount->remote, &transfers, &n), 0);
    assert_int_equal(n, 0);
    transfers_free(transfers, n);
}

static void must_read(struct remote_file *file, uint64_t offset, size_t size, size_t expected)
{
    static char bytes[SIZE];
    const struct wait wait = patience();
    size_t n = 0;
    assert_int_equal(remote_file_read(file, offset, size, &wait, bytes, &n), 0);
    assert_int_equal(n, expected);
}

static void must_put(struct remote_file *file, uint64_t offset, bool append, size_t size)
{
    static const char bytes[SIZE];
    const struct wait wait = patience();
    assert_int_equal(remote_file_write(file, offset, append, (struct span){bytes, size}, &wait), 0);
}

static void one_that_reads_has_the_size_of_its_file(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct remote_file *file;
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_write(&folder, "disk", "");
    assert_int_equal(truncate(file_path(&folder, "disk", path), SIZE), 0);
    must_mount(&mount, &folder, NULL);
    const struct wait wait = patience();
    assert_int_equal(remote_file_open(mount.remote, "disk", SFTP_OPEN_READ, &wait, &file), 0);
    must_see_none(&mount);
    must_read(file, 0, 1000, 1000);
    must_see_none(&mount);
    must_read(file, 1000, MIB, MIB);
    must_see(&mount, TRANSFER_READ, MIB + 1000, SIZE);
    must_read(file, 2 * MIB, SIZE, MIB); /* up to the end */
    must_see(&mount, TRANSFER_READ, SIZE, SIZE);
    remote_file_free(file);
    must_see_none(&mount);
    mount_end(&mount);
    folder_remove(&folder);
}

/* Of a new file nobody knows where it will end, unless it is given its size first. */
static void one_that_writes_may_have_a_size(void **state)
{
    (void)state;
    const struct sftp_attrs whole = {.flags = SFTP_ATTR_SIZE, .size = SIZE};
    struct folder folder;
    struct mount mount;
    struct remote_file *file;
    bool made;
    must_make_folder(&folder);
    must_mount(&mount, &folder, NULL);
    const struct wait wait = patience();
    assert_int_equal(remote_file_create(mount.remote, "disk", SFTP_OPEN_READ | SFTP_OPEN_WRITE,
                                        0644, false, &wait, &file, &made),
                     0);
    must_put(file, 0, false, MIB);
    must_see(&mount, TRANSFER_WRITE, MIB, 0);
    assert_int_equal(remote_file_fsync(file, &wait), 0); /* which shows a size */
    must_see(&mount, TRANSFER_WRITE, MIB, 0);
    assert_int_equal(remote_file_setattr(file, &whole, &wait), 0);
    must_see(&mount, TRANSFER_WRITE, MIB, SIZE);
    must_put(file, 2 * MIB, false, MIB);
    must_see(&mount, TRANSFER_WRITE, SIZE, SIZE);
    must_put(file, 0, true, 1000);
    must_see(&mount, TRANSFER_WRITE, SIZE + 1000, 0);
    remote_file_free(file);
    mount_end(&mount);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_of_the_last_seconds),
        cmocka_unit_test(a_rate_falls_while_nothing_comes),
        cmocka_unit_test(it_runs_while_something_comes_or_is_waited_for),
        cmocka_unit_test(one_that_reads_has_the_size_of_its_file),
        cmocka_unit_test(one_that_writes_may_have_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
