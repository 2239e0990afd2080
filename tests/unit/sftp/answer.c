/* SPDX-License-Identifier: MIT */
#include "sftp/protocol/decode.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sftp/protocol/proto.h"
#include "sftp/protocol/wire.h"

/* An answer to a call of this kind, as the engine makes one of a packet. */
static int read_packet(enum call_kind kind, uint8_t type, struct span rest, struct answer *ret)
{
    struct wire_out out = {0};
    wire_put_u8(&out, type);
    wire_put_u32(&out, 77);
    assert_int_equal(out.error, 0);
    assert_int_equal(buf_add(&out.bytes, rest), 0);
    *ret = (struct answer){.packet = {(uint8_t *)out.bytes.data, out.bytes.len}};
    return answer_read(ret, kind, 4);
}

static int outcome(enum call_kind kind, uint8_t type, struct span rest)
{
    struct answer a;
    int r = read_packet(kind, type, rest, &a);
    answer_done(&a);
    return r;
}

#define STATUS(code) SPAN_LITERAL("\0\0\0" code "\0\0\0\0\0\0\0\0")

static void an_answer_must_fit_its_call(void **state)
{
    (void)state;
    const struct {
        enum call_kind kind;
        uint8_t type;
        struct span rest;
        int expected;
    } table[] = {
        {CALL_OPEN, SSH_FXP_STATUS, STATUS("\2"), -ENOENT},
        {CALL_OPEN, SSH_FXP_STATUS, STATUS("\0"), -EPROTO},
        {CALL_OPEN, SSH_FXP_STATUS, SPAN_LITERAL("\0\0"), -EPROTO},
        {CALL_OPEN, SSH_FXP_HANDLE, SPAN_LITERAL("\0\0\0\1h"), 0},
        {CALL_OPEN, SSH_FXP_HANDLE, SPAN_LITERAL("\0\0\0\0"), -EPROTO},
        {CALL_OPEN, SSH_FXP_HANDLE, SPAN_LITERAL("\0\0\0\2h"), -EPROTO},
        {CALL_OPEN, SSH_FXP_DATA, SPAN_LITERAL("\0\0\0\1h"), -EPROTO},
        {CALL_CLOSE, SSH_FXP_STATUS, STATUS("\0"), 0},
        {CALL_CLOSE, SSH_FXP_STATUS, SPAN_LITERAL("\0\0\0\0"), 0}, /* old servers say no more */
        {CALL_CLOSE, SSH_FXP_HANDLE, SPAN_LITERAL("\0\0\0\1h"), -EPROTO},
        {CALL_READ, SSH_FXP_DATA, SPAN_LITERAL("\0\0\0\4abcd"), 0},
        {CALL_READ, SSH_FXP_DATA, SPAN_LITERAL("\0\0\0\1a"), 0},
        {CALL_READ, SSH_FXP_DATA, SPAN_LITERAL("\0\0\0\5abcde"), -EPROTO}, /* more than asked */
        {CALL_READ, SSH_FXP_DATA, SPAN_LITERAL("\0\0\0\0"), -ENODATA},
        {CALL_READ, SSH_FXP_STATUS, STATUS("\1"), -ENODATA},
        {CALL_LSTAT, SSH_FXP_ATTRS, SPAN_LITERAL("\0\0\0\0"), 0},
        {CALL_LSTAT, SSH_FXP_ATTRS, SPAN_LITERAL("\0\0\0\1"), -EPROTO},
        {CALL_STATVFS, SSH_FXP_EXTENDED_REPLY, SPAN_LITERAL("\0\0\0\1"), -EPROTO},
        {CALL_STATVFS, SSH_FXP_STATUS, STATUS("\10"), -EOPNOTSUPP},
        {CALL_REALPATH, SSH_FXP_NAME, SPAN_LITERAL("\0\0\0\0"), -EPROTO},
        {CALL_REALPATH, SSH_FXP_NAME, SPAN_LITERAL("\0\0\0\1\0\0\0\2/a\0\0\0\0\0\0\0\0"), 0},
        {CALL_REALPATH, SSH_FXP_NAME, SPAN_LITERAL("\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"), -EPROTO},
        {CALL_READLINK, SSH_FXP_NAME, SPAN_LITERAL("\0\0\0\1\0\0\0\2a\0\0\0\0\0\0\0\0\0"), -EPROTO},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int r = outcome(table[i].kind, table[i].type, table[i].rest);
        if (r != table[i].expected)
            fail_msg("row %zu: %d, not %d", i, r, table[i].expected);
    }
}

static void put_name(struct wire_out *out, struct span name)
{
    struct sftp_attrs attrs = {.flags = SFTP_ATTR_SIZE, .size = name.n};
    wire_put_string(out, name);
    wire_put_string(out, SPAN_LITERAL("-rw-r--r-- long name"));
    wire_put_attrs(out, &attrs);
}

