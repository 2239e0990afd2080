/* SPDX-License-Identifier: MIT */
/* Windowed reading and pipelined writing: whatever the order and the sizes, the bytes are right. */
#include "sftp/bulk/bulk.h"

#include <unistd.h>

#include "base/clock.h"
#include "real_fixture.h"
#include "sftp/requests.h"
#include "write_all.h"

enum { SIZE = 8 * 1024 * 1024 + 12345 };

/* Bytes that tell where they belong. */
static char *pattern(size_t n)
{
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)((i * 2654435761u) >> 16);
    return bytes;
}

struct file {
    struct real real;
    struct sftp_handle handle;
    char *bytes;
    struct wait wait;
};

static void file_begin(struct file *f, size_t n)
{
    real_begin(&f->real, SLOW_MS);
    f->wait = wait_for_ms(SLOW_MS);
    f->bytes = pattern(n);
    f->handle = open_file(&f->real, "f");
    assert_int_equal(write_all(f->real.sftp, &f->handle, 0, (struct span){f->bytes, n}, &f->wait),
                     0);
}

static void file_end(struct file *f)
{
    free(f->bytes);
    real_end(&f->real);
}

static int new_reader(const struct file *f, struct bulk_reader **ret)
{
    const struct bulk_ways ways = bulk_one_way(f->real.sftp, &f->handle);
    return bulk_reader_new(&ways, ret);
}

/* Reads n bytes somewhere; as many as expected must come, and the right ones. */
static void check_read(struct bulk_reader *b, struct file *f, size_t offset, size_t n,
                       size_t expected)
{
    size_t got = SIZE_MAX;
    char *bytes = malloc(n);
    assert_non_null(bytes);
    assert_int_equal(bulk_read(b, offset, n, &f->wait, bytes, &got), 0);
    assert_int_equal(got, expected);
    if (memcmp(bytes, f->bytes + offset, got) != 0)
        fail_msg("wrong bytes at %zu", offset);
    free(bytes);
}

static void a_file_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const size_t steps[] = {SIZE, 1024 * 1024, 131072, 100001};
    struct file f;
    file_begin(&f, SIZE);
    for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        struct bulk_reader *b;
        assert_int_equal(new_reader(&f, &b), 0);
        for (size_t at = 0; at < SIZE; at += steps[s]) {
            size_t left = SIZE - at;
            check_read(b, &f, at, steps[s], left < steps[s] ? left : steps[s]);
        }
        check_read(b, &f, SIZE, steps[s], 0);
        bulk_reader_free(b);
    }
    file_end(&f);
}

static void reads_may_jump_and_overtake_each_other(void **state)
{
    (void)state;
    enum { PIECE = 128 * 1024, PIECES = SIZE / PIECE };
    struct file f;
    struct bulk_reader *b;
    unsigned seed = 42;
    file_begin(&f, SIZE);
    assert_int_equal(new_reader(&f, &b), 0);
    for (size_t i = 0; i + 1 < PIECES; i += 2) { /* 1 0 3 2 5 4 ... */
        check_read(b, &f, (i + 1) * PIECE, PIECE, PIECE);
        check_read(b, &f, i * PIECE, PIECE, PIECE);
    }
    for (int i = 0; i < 300; i++) {
        seed = seed * 1103515245 + 12345;
        size_t offset = seed % SIZE;
        size_t n = 1 + (seed >> 8) % 300000;
        check_read(b, &f, offset, n, SIZE - offset < n ? SIZE - offset : n);
    }
    bulk_reader_free(b);
    file_end(&f);
}

/* What the status says of the connection. */
static unsigned long count(const struct file *f, const char *name)
{
    BUF_AUTO text = {0};
    assert_int_equal(sftp_describe(f->real.sftp, &text), 0);
    const char *at = strstr(text.data, name);
    assert_non_null(at);
    return strtoul(at + strlen(name), NULL, 10);
}

static unsigned long requests(const struct file *f)
{
    return count(f, "\nrequests: ");
}

static void must_receive(const struct file *f, unsigned long bytes)
{
    const int64_t end = clock_ms() + 60 * 1000;
    while (count(f, "\nbytes-received: ") < bytes && clock_ms() < end)
        usleep(100);
    assert_true(count(f, "\nbytes-received: ") >= bytes);
}

/* Four pieces of 2 MiB are read beside each other, then the next four, as qemu-img does it. All is
 * asked for ahead, as much at once as OpenSSH lets through, and nothing twice. */
static void what_is_read_beside_each_other_is_asked_for_ahead(void **state)
{
    (void)state;
    enum { PIECE = 2 << 20, STEP = 128 << 10, AT_ONCE = 4, ROUND = AT_ONCE * PIECE };
    enum { MOST = 255 << 10, PIECES = 2 * AT_ONCE };
    struct file f;
    struct bulk_reader *b;
    unsigned long read = 0;
    file_begin(&f, 2 * ROUND);
    assert_int_equal(new_reader(&f, &b), 0);
    const unsigned long before = requests(&f);
    for (size_t round = 0; round < 2 * ROUND; round += ROUND) {
        for (size_t at = 0; at < PIECE; at += STEP) {
            for (size_t piece = 0; piece < AT_ONCE; piece++, read++)
                check_read(b, &f, round + piece * PIECE + at, STEP, STEP);
            if (round + at > 2 * STEP && round + at < ROUND + PIECE / 2)
                must_receive(&f, (read + AT_ONCE) * STEP);
        }
    }
    assert_true(requests(&f) - before < 2 * ROUND / MOST + 2 * PIECES);
    bulk_reader_free(b);
    file_end(&f);
}

