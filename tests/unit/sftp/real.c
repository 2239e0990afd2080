/* SPDX-License-Identifier: MIT */
/* The engine and OpenSSH's server. */
#include "real_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sftp/requests.h"
#include "sftp/results.h"

static void in_dir(const struct real *r, const char *name, char ret[128])
{
    snprintf(ret, 128, "%s/%s", r->server.dir, name);
}

static void files_are_written_and_read(void **state)
{
    (void)state;
    struct real r;
    char path[128];
    real_begin(&r, SLOW_MS);
    struct sftp_attrs mode = {.flags = SFTP_ATTR_MODE, .mode = 0600};
    struct sftp_handle h = handle_of(sftp_open(
        r.sftp, "f", SFTP_OPEN_READ | SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_EXCL, &mode));
    assert_int_equal(outcome_of(sftp_write(r.sftp, &h, 0, SPAN_LITERAL("hello"))), 0);
    assert_int_equal(outcome_of(sftp_write(r.sftp, &h, 5, SPAN_LITERAL(" world"))), 0);
    assert_int_equal(outcome_of(sftp_fsync(r.sftp, &h)), 0);
    struct sftp_call *read = sftp_read(r.sftp, &h, 4, 100);
    assert_int_equal(settle(read), 0);
    assert_true(span_eq(sftp_call_data(read), SPAN_LITERAL("o world")));
    sftp_call_free(&read);
    assert_int_equal(outcome_of(sftp_read(r.sftp, &h, 11, 100)), -ENODATA);
    struct sftp_call *stat = sftp_fstat(r.sftp, &h);
    assert_int_equal(settle(stat), 0);
    assert_int_equal(sftp_call_attrs(stat)->size, 11);
    assert_int_equal(sftp_call_attrs(stat)->mode, S_IFREG | 0600);
    assert_int_equal(sftp_call_attrs(stat)->uid, getuid());
    sftp_call_free(&stat);
    struct sftp_attrs cut = {.flags = SFTP_ATTR_SIZE, .size = 2};
    assert_int_equal(outcome_of(sftp_fsetstat(r.sftp, &h, &cut)), 0);
    struct sftp_attrs times = {.flags = SFTP_ATTR_TIMES, .atime = 1000000000, .mtime = 1000000001};
    assert_int_equal(outcome_of(sftp_setstat(r.sftp, "f", &times)), 0);
    assert_int_equal(outcome_of(sftp_close(r.sftp, &h)), 0);
    assert_int_equal(outcome_of(sftp_close(r.sftp, &h)), -ENOENT);
    struct stat st;
    in_dir(&r, "f", path);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_size, 2);
    assert_int_equal(st.st_mtime, 1000000001);
    real_end(&r);
}

static void data_is_copied_between_files(void **state)
{
    (void)state;
    struct real r;
    real_begin(&r, SLOW_MS);
    struct sftp_handle from = open_file(&r, "f");
    struct sftp_handle again = open_file(&r, "f");
    struct sftp_handle to = open_file(&r, "g");
    assert_int_equal(outcome_of(sftp_write(r.sftp, &from, 0, SPAN_LITERAL("hello"))), 0);
    assert_int_equal(outcome_of(sftp_copy_data(r.sftp, &from, 1, &to, 2, 3)), 0);
    struct sftp_call *read = sftp_read(r.sftp, &to, 0, 100);
    assert_int_equal(settle(read), 0);
    assert_true(span_eq(sftp_call_data(read), SPAN_LITERAL("\0\0ell")));
    sftp_call_free(&read);
    /* What it says of a file that ends before is not to be relied on. */
    assert_int_equal(outcome_of(sftp_copy_data(r.sftp, &from, 0, &to, 0, 6)), 0);
    assert_int_equal(outcome_of(sftp_copy_data(r.sftp, &from, 5, &to, 0, 1 << 20)), -ENODATA);
    assert_int_equal(outcome_of(sftp_copy_data(r.sftp, &from, 0, &again, 9, 1)), -EREMOTEIO);
    struct sftp_handle dead = {0};
    assert_int_equal(outcome_of(sftp_copy_data(r.sftp, &dead, 0, &to, 0, 1)), -ENOTCONN);
    assert_int_equal(outcome_of(sftp_copy_data(r.sftp, &from, 0, &dead, 0, 1)), -ENOTCONN);
    real_end(&r);
}

