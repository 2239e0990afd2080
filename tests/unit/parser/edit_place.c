/* SPDX-License-Identifier: MIT */
/* Removing a key and setting it again later, as "install" and "mv from elsewhere" do. */
#include "support.h"

static void check_return(struct span text, const char *key, const char *value, const char *after)
{
    struct vmx_place place = {0};
    BUF_AUTO without = {0};
    BUF_AUTO out = {0};
    EDITS_AUTO edits = {0};
    DICT_AUTO dict = parsed(text);
    assert_int_equal(vmx_place_of(dict, span_of(key), &place), 0);
    assert_int_equal(apply_remove(text, span_of(key), &without), 0);
    assert_int_equal(vmx_edits_set_at(&edits, span_of(key), span_of(value), &place), 0);
    vmx_place_done(&place);
    assert_int_equal(apply(buf_span(&without), &edits, &out), 0);
    assert_span(buf_span(&out), span_of(after));
}

static void a_key_comes_back_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key, *after; /* the new value is x */
    } rows[] = {
        {"a = 1\n  B\t= \"2\"  # c\nc = 3\n", "b", "a = 1\n  B\t= \"x\"  # c\nc = 3\n"},
        {"a = 1\r\nb = 2\r\nc = 3\r\n", "a", "a = \"x\"\r\nb = 2\r\nc = 3\r\n"},
        {"a = 1\n# c\n\nbad\nb = 2\n# d\n", "b", "a = 1\n# c\n\nbad\nb = \"x\"\n# d\n"},
        {"#!x\n\n# c\na = 1\nb = 2\n", "a", "#!x\n\n# c\na = \"x\"\nb = 2\n"},
        {"\xef\xbb\xbf# c\na = 1\n", "a", "\xef\xbb\xbf# c\na = \"x\"\n"},
        {"\xef\xbb\xbf"
         "a = 1\n",
         "a",
         "\xef\xbb\xbf"
         "a = \"x\"\n"},
        {"a = 1\r\nb = 2", "b", "a = 1\r\nb = \"x\""},
        {"a = 1\r\nb = 2", "a", "a = \"x\"\r\nb = 2"},
        {"a = 1\n\n\nb = 2", "b", "a = 1\n\n\nb = \"x\""},
        {"a = 1\n\n  \nb = 2", "b", "a = 1\n\n  \nb = \"x\""},
        {"a = 1", "a", "a = \"x\""},
        {"a = 1\rb = 2\nc = 3\r\n", "b", "a = 1\rb = \"x\"\nc = 3\r\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_return(span_of(rows[i].text), rows[i].key, "x", rows[i].after);
}

/* Somebody else's edits in between. */
static void a_place_is_found_in_a_file_that_changed(void **state)
{
    (void)state;
    static const struct {
        const char *now, *after;
    } rows[] = {
        {"new = 0\na = 9\n# c\nz = 3\n", "new = 0\na = 9\n# c\nb = \"x\" # mine\nz = 3\n"},
        {"a = 1\nz = 3\n# c\n", "a = 1\nb = \"x\" # mine\nz = 3\n# c\n"},
        {"z = 3\n", "z = 3\nb = \"x\" # mine\n"}, /* its neighbour is gone */
        {"a = 1", "a = 1\nb = \"x\" # mine"},
        {"a = 1\nB = 7\n", "a = 1\nB = \"x\"\n"}, /* it is back already */
        {"", "b = \"x\" # mine\n"},
    };
    DICT_AUTO dict = parsed(SPAN_LITERAL("a = 1\n# c\nb = 2 # mine\nz = 3\n"));
    struct vmx_place place = {0};
    assert_int_equal(vmx_place_of(dict, SPAN_LITERAL("b"), &place), 0);
    assert_string_equal(place.line.data, "b = 2 # mine\n");
    assert_string_equal(place.predecessor.data, "a");
    assert_int_equal(place.skip, 1);
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_edits_set_at(&edits, SPAN_LITERAL("b"), SPAN_LITERAL("x"), &place), 0);
    vmx_place_done(&place);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(apply(span_of(rows[i].now), &edits, &out), 0);
        assert_span(buf_span(&out), span_of(rows[i].after));
    }
}

static void neighbours_come_back_in_order(void **state)
{
    (void)state;
    struct span text = SPAN_LITERAL("a = 1\nb = 2\nc = 3\nd = 4\n");
    DICT_AUTO dict = parsed(text);
    struct vmx_place b = {0};
    struct vmx_place c = {0};
    EDITS_AUTO removals = {0};
    EDITS_AUTO sets = {0};
    BUF_AUTO without = {0};
    BUF_AUTO out = {0};
    assert_int_equal(vmx_place_of(dict, SPAN_LITERAL("b"), &b), 0);
    assert_int_equal(vmx_place_of(dict, SPAN_LITERAL("c"), &c), 0);
    assert_int_equal(vmx_edits_remove(&removals, SPAN_LITERAL("b")), 0);
    assert_int_equal(vmx_edits_remove(&removals, SPAN_LITERAL("c")), 0);
    assert_int_equal(apply(text, &removals, &without), 0);
    assert_string_equal(without.data, "a = 1\nd = 4\n");
    assert_int_equal(vmx_edits_set_at(&sets, SPAN_LITERAL("b"), SPAN_LITERAL("2"), &b), 0);
    assert_int_equal(vmx_edits_set_at(&sets, SPAN_LITERAL("c"), SPAN_LITERAL("3"), &c), 0);
    assert_int_equal(apply(buf_span(&without), &sets, &out), 0);
    assert_span(buf_span(&out), text);
    vmx_place_done(&b);
    vmx_place_done(&c);
}

static void a_place_of_another_key_is_no_place(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(SPAN_LITERAL("a = 1\nb = 2\n"));
    struct vmx_place place = {0};
    EDITS_AUTO edits = {0};
    BUF_AUTO out = {0};
    assert_int_equal(vmx_place_of(dict, SPAN_LITERAL("a"), &place), 0);
    assert_int_equal(vmx_edits_set_at(&edits, SPAN_LITERAL("k"), SPAN_LITERAL("v"), &place), 0);
    vmx_place_done(&place);
    assert_int_equal(vmx_edits_apply(&edits, dict, &out, NULL), 0);
    assert_string_equal(out.data, "a = 1\nb = 2\nk = \"v\"\n");
}

static void a_missing_key_has_no_place(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(SPAN_LITERAL("a = 1\n"));
    struct vmx_place place = {.skip = 77};
    assert_int_equal(vmx_place_of(dict, SPAN_LITERAL("b"), &place), -ENOENT);
    assert_int_equal(place.skip, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_comes_back_with_its_line),
        cmocka_unit_test(a_place_is_found_in_a_file_that_changed),
        cmocka_unit_test(neighbours_come_back_in_order),
        cmocka_unit_test(a_place_of_another_key_is_no_place),
        cmocka_unit_test(a_missing_key_has_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
