/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "parser/document/lexer.h"

static void what_vmware_escapes_is_escaped(void **state)
{
    (void)state;
    static const struct {
        struct span bytes, escaped;
    } rows[] = {
        {BYTES(""), BYTES("")},
        {BYTES("plain text"), BYTES("plain text")},
        {BYTES("\"\n\n||zz|2"), BYTES("|22|0A|0A|7C|7Czz|7C2")},
        {BYTES("\x01\x08\t\x0b\x1f\x7f\x80\xff"), BYTES("|01|08\t|0B|1F|7F\x80\xff")},
        {BYTES(" #=\\'[]"), BYTES(" #=\\'[]")},
        {BYTES("\x83\x7c"), BYTES("\x83|7C")},
        {BYTES("a\r\nb"), BYTES("a|0D|0Ab")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO escaped = {0};
        assert_int_equal(vmx_escape(rows[i].bytes, &escaped), 0);
        assert_span(buf_span(&escaped), rows[i].escaped);
    }
}

static void a_nul_cannot_be_escaped(void **state)
{
    (void)state;
    BUF_AUTO b = {0};
    assert_int_equal(buf_add_str(&b, "kept"), 0);
    assert_int_equal(vmx_escape(SPAN_LITERAL("a\0b"), &b), -EINVAL);
    assert_string_equal(b.data, "kept");
}

static void only_a_bar_with_two_hex_digits_is_an_escape(void **state)
{
    (void)state;
    static const struct {
        struct span raw, bytes;
    } rows[] = {
        {BYTES(""), BYTES("")},
        {BYTES("|"), BYTES("|")},
        {BYTES("|2"), BYTES("|2")},
        {BYTES("|2g"), BYTES("|2g")},
        {BYTES("|g2"), BYTES("|g2")},
        {BYTES("|7c22"), BYTES("|22")},
        {BYTES("||22"), BYTES("||22")},
        {BYTES("|||22"), BYTES("||\"")},
        {BYTES("|2|22|22"), BYTES("|2|22\"")},
        {BYTES("|fF|Ff"), BYTES("\xff\xff")},
        {BYTES("|00x"), BYTES("")},
        {BYTES("x|41|00|42"), BYTES("xA")},
        {BYTES("C:\\temp\\new"), BYTES("C:\\temp\\new")},
        {BYTES("%41\\x41&#65;"), BYTES("%41\\x41&#65;")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO bytes = {0};
        assert_int_equal(vmx_unescape(rows[i].raw, &bytes), 0);
        assert_span(buf_span(&bytes), rows[i].bytes);
    }
}

static void any_bytes_survive_escaping(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int round = 0; round < 5000; round++) {
        BUF_AUTO bytes = {0};
        BUF_AUTO escaped = {0};
        BUF_AUTO again = {0};
        for (size_t n = next_random(&random) % 60; n > 0; n--) {
            char c = (char)(next_random(&random) % (round % 2 ? 255 : 64) + 1);
            assert_int_equal(buf_add_char(&bytes, round % 3 ? c : '|'), 0);
        }
        assert_int_equal(vmx_escape(buf_span(&bytes), &escaped), 0);
        for (size_t i = 0; i < escaped.len; i++)
            assert_null(memchr("\"\r\n", escaped.data[i], 4)); /* nor a NUL */
        assert_int_equal(vmx_unescape(buf_span(&escaped), &again), 0);
        assert_span(buf_span(&again), buf_span(&bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_vmware_escapes_is_escaped),
        cmocka_unit_test(a_nul_cannot_be_escaped),
        cmocka_unit_test(only_a_bar_with_two_hex_digits_is_an_escape),
        cmocka_unit_test(any_bytes_survive_escaping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