static void a_listing_leaves_out_the_dots(void **state)
{
    (void)state;
    struct wire_out out = {0};
    struct answer a;
    wire_put_u32(&out, 4);
    put_name(&out, SPAN_LITERAL("."));
    put_name(&out, SPAN_LITERAL("one"));
    put_name(&out, SPAN_LITERAL(".."));
    put_name(&out, SPAN_LITERAL("..three"));
    assert_int_equal(read_packet(CALL_READDIR, SSH_FXP_NAME, buf_span(&out.bytes), &a), 0);
    assert_int_equal(a.n_names, 2);
    assert_string_equal(a.names[0].name, "one");
    assert_string_equal(a.names[1].name, "..three");
    assert_int_equal(a.names[1].attrs.size, 7);
    answer_done(&a);
    buf_done(&out.bytes);
}

static void a_listing_may_tell_how_many_names_a_file_has(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint32_t links;
    } lines[] = {
        {"-rw-r--r--    2 root     root         1234 Nov 29 19:00 name", 2},
        {"drwxr-xr-x   17 0 0 4096 Nov 29 19:00 name", 17},
        {"-rw-r--r-- 999999999 0 0", 999999999},
        {"-rw-r--r-- 1000000000 0 0", 0},
        {"-rw-r--r--    ? root root 1 Nov 29 19:00 3", 0},
        {"-rw-r--r-- 2x root", 0},
        {"-rw-r--r--", 0},
        {"2", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct wire_out out = {0};
        struct answer a;
        wire_put_u32(&out, 1);
        wire_put_string(&out, SPAN_LITERAL("name"));
        wire_put_string(&out, span_of(lines[i].line));
        wire_put_attrs(&out, &(struct sftp_attrs){0});
        assert_int_equal(read_packet(CALL_READDIR, SSH_FXP_NAME, buf_span(&out.bytes), &a), 0);
        assert_int_equal(a.n_names, 1);
        assert_int_equal(a.names[0].links, lines[i].links);
        answer_done(&a);
        buf_done(&out.bytes);
    }
}

static void hostile_names_are_left_out_singly(void **state)
{
    (void)state;
    const struct span names[] = {SPAN_LITERAL(""), SPAN_LITERAL("/"), SPAN_LITERAL("../x"),
                                 SPAN_LITERAL("a\0b"), SPAN_LITERAL("\0")};
    const uint32_t n = sizeof(names) / sizeof(names[0]);
    struct wire_out out = {0};
    struct answer a;
    wire_put_u32(&out, 2 * n);
    for (size_t i = 0; i < n; i++) {
        put_name(&out, names[i]);
        put_name(&out, SPAN_LITERAL("fine"));
    }
    assert_int_equal(read_packet(CALL_READDIR, SSH_FXP_NAME, buf_span(&out.bytes), &a), 0);
    assert_int_equal(a.n_names, n);
    assert_int_equal(a.left_out, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(a.names[i].name, "fine");
    answer_done(&a);
    buf_done(&out.bytes);
}

/* VMFS and ext4 have no longer names, and neither has the kernel. */
static void names_and_sizes_that_cannot_be_are_left_out(void **state)
{
    (void)state;
    char longest[257];
    struct wire_out out = {0};
    struct answer a;
    const struct sftp_attrs huge = {.flags = SFTP_ATTR_SIZE, .size = 1ULL << 63};
    const struct sftp_attrs largest = {.flags = SFTP_ATTR_SIZE, .size = INT64_MAX};
    memset(longest, 'n', sizeof(longest));
    wire_put_u32(&out, 4);
    put_name(&out, (struct span){longest, 255});
    put_name(&out, (struct span){longest, 256});
    wire_put_string(&out, SPAN_LITERAL("huge"));
    wire_put_string(&out, SPAN_LITERAL(""));
    wire_put_attrs(&out, &huge);
    wire_put_string(&out, SPAN_LITERAL("largest"));
    wire_put_string(&out, SPAN_LITERAL(""));
    wire_put_attrs(&out, &largest);
    assert_int_equal(read_packet(CALL_READDIR, SSH_FXP_NAME, buf_span(&out.bytes), &a), 0);
    assert_int_equal(a.n_names, 2);
    assert_int_equal(strlen(a.names[0].name), 255);
    assert_string_equal(a.names[1].name, "largest");
    answer_done(&a);
    buf_done(&out.bytes);
}

static void a_size_that_is_no_offset_is_too_large(void **state)
{
    (void)state;
    const uint64_t sizes[] = {INT64_MAX, 1ULL << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct wire_out out = {0};
        const struct sftp_attrs attrs = {.flags = SFTP_ATTR_SIZE, .size = sizes[i]};
        wire_put_attrs(&out, &attrs);
        assert_int_equal(outcome(CALL_FSTAT, SSH_FXP_ATTRS, buf_span(&out.bytes)),
                         i == 0 ? 0 : -EFBIG);
        buf_done(&out.bytes);
    }
}

static void a_path_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static char path[PATH_MAX];
    memset(path, 'p', sizeof(path));
    for (size_t n = PATH_MAX - 1; n <= PATH_MAX; n++) {
        struct wire_out out = {0};
        wire_put_u32(&out, 1);
        put_name(&out, (struct span){path, n});
        assert_int_equal(outcome(CALL_READLINK, SSH_FXP_NAME, buf_span(&out.bytes)),
                         n < PATH_MAX ? 0 : -EPROTO);
        buf_done(&out.bytes);
    }
}

