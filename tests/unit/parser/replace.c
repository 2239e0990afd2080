/* SPDX-License-Identifier: MIT */
#include "support.h"

/* What is remembered of a text allows what the text allows, however often that is asked. */
static void must_allow_as_much(const struct vmx_dict *old, const struct vmx_dict *text, int r)
{
    BUF_AUTO rest = {0};
    struct diag diag = {0};
    assert_int_equal(vmx_replace_rest(old, &rest), 0);
    DICT_AUTO dict = parsed(buf_span(&rest));
    assert_int_equal(vmx_replace_check(dict, text, &diag), r);
}

static void a_text_may_be_no_worse_than_the_old_one(void **state)
{
    (void)state;
    static const struct {
        const char *old, *text;
        int r;
        size_t line, column;
    } rows[] = {
        {"a = 1\n", "b = 2\n# c\n", 0, 0, 0},
        {"a = 1\n", "a = 1\nbad\n", -EINVAL, 2, 4},
        {"bad\na = 1\n", "a = 2\nbad\n", 0, 0, 0},
        {"bad\na = 1\n", "bad\nbad\n", -EINVAL, 2, 4},
        {"bad\na = 1\n", "worse\n", -EINVAL, 1, 6},
        {"bad\na = 1\n", "a = 1\n", 0, 0, 0},
        {"a = 1\n", "a = 1\nb = 1\n  A = 2\n", -EINVAL, 1, 1},
        {"a = 1\nA = 2\n", "a = 3\nA = 2\n", 0, 0, 0},
        {"a = 1\nA = 2\n", "a = 1\na = 2\na = 3\n", -EINVAL, 2, 1},
        {"a = 1\nA = 2\n", "b = 1\nb = 2\n", -EINVAL, 1, 1},
        {"a = 1\nA = 2\n", "a = 1\n", 0, 0, 0},
        {"a = 1\n", "\xef\xbb\xbfx\n", -EINVAL, 1, 2},
        {"a = 1\na = 2\n", "a\na = 1\n", -EINVAL, 1, 2},
        {"a\na = 1\n", "a = 1\na = 2\n", -EINVAL, 1, 1},
        {"a = 1\n\xef\xbb\xbfx\n", "b = 1\n\xef\xbb\xbfx\n", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct diag diag = {0};
        DICT_AUTO old = parsed(span_of(rows[i].old));
        DICT_AUTO text = parsed(span_of(rows[i].text));
        assert_int_equal(vmx_replace_check(old, text, &diag), rows[i].r);
        must_allow_as_much(old, text, rows[i].r);
        assert_int_equal(diag.line, rows[i].line);
        assert_int_equal(diag.column, rows[i].column);
    }
}

static void a_lost_final_newline_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *old, *text;
        int r;
    } rows[] = {
        {"a = 1\n", "a = 1", -EINVAL}, {"a = 1\r\n", "a = 1\r\nb = ", -EINVAL},
        {"a = 1\r", "a = 1", -EINVAL}, {"a = 1\n", "", -EINVAL},
        {"a = 1\n", "a = 1\r\n", 0},   {"a = 1", "b = 1", 0},
        {"a = 1", "a = 1\n", 0},       {"", "a = 1", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct diag diag = {.text = ""};
        DICT_AUTO old = parsed(span_of(rows[i].old));
        DICT_AUTO text = parsed(span_of(rows[i].text));
        assert_int_equal(vmx_replace_check(old, text, &diag), rows[i].r);
        must_allow_as_much(old, text, rows[i].r);
        assert_int_equal(diag.text[0] != '\0', rows[i].r != 0);
    }
}

static void what_is_right_is_not_remembered(void **state)
{
    (void)state;
    static const struct {
        const char *old, *rest;
    } rows[] = {
        {"", ""},
        {"a = 1", ""},
        {"a = 1\n# b\n\nc = 3\n", "\n"},
        {"a = 1\nbad\nb = 2\n", "bad\n"},
        {"a = 1\nb = 2\nA = 2\na = 3", "a = 1\nA = 2\na = 3"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO rest = {0};
        DICT_AUTO old = parsed(span_of(rows[i].old));
        assert_int_equal(vmx_replace_rest(old, &rest), 0);
        assert_string_equal(rest.data ? rest.data : "", rows[i].rest);
    }
}

static void a_new_file_may_be_anything(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    read_data("malformed.vmx", &text);
    DICT_AUTO dict = parsed(buf_span(&text));
    assert_int_equal(vmx_replace_check(NULL, dict, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_may_be_no_worse_than_the_old_one),
        cmocka_unit_test(a_lost_final_newline_is_refused),
        cmocka_unit_test(what_is_right_is_not_remembered),
        cmocka_unit_test(a_new_file_may_be_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