static void statuses_say_what_is_wrong(void **state)
{
    (void)state;
    struct real r;
    real_begin(&r, SLOW_MS);
    struct sftp_handle h = open_file(&r, "f");
    assert_int_equal(outcome_of(sftp_lstat(r.sftp, "missing")), -ENOENT);
    assert_int_equal(outcome_of(sftp_open(r.sftp, "missing", SFTP_OPEN_READ, NULL)), -ENOENT);
    assert_int_equal(outcome_of(sftp_opendir(r.sftp, "missing")), -ENOENT);
    assert_int_equal(outcome_of(sftp_rmdir(r.sftp, "missing")), -ENOENT);
    assert_int_equal(outcome_of(sftp_open(
                         r.sftp, "f", SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_EXCL, NULL)),
                     -EREMOTEIO);
    assert_int_equal(outcome_of(sftp_mkdir(r.sftp, "f", 0755)), -EREMOTEIO);
    assert_int_equal(outcome_of(sftp_readdir(r.sftp, &h)), -EREMOTEIO);
    h.bytes[0] ^= 0x40; /* a handle that the server does not know */
    assert_int_equal(outcome_of(sftp_fstat(r.sftp, &h)), -EREMOTEIO);
    h.len = 0;
    assert_int_equal(outcome_of(sftp_fstat(r.sftp, &h)), -ENOTCONN);
    real_end(&r);
}

static void names_are_moved_and_removed(void **state)
{
    (void)state;
    struct real r;
    real_begin(&r, SLOW_MS);
    int64_t soon = clock_boot_ms() + SLOW_MS;
    struct sftp_handle a = open_file(&r, "a");
    struct sftp_handle b = open_file(&r, "b");
    sftp_forget(sftp_close(r.sftp, &a));
    sftp_forget(sftp_close(r.sftp, &b));
    assert_int_equal(outcome_of(sftp_rename(r.sftp, "a", "b", 0)), -EREMOTEIO); /* b is there */
    assert_int_equal(outcome_of(sftp_posix_rename(r.sftp, "a", "b", soon)), 0);
    assert_int_equal(outcome_of(sftp_lstat(r.sftp, "a")), -ENOENT);
    assert_int_equal(outcome_of(sftp_rename(r.sftp, "b", "c", 0)), 0);
    assert_int_equal(outcome_of(sftp_remove(r.sftp, "c", 0)), 0);
    assert_int_equal(outcome_of(sftp_remove(r.sftp, "c", 0)), -ENOENT);
    assert_int_equal(outcome_of(sftp_mkdir(r.sftp, "d", 0700)), 0);
    assert_int_equal(outcome_of(sftp_rmdir(r.sftp, "d")), 0);
    real_end(&r);
}

static void links_point_the_right_way(void **state)
{
    (void)state;
    struct real r;
    char path[128];
    char target[128] = {0};
    real_begin(&r, SLOW_MS);
    assert_int_equal(outcome_of(sftp_symlink(r.sftp, "no/where", "link")), 0);
    in_dir(&r, "link", path);
    assert_int_equal(readlink(path, target, sizeof(target) - 1), 8);
    assert_string_equal(target, "no/where");
    struct sftp_call *link = sftp_readlink(r.sftp, "link");
    assert_int_equal(settle(link), 0);
    assert_string_equal(sftp_call_path(link), "no/where");
    sftp_call_free(&link);
    struct sftp_call *itself = sftp_lstat(r.sftp, "link");
    assert_int_equal(settle(itself), 0);
    assert_true(S_ISLNK(sftp_call_attrs(itself)->mode));
    sftp_call_free(&itself);
    assert_int_equal(outcome_of(sftp_stat(r.sftp, "link")), -ENOENT);
    struct sftp_call *real = sftp_realpath(r.sftp, ".");
    assert_int_equal(settle(real), 0);
    assert_string_equal(sftp_call_path(real), r.server.dir);
    sftp_call_free(&real);
    struct sftp_call *fs = sftp_statvfs(r.sftp, ".");
    assert_int_equal(settle(fs), 0);
    assert_true(sftp_call_statvfs(fs)->bsize > 0);
    assert_true(sftp_call_statvfs(fs)->namemax >= 255);
    sftp_call_free(&fs);
    real_end(&r);
}

