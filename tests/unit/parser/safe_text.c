/* SPDX-License-Identifier: MIT */
#include "parser/text/safe_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    struct span text, shown;
};

#define ROW(text, shown) {SPAN_LITERAL(text), SPAN_LITERAL(shown)}

static void must_show(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        BUF_AUTO b = {0};
        assert_int_equal(buf_add_str(&b, "\t"), 0);
        assert_int_equal(safe_text_add(&b, rows[i].text), 0);
        assert_int_equal(b.len, 1 + rows[i].text.n);
        assert_int_equal(b.data[0], '\t');
        if (!span_eq((struct span){b.data + 1, b.len - 1}, rows[i].shown))
            fail_msg("row %zu: %s", i, b.data + 1);
        assert_int_equal(safe_text_is(rows[i].text), span_eq(rows[i].text, rows[i].shown));
        assert_true(safe_text_is(rows[i].shown));
    }
}

static void what_a_terminal_obeys_is_replaced(void **state)
{
    (void)state;
    const struct row rows[] = {
        ROW("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ROW("a\tb\r\nc", "a?b??c"),
        ROW("\x7f\x01\x1f", "???"),
        ROW("a\0b", "a?b"),
        ROW("\xc2\x9b"
            "2J",
            "??2J"),
        ROW("\xc2\x80\xc2\x9f\xc2\xa0", "????\xc2\xa0"),
        ROW("\x9b"
            "2J",
            "?2J"),
        ROW("\xe2\x80\xa8 \xe2\x80\xa9 \xe2\x80\xaa \xe2\x80\xae", "??? ??? ??? ???"),
        ROW("\xe2\x81\xa6 \xe2\x81\xa9", "??? ???"),
        ROW("\xe2\x80\xa7 \xe2\x80\xaf \xe2\x81\xa5 \xe2\x81\xaa \xe2\x82\xa8",
            "\xe2\x80\xa7 \xe2\x80\xaf \xe2\x81\xa5 \xe2\x81\xaa \xe2\x82\xa8"),
    };
    must_show(rows, sizeof(rows) / sizeof(rows[0]));
}

static void letters_of_all_lengths_stay(void **state)
{
    (void)state;
    const struct row rows[] = {
        ROW("", ""),
        ROW(" ~ $(x) 'y'", " ~ $(x) 'y'"),
        ROW("\xc3\x9b \xdf\xbf", "\xc3\x9b \xdf\xbf"),
        ROW("\xe0\xa0\x80 \xe2\x80\x93 \xed\x9f\xbf \xef\x9b\x9f",
            "\xe0\xa0\x80 \xe2\x80\x93 \xed\x9f\xbf \xef\x9b\x9f"),
        ROW("\xf0\x9f\x98\x80 \xf4\x8f\x9f\x9f", "\xf0\x9f\x98\x80 \xf4\x8f\x9f\x9f"),
        ROW("latin1 \xe4\xf6\xfc", "latin1 \xe4\xf6\xfc"),
    };
    must_show(rows, sizeof(rows) / sizeof(rows[0]));
}

/* What one decoder passes over, another takes for a control character. */
static void bytes_of_no_character_hide_nothing(void **state)
{
    (void)state;
    const struct row rows[] = {
        ROW("\xc2", "\xc2"),
        ROW("\xc2\x1b[m", "\xc2?[m"),
        ROW("\xc0\x9b", "\xc0?"),
        ROW("\xe0\x82\x9b", "\xe0??"),
        ROW("\xe2\x80", "\xe2?"),
        ROW("\xe2\xc2\x9b", "\xe2??"),
        ROW("\xed\xa0\x80", "\xed\xa0?"),
        ROW("\xf0\x80\x82\x9b", "\xf0???"),
        ROW("\xf4\x90\x80\x80", "\xf4???"),
        ROW("\xf5\x80\x80\x80", "\xf5???"),
    };
    must_show(rows, sizeof(rows) / sizeof(rows[0]));
}

static void a_field_among_others_has_no_separator(void **state)
{
    BUF_AUTO b = {0};
    (void)state;
    assert_int_equal(buf_add_str(&b, "a,"), 0);
    assert_int_equal(safe_field_add(&b, SPAN_LITERAL("b,\tc;,"), ','), 0);
    assert_string_equal(b.data, "a,b??c;?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_obeys_is_replaced),
        cmocka_unit_test(letters_of_all_lengths_stay),
        cmocka_unit_test(bytes_of_no_character_hide_nothing),
        cmocka_unit_test(a_field_among_others_has_no_separator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
