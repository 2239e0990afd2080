/* SPDX-License-Identifier: MIT */
#include "sftp/protocol/wire.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sftp/protocol/decode.h"
#include "sftp/protocol/frame.h"
#include "sftp/protocol/proto.h"

static void numbers_are_big_endian(void **state)
{
    (void)state;
    struct wire_out out = {0};
    wire_put_u8(&out, 0x01);
    wire_put_u32(&out, 0x02030405);
    wire_put_u64(&out, 0x060708090a0b0c0dULL);
    wire_put_string(&out, SPAN_LITERAL("ab"));
    assert_int_equal(out.error, 0);
    const char expected[] = "\1\2\3\4\5\6\7\10\11\12\13\14\15\0\0\0\2ab";
    assert_int_equal(out.bytes.len, sizeof(expected) - 1);
    assert_memory_equal(out.bytes.data, expected, out.bytes.len);
    struct wire_in in = {(uint8_t *)out.bytes.data, out.bytes.len};
    uint8_t u8;
    uint32_t u32;
    uint64_t u64;
    struct span s;
    assert_int_equal(wire_get_u8(&in, &u8), 0);
    assert_int_equal(wire_get_u32(&in, &u32), 0);
    assert_int_equal(wire_get_u64(&in, &u64), 0);
    assert_int_equal(wire_get_string(&in, &s), 0);
    assert_int_equal(u8, 1);
    assert_int_equal(u32, 0x02030405);
    assert_true(u64 == 0x060708090a0b0c0dULL);
    assert_true(span_eq(s, SPAN_LITERAL("ab")));
    assert_int_equal(wire_get_u8(&in, &u8), -EPROTO);
    buf_done(&out.bytes);
}

static void a_path_of_path_max_is_too_long_and_stays_so(void **state)
{
    (void)state;
    struct wire_out out = {0};
    char path[PATH_MAX + 1];
    memset(path, 'x', PATH_MAX);
    path[PATH_MAX] = '\0';
    wire_put_path(&out, path + 1);
    assert_int_equal(out.error, 0);
    wire_put_path(&out, path);
    assert_int_equal(out.error, -ENAMETOOLONG);
    size_t len = out.bytes.len;
    wire_put_u32(&out, 1);
    assert_int_equal(out.error, -ENAMETOOLONG);
    assert_int_equal(out.bytes.len, len);
    buf_done(&out.bytes);
}

static void attrs_come_back_as_they_went(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags < 16; flags++) {
        struct sftp_attrs a = {flags, 1ULL << 40, 3, 4, 0100644, 5, 6};
        struct sftp_attrs b;
        struct wire_out out = {0};
        wire_put_attrs(&out, &a);
        struct wire_in in = {(uint8_t *)out.bytes.data, out.bytes.len};
        assert_int_equal(wire_get_attrs(&in, &b), 0);
        assert_int_equal(in.n, 0);
        assert_int_equal(b.flags, flags);
        assert_true(b.size == (flags & SFTP_ATTR_SIZE ? a.size : 0));
        assert_int_equal(b.uid, flags & SFTP_ATTR_OWNER ? 3 : 0);
        assert_int_equal(b.gid, flags & SFTP_ATTR_OWNER ? 4 : 0);
        assert_int_equal(b.mode, flags & SFTP_ATTR_MODE ? 0100644 : 0);
        assert_int_equal(b.atime, flags & SFTP_ATTR_TIMES ? 5 : 0);
        assert_int_equal(b.mtime, flags & SFTP_ATTR_TIMES ? 6 : 0);
        for (size_t n = 0; n < out.bytes.len; n++) {
            in = (struct wire_in){(uint8_t *)out.bytes.data, n};
            assert_int_equal(wire_get_attrs(&in, &b), -EPROTO);
        }
        buf_done(&out.bytes);
    }
}