static void a_large_directory_is_listed_whole(void **state)
{
    (void)state;
    enum { N = 1234 };
    struct real r;
    char path[128];
    bool seen[N] = {false};
    size_t total = 0;
    int error;
    real_begin(&r, SLOW_MS);
    for (int i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%d", i);
        in_dir(&r, name, path);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    struct sftp_handle h = handle_of(sftp_opendir(r.sftp, "."));
    for (;;) {
        size_t n;
        SFTP_CALL_AUTO *call = sftp_readdir(r.sftp, &h);
        error = settle(call);
        if (error != 0)
            break;
        const struct sftp_name *names = sftp_call_names(call, &n);
        for (size_t i = 0; i < n; i++) {
            int k = atoi(names[i].name + 1);
            assert_true(names[i].name[0] == 'f' && k >= 0 && k < N && !seen[k]);
            assert_true(names[i].attrs.flags & SFTP_ATTR_MODE);
            seen[k] = true;
        }
        total += n;
    }
    assert_int_equal(error, -ENODATA);
    assert_int_equal(total, N);
    assert_int_equal(outcome_of(sftp_close(r.sftp, &h)), 0);
    real_end(&r);
}

/* Open, read and close of many files, three flights in all. */
static void hundreds_of_calls_are_in_flight_together(void **state)
{
    (void)state;
    enum { N = 500 };
    struct real r;
    static struct sftp_call *opens[N];
    static struct sftp_call *reads[N];
    static struct sftp_handle handles[N];
    char name[128];
    real_begin(&r, SLOW_MS);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "%s/f%d", r.server.dir, i);
        FILE *f = fopen(name, "w");
        assert_non_null(f);
        fprintf(f, "content of %d", i);
        fclose(f);
    }
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        opens[i] = sftp_open(r.sftp, name, SFTP_OPEN_READ, NULL);
    }
    for (int i = 0; i < N; i++) {
        handles[i] = handle_of(opens[i]);
        reads[i] = sftp_read(r.sftp, &handles[i], 0, 1000);
        sftp_forget(sftp_close(r.sftp, &handles[i]));
    }
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "content of %d", i);
        assert_int_equal(settle(reads[i]), 0);
        assert_true(span_eq(sftp_call_data(reads[i]), span_of(name)));
        sftp_call_free(&reads[i]);
    }
    real_end(&r);
}

static void a_stopped_server_is_noticed(void **state)
{
    (void)state;
    struct real r;
    real_begin(&r, 1000);
    assert_int_equal(local_server_signal(&r.server, SIGSTOP), 0);
    int64_t before = clock_ms();
    assert_int_equal(outcome_of(sftp_lstat(r.sftp, ".")), -EIO);
    assert_true(clock_ms() - before < SLOW_MS);
    struct wait wait = wait_for_ms(SLOW_MS);
    while (sftp_wait_up(r.sftp, &wait) != 0)
        assert_int_equal(wait_sleep(&wait, 10), 0);
    assert_int_equal(outcome_of(sftp_lstat(r.sftp, ".")), 0); /* of another server by now */
    real_end(&r);
}

static void a_killed_server_is_replaced(void **state)
{
    (void)state;
    struct real r;
    real_begin(&r, SLOW_MS);
    struct wait wait = wait_for_ms(SLOW_MS);
    for (int i = 0; i < 3; i++) {
        struct sftp_handle h = open_file(&r, "f");
        assert_int_equal(local_server_signal(&r.server, SIGKILL), 0);
        int error = outcome_of(sftp_fstat(r.sftp, &h));
        assert_int_equal(error, -ENOTCONN);
        assert_int_equal(sftp_wait_up(r.sftp, &wait), 0);
        assert_int_equal(outcome_of(sftp_fstat(r.sftp, &h)), -ENOTCONN);
        assert_int_equal(outcome_of(sftp_lstat(r.sftp, "f")), 0);
    }
    real_end(&r);
}

static void forgotten_removals_happen(void **state)
{
    (void)state;
    struct real r;
    char path[128];
    real_begin(&r, SLOW_MS);
    struct sftp_handle h = open_file(&r, "f");
    sftp_forget(sftp_close(r.sftp, &h));
    sftp_forget(sftp_remove(r.sftp, "f", 0));
    sftp_free(r.sftp);
    in_dir(&r, "f", path);
    assert_int_equal(access(path, F_OK), -1);
    local_server_done(&r.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_written_and_read),
        cmocka_unit_test(data_is_copied_between_files),
        cmocka_unit_test(statuses_say_what_is_wrong),
        cmocka_unit_test(names_are_moved_and_removed),
        cmocka_unit_test(links_point_the_right_way),
        cmocka_unit_test(a_large_directory_is_listed_whole),
        cmocka_unit_test(hundreds_of_calls_are_in_flight_together),
        cmocka_unit_test(a_stopped_server_is_noticed),
        cmocka_unit_test(a_killed_server_is_replaced),
        cmocka_unit_test(forgotten_removals_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