static void a_file_that_grows_is_read_on(void **state)
{
    (void)state;
    struct file f;
    struct bulk_reader *b;
    file_begin(&f, 1000);
    free(f.bytes);
    f.bytes = pattern(3000000);
    assert_int_equal(new_reader(&f, &b), 0);
    check_read(b, &f, 0, 4096, 1000);
    check_read(b, &f, 1000, 4096, 0);
    for (size_t size = 1000; size < 3000000; size += 299900) {
        assert_int_equal(
            write_all(f.real.sftp, &f.handle, size, (struct span){f.bytes + size, 299900}, &f.wait),
            0);
        check_read(b, &f, size, 131072, 131072);
        check_read(b, &f, size + 131072, 299900, 299900 - 131072);
        check_read(b, &f, size + 299900, 1, 0);
    }
    bulk_reader_free(b);
    file_end(&f);
}

static void a_whole_file_is_read_whatever_size_was_expected(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 262144, 1000000};
    struct file f;
    file_begin(&f, 0);
    free(f.bytes);
    f.bytes = pattern(1000000);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t n = sizes[i];
        const uint64_t hints[] = {0, n / 2, n, n + 1, 3 * n, UINT64_MAX};
        struct sftp_attrs cut = {.flags = SFTP_ATTR_SIZE, .size = 0};
        assert_int_equal(outcome_of(sftp_fsetstat(f.real.sftp, &f.handle, &cut)), 0);
        assert_int_equal(write_all(f.real.sftp, &f.handle, 0, (struct span){f.bytes, n}, &f.wait),
                         0);
        for (size_t h = 0; h < sizeof(hints) / sizeof(hints[0]); h++) {
            BUF_AUTO b = {0};
            assert_int_equal(buf_add_str(&b, "before"), 0);
            assert_int_equal(bulk_read_all(f.real.sftp, &f.handle, hints[h], 1000000, &f.wait, &b),
                             0);
            assert_int_equal(b.len, 6 + n);
            assert_memory_equal(b.data, "before", 6);
            assert_memory_equal(b.data + 6, f.bytes, n);
            if (n > 0)
                assert_int_equal(
                    bulk_read_all(f.real.sftp, &f.handle, hints[h], n - 1, &f.wait, &b), -EFBIG);
            assert_int_equal(b.len, 6 + n);
            buf_done(&b);
        }
    }
    file_end(&f);
}

static void errors_are_told(void **state)
{
    (void)state;
    struct file f;
    struct bulk_reader *b;
    char bytes[10];
    size_t n = 77;
    file_begin(&f, 1000);
    assert_int_equal(new_reader(&f, &b), 0);
    check_read(b, &f, 0, 500, 500);
    assert_int_equal(bulk_read(b, INT64_MAX, 10, &f.wait, bytes, &n), -EOVERFLOW);
    struct sftp_handle dead = f.handle;
    dead.epoch = 99;
    assert_int_equal(write_all(f.real.sftp, &dead, 0, SPAN_LITERAL("x"), &f.wait), -ENOTCONN);
    assert_int_equal(outcome_of(sftp_close(f.real.sftp, &f.handle)), 0);
    assert_int_equal(bulk_read(b, 600, 10, &f.wait, bytes, &n), -EREMOTEIO);
    assert_int_equal(write_all(f.real.sftp, &f.handle, 0, (struct span){f.bytes, 1000}, &f.wait),
                     -EREMOTEIO);
    assert_int_equal(n, 77);
    bulk_reader_free(b);
    bulk_reader_free(NULL);
    file_end(&f);
}

/* No more is sent than the link holds, and at first no more than sshd takes quickly. */
static void a_window_is_as_large_as_the_link(void **state)
{
    (void)state;
    const size_t least = 5 * BULK_PIECE;
    const size_t most = 10 * BULK_PIECE;
    assert_int_equal(bulk_write_window(20, 1, 0), least);
    assert_int_equal(bulk_write_window(20, 1, BULK_PIECE), least + BULK_PIECE);
    assert_int_equal(bulk_write_window(20, 1, UINT32_MAX), most);
    assert_int_equal(bulk_write_window(20, 4, UINT32_MAX), least);
    assert_in_range(bulk_write_window(30, 4, UINT32_MAX), least + 1, most - 1);
    assert_int_equal(bulk_write_window(100, 4, UINT32_MAX), most);
    assert_int_equal(bulk_write_window(0, 1, UINT32_MAX), least);
    assert_int_equal(bulk_write_window(-1, 1, UINT32_MAX), least); /* not known */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_back_as_it_was_written),
        cmocka_unit_test(reads_may_jump_and_overtake_each_other),
        cmocka_unit_test(what_is_read_beside_each_other_is_asked_for_ahead),
        cmocka_unit_test(a_file_that_grows_is_read_on),
        cmocka_unit_test(a_whole_file_is_read_whatever_size_was_expected),
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(a_window_is_as_large_as_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