static void a_count_beyond_the_packet_is_refused(void **state)
{
    (void)state;
    static const uint32_t counts[] = {2, 100000, UINT32_MAX};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct wire_out out = {0};
        wire_put_u32(&out, counts[i]);
        put_name(&out, SPAN_LITERAL("alone"));
        assert_int_equal(outcome(CALL_READDIR, SSH_FXP_NAME, buf_span(&out.bytes)), -EPROTO);
        buf_done(&out.bytes);
    }
}

static void a_handle_has_256_bytes_at_most(void **state)
{
    (void)state;
    char bytes[257];
    memset(bytes, 'h', sizeof(bytes));
    for (size_t n = 256; n <= 257; n++) {
        struct wire_out out = {0};
        wire_put_string(&out, (struct span){bytes, n});
        assert_int_equal(outcome(CALL_OPENDIR, SSH_FXP_HANDLE, buf_span(&out.bytes)),
                         n == 256 ? 0 : -EPROTO);
        buf_done(&out.bytes);
    }
}

/* VERSION with one extension. */
static int version(uint8_t type, uint32_t number, const char *name, const char *data,
                   struct sftp_features *ret)
{
    struct wire_out out = {0};
    wire_put_u8(&out, type);
    wire_put_u32(&out, number);
    wire_put_string(&out, span_of(name));
    wire_put_string(&out, span_of(data));
    struct packet packet = {(uint8_t *)out.bytes.data, out.bytes.len};
    int r = answer_read_version(&packet, ret);
    buf_done(&out.bytes);
    return r;
}

static void version_3_alone_will_do(void **state)
{
    (void)state;
    struct sftp_features f;
    assert_int_equal(version(SSH_FXP_VERSION, 2, "a", "b", &f), -EPROTO);
    assert_int_equal(version(SSH_FXP_VERSION, 4, "a", "b", &f), -EPROTO);
    assert_int_equal(version(SSH_FXP_STATUS, 3, "a", "b", &f), -EPROTO);
    assert_int_equal(version(SSH_FXP_VERSION, 3, "a", "b", &f), 0);
    assert_false(f.posix_rename || f.fsync || f.statvfs || f.limits);
    assert_int_equal(f.max_read, 32768);
    assert_int_equal(version(SSH_FXP_VERSION, 3, SSH_EXT_POSIX_RENAME, "1", &f), 0);
    assert_true(f.posix_rename);
    assert_int_equal(version(SSH_FXP_VERSION, 3, SSH_EXT_FSYNC, "1", &f), 0);
    assert_true(f.fsync);
    assert_int_equal(version(SSH_FXP_VERSION, 3, SSH_EXT_STATVFS, "2", &f), 0);
    assert_true(f.statvfs);
    assert_int_equal(version(SSH_FXP_VERSION, 3, SSH_EXT_STATVFS, "9", &f), 0);
    assert_false(f.statvfs);
}

static void limits_are_made_safe(void **state)
{
    (void)state;
    static const struct {
        uint64_t said;
        uint64_t expected;
    } table[] = {{0, 32768}, {1, 32768}, {65536, 65536}, {261120, 261120}, {UINT64_MAX, 261120}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sftp_features f = {0};
        struct wire_out out = {0};
        wire_put_u8(&out, SSH_FXP_EXTENDED_REPLY);
        wire_put_u32(&out, 0);
        wire_put_u64(&out, 262144);
        wire_put_u64(&out, table[i].said);
        wire_put_u64(&out, table[i].said);
        wire_put_u64(&out, 12);
        struct packet packet = {(uint8_t *)out.bytes.data, out.bytes.len};
        assert_int_equal(answer_read_limits(&packet, &f), 0);
        assert_true(f.max_read == table[i].expected);
        assert_true(f.max_write == table[i].expected);
        assert_int_equal(f.max_handles, 12);
        packet.n--;
        assert_int_equal(answer_read_limits(&packet, &f), -EPROTO);
        buf_done(&out.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_must_fit_its_call),
        cmocka_unit_test(a_listing_leaves_out_the_dots),
        cmocka_unit_test(a_listing_may_tell_how_many_names_a_file_has),
        cmocka_unit_test(hostile_names_are_left_out_singly),
        cmocka_unit_test(names_and_sizes_that_cannot_be_are_left_out),
        cmocka_unit_test(a_size_that_is_no_offset_is_too_large),
        cmocka_unit_test(a_path_that_cannot_be_is_refused),
        cmocka_unit_test(a_count_beyond_the_packet_is_refused),
        cmocka_unit_test(a_handle_has_256_bytes_at_most),
        cmocka_unit_test(version_3_alone_will_do),
        cmocka_unit_test(limits_are_made_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
