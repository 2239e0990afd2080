/* SPDX-License-Identifier: MIT */
#include "parser/text/buf.h"
#include "parser/text/diag.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void adding_keeps_a_nul_behind(void **state)
{
    (void)state;
    BUF_AUTO b = {0};
    assert_int_equal(buf_add(&b, SPAN_LITERAL("ab")), 0);
    assert_int_equal(buf_add_char(&b, 'c'), 0);
    assert_int_equal(buf_add_str(&b, "de"), 0);
    assert_int_equal(buf_addf(&b, "%d-%s", 7, "x"), 0);
    assert_string_equal(b.data, "abcde7-x");
    assert_int_equal(b.len, 8);
    buf_clear(&b);
    assert_string_equal(b.data, "");
    assert_int_equal(b.len, 0);
}

static void bytes_with_nuls_are_kept(void **state)
{
    (void)state;
    BUF_AUTO b = {0};
    assert_int_equal(buf_add(&b, SPAN_LITERAL("a\0b")), 0);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4);
}

static void an_empty_span_may_be_null(void **state)
{
    (void)state;
    BUF_AUTO b = {0};
    assert_int_equal(buf_add(&b, (struct span){NULL, 0}), 0);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    assert_true(span_eq((struct span){NULL, 0}, SPAN_LITERAL("")));
    assert_true(span_ends_with((struct span){NULL, 0}, SPAN_LITERAL("")));
}

static void growing_keeps_the_content(void **state)
{
    (void)state;
    BUF_AUTO b = {0};
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buf_add_char(&b, (char)('a' + i % 26)), 0);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
}

static void an_impossible_size_is_enomem(void **state)
{
    (void)state;
    BUF_AUTO b = {0};
    assert_int_equal(buf_add_str(&b, "kept"), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), -ENOMEM);
    assert_int_equal(buf_reserve(&b, SIZE_MAX / 2), -ENOMEM);
    assert_string_equal(b.data, "kept");
}

static void steal_hands_over_and_empties(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(buf_add_str(&b, "mine"), 0);
    char *s = buf_steal(&b);
    assert_string_equal(s, "mine");
    free(s);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    s = buf_steal(&b);
    assert_string_equal(s, "");
    free(s);
}

static void only_ascii_letters_fold(void **state)
{
    (void)state;
    assert_true(span_eq_fold(SPAN_LITERAL("memSize"), SPAN_LITERAL("MEMSIZE")));
    assert_false(span_eq_fold(SPAN_LITERAL("memSize"), SPAN_LITERAL("memSiz")));
    assert_false(span_eq_fold(SPAN_LITERAL("@"), SPAN_LITERAL("`")));
    assert_false(span_eq_fold(SPAN_LITERAL("["), SPAN_LITERAL("{")));
    assert_false(span_eq_fold(SPAN_LITERAL("\xc4"), SPAN_LITERAL("\xe4")));
    assert_false(span_eq(SPAN_LITERAL("a"), SPAN_LITERAL("A")));
}

static void prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(span_starts_with(SPAN_LITERAL("vmxfs.saved.x"), SPAN_LITERAL("vmxfs.")));
    assert_false(span_starts_with(SPAN_LITERAL("vmx"), SPAN_LITERAL("vmxfs.")));
    assert_true(span_ends_with(SPAN_LITERAL("a.vmx"), SPAN_LITERAL(".vmx")));
    assert_false(span_ends_with(SPAN_LITERAL("vmx"), SPAN_LITERAL(".vmx")));
}

static void a_long_diagnosis_is_cut(void **state)
{
    (void)state;
    struct diag diag;
    char text[2 * sizeof(diag.text)];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    diag_set_at(&diag, 3, 4, "%s", text);
    assert_int_equal(diag.line, 3);
    assert_int_equal(diag.column, 4);
    assert_int_equal(strlen(diag.text), sizeof(diag.text) - 1);
    diag_set_at(NULL, 1, 1, "nobody listens");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding_keeps_a_nul_behind),
        cmocka_unit_test(bytes_with_nuls_are_kept),
        cmocka_unit_test(an_empty_span_may_be_null),
        cmocka_unit_test(growing_keeps_the_content),
        cmocka_unit_test(an_impossible_size_is_enomem),
        cmocka_unit_test(steal_hands_over_and_empties),
        cmocka_unit_test(only_ascii_letters_fold),
        cmocka_unit_test(prefixes_and_suffixes),
        cmocka_unit_test(a_long_diagnosis_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