static void extended_attrs_are_skipped_and_unknown_ones_refused(void **state)
{
    (void)state;
    uint8_t extended[] = {0x80, 0, 0, 4, 0, 0, 1, 0xa4, 0, 0, 0, 1, 0, 0, 0, 1, 'a', 0, 0, 0, 0};
    uint8_t endless[] = {0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t unknown[] = {0, 0, 0, 16};
    struct sftp_attrs a;
    struct wire_in in = {extended, sizeof(extended)};
    assert_int_equal(wire_get_attrs(&in, &a), 0);
    assert_int_equal(in.n, 0);
    assert_int_equal(a.flags, SFTP_ATTR_MODE);
    assert_int_equal(a.mode, 0644);
    in = (struct wire_in){endless, sizeof(endless)};
    assert_int_equal(wire_get_attrs(&in, &a), -EPROTO);
    in = (struct wire_in){unknown, sizeof(unknown)};
    assert_int_equal(wire_get_attrs(&in, &a), -EPROTO);
}

static void statuses_become_errnos(void **state)
{
    (void)state;
    static const struct {
        uint32_t code;
        int expected;
    } table[] = {
        {0, 0},           {1, -ENODATA}, {2, -ENOENT},    {3, -EACCES},
        {4, -EREMOTEIO},  {5, -EINVAL},  {6, -EREMOTEIO}, {7, -EREMOTEIO},
        {8, -EOPNOTSUPP}, {9, -EPROTO},  {31, -EPROTO},   {UINT32_MAX, -EPROTO},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(status_errno(table[i].code), table[i].expected);
}

/* Cuts a stream that comes in pieces of one size. */
static int cut(struct frame *f, struct span stream, size_t piece, struct packet *ret, size_t max)
{
    size_t found = 0;
    while (found < max) {
        int r = frame_next(f, &ret[found]);
        if (r < 0)
            return r;
        if (r == 1) {
            found++;
            continue;
        }
        if (stream.n == 0)
            break;
        uint8_t *room;
        size_t n = frame_room(f, &room);
        n = n < piece ? n : piece;
        n = n < stream.n ? n : stream.n;
        memcpy(room, stream.p, n);
        frame_filled(f, n);
        stream = (struct span){stream.p + n, stream.n - n};
    }
    return (int)found;
}

static void put_packet(struct buf *b, size_t n, char fill)
{
    struct wire_out out = {.bytes = *b};
    wire_put_u32(&out, (uint32_t)n);
    assert_int_equal(out.error, 0);
    *b = out.bytes;
    assert_int_equal(buf_reserve(b, n), 0);
    memset(b->data + b->len, fill, n);
    b->len += n;
}

static void packets_are_cut_wherever_the_pieces_end(void **state)
{
    (void)state;
    static const size_t sizes[] = {5, 6, 40000, 7, SFTP_PACKET_MAX, 5, 100000};
    static const size_t pieces[] = {1, 3, 1000, 32768, 1 << 20};
    enum { N = sizeof(sizes) / sizeof(sizes[0]) };
    BUF_AUTO stream = {0};
    for (size_t i = 0; i < N; i++)
        put_packet(&stream, sizes[i], (char)('a' + i));
    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
        struct frame *f = calloc(1, sizeof(*f));
        struct packet packets[N + 1];
        assert_non_null(f);
        assert_int_equal(cut(f, buf_span(&stream), pieces[p], packets, N + 1), N);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(packets[i].n, sizes[i]);
            for (size_t k = 0; k < packets[i].n; k++)
                if (packets[i].bytes[k] != 'a' + i)
                    fail_msg("packet %zu, byte %zu", i, k);
            free(packets[i].bytes);
        }
        frame_done(f);
        free(f);
    }
}

static void impossible_lengths_are_refused(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 4, SFTP_PACKET_MAX + 1, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct frame f = {0};
        struct packet packet;
        struct wire_out out = {0};
        wire_put_u32(&out, sizes[i]);
        assert_int_equal(cut(&f, buf_span(&out.bytes), 100, &packet, 1), -EPROTO);
        frame_done(&f);
        buf_done(&out.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(a_path_of_path_max_is_too_long_and_stays_so),
        cmocka_unit_test(attrs_come_back_as_they_went),
        cmocka_unit_test(extended_attrs_are_skipped_and_unknown_ones_refused),
        cmocka_unit_test(statuses_become_errnos),
        cmocka_unit_test(packets_are_cut_wherever_the_pieces_end),
        cmocka_unit_test(impossible_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
