/* SPDX-License-Identifier: MIT */
#include "support.h"

struct row {
    struct span text, key, value, after;
};

static void check_sets(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        BUF_AUTO out = {0};
        assert_int_equal(apply_set(rows[i].text, rows[i].key, rows[i].value, &out), 0);
        assert_span(buf_span(&out), rows[i].after);
    }
}

#define CHECK_SETS(rows) check_sets(rows, sizeof(rows) / sizeof(rows[0]))

/* The last column of the table of what VMware's code does. */
static void values_are_written_as_vmware_does(void **state)
{
    (void)state;
    static const struct {
        struct span value, line;
    } rows[] = {
        {BYTES("b"), BYTES("a = \"b\"\n")},
        {BYTES("b c"), BYTES("a = \"b c\"\n")},
        {BYTES(""), BYTES("a = \"\"\n")},
        {BYTES("b=c"), BYTES("a = \"b=c\"\n")},
        {BYTES("b\"c"), BYTES("a = \"b|22c\"\n")},
        {BYTES("b#c"), BYTES("a = \"b#c\"\n")},
        {BYTES("\"\n\n||zz|2"), BYTES("a = \"|22|0A|0A|7C|7Czz|7C2\"\n")},
        {BYTES("||22"), BYTES("a = \"|7C|7C22\"\n")},
        {BYTES("|2|22"), BYTES("a = \"|7C2|7C22\"\n")},
        {BYTES("A b"), BYTES("a = \"A b\"\n")},
        {BYTES("'single'"), BYTES("a = \"'single'\"\n")},
        {BYTES("[x]"), BYTES("a = \"[x]\"\n")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(apply_set(SPAN_LITERAL(""), SPAN_LITERAL("a"), rows[i].value, &out), 0);
        assert_span(buf_span(&out), rows[i].line);
        DICT_AUTO dict = parsed(buf_span(&out));
        assert_value(dict, SPAN_LITERAL("a"), rows[i].value);
    }
}

static void a_set_keeps_all_but_the_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("  a\t=\t\"1\"  # c\r\nb = \"2\""), BYTES("A"), BYTES("x"),
         BYTES("  a\t=\t\"x\"  # c\r\nb = \"2\"")},
        {BYTES("a=1\n"), BYTES("a"), BYTES("x"), BYTES("a=\"x\"\n")},
        {BYTES("a = 1# c\n"), BYTES("a"), BYTES("x"), BYTES("a = \"x\"# c\n")},
        {BYTES("a = \"1\"#c\r"), BYTES("a"), BYTES("x"), BYTES("a = \"x\"#c\r")},
        {BYTES("a =\nb = 1"), BYTES("a"), BYTES("x"), BYTES("a =\"x\"\nb = 1")},
        {BYTES("a = # c\n"), BYTES("a"), BYTES("x"), BYTES("a = \"x\"# c\n")},
        {BYTES("a = \"\"\n"), BYTES("a"), BYTES("x"), BYTES("a = \"x\"\n")},
        {BYTES("a = \"1\"\0\"junk\n"), BYTES("a"), BYTES("x"), BYTES("a = \"x\"\0\"junk\n")},
        {BYTES("\xef\xbb\xbf"
               "a = \"1\"\n"),
         BYTES("a"), BYTES("x"),
         BYTES("\xef\xbb\xbf"
               "a = \"x\"\n")},
        {BYTES("#!x\n\n# c\nbad line\nM = \"1\"\na = \"2\"\n\n"), BYTES("m"), BYTES("x"),
         BYTES("#!x\n\n# c\nbad line\nM = \"x\"\na = \"2\"\n\n")},
        {BYTES("k\xe9y = \"1\"\n# \xff\n"), BYTES("k\xe9y"), BYTES("x"),
         BYTES("k\xe9y = \"x\"\n# \xff\n")},
    };
    CHECK_SETS(rows);
}

static void the_value_that_is_there_is_not_rewritten(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("a = \"|0a|zz\"\n"), BYTES("a"), BYTES("\n|zz"), BYTES("a = \"|0a|zz\"\n")},
        {BYTES("a = \"x|00y\"\n"), BYTES("a"), BYTES("x"), BYTES("a = \"x|00y\"\n")},
        {BYTES("a = \"\xff\"\n"), BYTES("a"), BYTES("\xff"), BYTES("a = \"\xff\"\n")},
    };
    CHECK_SETS(rows);
}

static void a_value_without_quotes_gets_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("a = b # c\r\n"), BYTES("A"), BYTES("b"), BYTES("a = \"b\" # c\r\n")},
        {BYTES("a =\n"), BYTES("a"), BYTES(""), BYTES("a =\"\"\n")},
        {BYTES("a = x|\"y|41\n"), BYTES("a"), BYTES("x|\"yA"), BYTES("a = \"x|7C|22yA\"\n")},
        {BYTES("a = \xff\n"), BYTES("a"), BYTES("\xff"), BYTES("a = \"\xff\"\n")},
        {BYTES("a = b\nc = d\n"), BYTES("c"), BYTES("e"), BYTES("a = b\nc = \"e\"\n")},
    };
    CHECK_SETS(rows);
}

static void only_quotes_are_told_from_other_changes(void **state)
{
    (void)state;
    static const struct {
        struct span before, after;
        bool only;
    } rows[] = {
        {BYTES("a = b # c\nd\n"), BYTES("a = \"b\" # c\nd\n"), true},
        {BYTES("a = x|41\"\n"), BYTES("a = \"xA|22\"\n"), true},
        {BYTES("a = \"1\"\n"), BYTES("a = \"1\"\n"), true},
        {BYTES("a = \"1\"\n"), BYTES("a = 1\n"), false},
        {BYTES("a = 1\n"), BYTES("a = \"2\"\n"), false},
        {BYTES("a = 1\n"), BYTES("A = \"1\"\n"), false},
        {BYTES("a = 1 # c\n"), BYTES("a = \"1\" # d\n"), false},
        {BYTES("a = 1\n"), BYTES("a = \"1\"\n\n"), false},
        {BYTES("a = 1\n\n"), BYTES("a = \"1\"\n"), false},
        {BYTES("a = 1\nb\n"), BYTES("a = \"1\"\nc\n"), false},
        {BYTES("a = 1\n"), BYTES("# a = 1\n"), false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        DICT_AUTO dict = parsed(rows[i].before);
        bool only = !rows[i].only;
        assert_int_equal(vmx_edits_only_quote(dict, rows[i].after, &only), 0);
        if (only != rows[i].only)
            fail_msg("row %zu", i);
    }
}

static void a_new_key_takes_the_files_line_ending(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES(""), BYTES("k"), BYTES("v"), BYTES("k = \"v\"\n")},
        {BYTES("\xef\xbb\xbf"), BYTES("k"), BYTES("v"), BYTES("\xef\xbb\xbfk = \"v\"\n")},
        {BYTES("a = 1\n"), BYTES("k"), BYTES("v"), BYTES("a = 1\nk = \"v\"\n")},
        {BYTES("a = 1\r\n"), BYTES("k"), BYTES("v"), BYTES("a = 1\r\nk = \"v\"\r\n")},
        {BYTES("a = 1\rb = 2\r"), BYTES("k"), BYTES("v"), BYTES("a = 1\rb = 2\rk = \"v\"\r")},
        {BYTES("a\nb\r\nc\r\n"), BYTES("k"), BYTES("v"), BYTES("a\nb\r\nc\r\nk = \"v\"\r\n")},
        {BYTES("a = 1\n\n"), BYTES("k"), BYTES("v"), BYTES("a = 1\n\nk = \"v\"\n")},
        {BYTES("\0\0"), BYTES("k"), BYTES("v"), BYTES("\0\0\nk = \"v\"")},
    };
    CHECK_SETS(rows);
}

static void a_missing_final_newline_stays_missing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("a = 1"), BYTES("k"), BYTES("v"), BYTES("a = 1\nk = \"v\"")},
        {BYTES("a = 1\r\nb = 2"), BYTES("k"), BYTES("v"), BYTES("a = 1\r\nb = 2\r\nk = \"v\"")},
        {BYTES("a = 1\rb = 2"), BYTES("k"), BYTES("v"), BYTES("a = 1\rb = 2\rk = \"v\"")},
        {BYTES("a = 1\r\nb = 2"), BYTES("b"), BYTES("v"), BYTES("a = 1\r\nb = \"v\"")},
        {BYTES("a = 1\n  "), BYTES("k"), BYTES("v"), BYTES("a = 1\n  \nk = \"v\"")},
    };
    CHECK_SETS(rows);
    static const struct {
        struct span text, key, after;
    } removals[] = {
        {BYTES("a = 1\nb = 2"), BYTES("b"), BYTES("a = 1")},
        {BYTES("a = 1\r\nb = 2"), BYTES("b"), BYTES("a = 1")},
        {BYTES("a = 1\nb = 2"), BYTES("a"), BYTES("b = 2")},
        {BYTES("a = 1"), BYTES("a"), BYTES("")},
        {BYTES("# c\na = 1"), BYTES("a"), BYTES("# c")},
        {BYTES("# c\n\na = 1"), BYTES("a"), BYTES("# c\n\n")}, /* the empty line is kept */
    };
    for (size_t i = 0; i < sizeof(removals) / sizeof(removals[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(apply_remove(removals[i].text, removals[i].key, &out), 0);
        assert_span(buf_span(&out), removals[i].after);
    }
}

static void a_removal_takes_the_line_with_its_ending(void **state)
{
    (void)state;
    static const struct {
        struct span text, key, after;
    } rows[] = {
        {BYTES("a = 1\nb = 2 # c\nc = 3\n"), BYTES("B"), BYTES("a = 1\nc = 3\n")},
        {BYTES("a = 1\r\nb = 2\r\n"), BYTES("b"), BYTES("a = 1\r\n")},
        {BYTES("a = 1\rb = 2\r"), BYTES("a"), BYTES("b = 2\r")},
        {BYTES("# c\n\na = 1\n\nb"), BYTES("a"), BYTES("# c\n\n\nb")},
        {BYTES("a = 1\n"), BYTES("a"), BYTES("")},
        {BYTES("a = 1\n"), BYTES("none"), BYTES("a = 1\n")},
        {BYTES("a = 1\n"), BYTES("not a key"), BYTES("a = 1\n")},
        {BYTES("a = 1\nA = 2\nb = 3\na = 4\n"), BYTES("a"), BYTES("b = 3\n")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(apply_remove(rows[i].text, rows[i].key, &out), 0);
        assert_span(buf_span(&out), rows[i].after);
    }
}

static void setting_a_duplicate_leaves_the_last_line_only(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("a = 1\n# c\nA = 2\nb = 3\na = \"4\" # d\n"), BYTES("A"), BYTES("x"),
         BYTES("# c\nb = 3\na = \"x\" # d\n")},
        {BYTES("a = 1\na = \"2\"\n"), BYTES("a"), BYTES("2"), BYTES("a = \"2\"\n")},
        {BYTES("a = 1\na = 2\nb = 1\nB = 2\n"), BYTES("a"), BYTES("2"),
         BYTES("a = \"2\"\nb = 1\nB = 2\n")},
    };
    CHECK_SETS(rows);
}

static void a_rename_keeps_the_line_in_place(void **state)
{
    (void)state;
    static const struct {
        struct span text, key, new_key, after;
        int r;
    } rows[] = {
        {BYTES("a = 1\n  b\t= \"2\"  # c\r\nc = 3"), BYTES("B"), BYTES("new"),
         BYTES("a = 1\n  new\t= \"2\"  # c\r\nc = 3"), 0},
        {BYTES("a = 1\nb = 2\n"), BYTES("b"), BYTES("A"), BYTES("A = 2\n"), 0},
        {BYTES("a = 1\nb = 2\nc = 3\n"), BYTES("a"), BYTES("c"), BYTES("c = 1\nb = 2\n"), 0},
        {BYTES("memSize = 1\n"), BYTES("memsize"), BYTES("MEMSIZE"), BYTES("MEMSIZE = 1\n"), 0},
        {BYTES("a = 1\nb = 2\nA = 3\nB = 4\n"), BYTES("a"), BYTES("b"), BYTES("b = 3\n"), 0},
        {BYTES("a = 1\nb = 2"), BYTES("a"), BYTES("b"), BYTES("b = 1"), 0},
        {BYTES("a = 1\n"), BYTES("x"), BYTES("y"), BYTES(""), -ENOENT},
        {BYTES("a = 1\n"), BYTES("a"), BYTES("b c"), BYTES(""), -EINVAL},
        {BYTES("a = 1\n"), BYTES("a"), BYTES(""), BYTES(""), -EINVAL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EDITS_AUTO edits = {0};
        BUF_AUTO out = {0};
        assert_int_equal(vmx_edits_rename(&edits, rows[i].key, rows[i].new_key), 0);
        assert_int_equal(apply(rows[i].text, &edits, &out), rows[i].r);
        assert_span(buf_span(&out), rows[i].after);
    }
}

static void what_no_line_can_hold_is_refused(void **state)
{
    (void)state;
    static const struct span keys[] = {
        BYTES(""),    BYTES("a b"),  BYTES("a\tb"),         BYTES("a#b"),
        BYTES("#a"),  BYTES("a=b"),  BYTES("a\nb"),         BYTES("a\rb"),
        BYTES("a\n"), BYTES("a\0b"), BYTES("\xef\xbb\xbf"),
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(buf_add_str(&out, "kept"), 0);
        int r = apply_set(SPAN_LITERAL("x = 1\n"), keys[i], SPAN_LITERAL("v"), &out);
        assert_int_equal(r, -EINVAL);
        assert_string_equal(out.data, "kept");
    }
    BUF_AUTO out = {0};
    assert_int_equal(
        apply_set(SPAN_LITERAL("a = 1\n"), SPAN_LITERAL("a"), SPAN_LITERAL("v\0w"), &out), -EINVAL);
    assert_int_equal(
        apply_set(SPAN_LITERAL("a = 1\n"), SPAN_LITERAL("b"), SPAN_LITERAL("\0"), &out), -EINVAL);
    assert_int_equal(out.len, 0);
}

/* A short notation: "k=v" sets, "-k" removes, "k>n" renames. */
static void add_edit(struct vmx_edits *edits, const char *step)
{
    const char *op = strpbrk(step, "=>");
    struct span rest = span_of(op ? op + 1 : step + 1);
    struct span key = {step, op ? (size_t)(op - step) : 0};
    if (!op)
        assert_int_equal(vmx_edits_remove(edits, rest), 0);
    else if (*op == '=')
        assert_int_equal(vmx_edits_set(edits, key, rest), 0);
    else
        assert_int_equal(vmx_edits_rename(edits, key, rest), 0);
}

static void a_later_edit_follows_an_earlier_one(void **state)
{
    (void)state;
    static const struct {
        const char *steps[4];
        const char *after;
    } rows[] = {
        {{"a=x", "A=y"}, "a = \"y\"\nb = 2\n"},
        {{"a=x", "-a"}, "b = 2\n"},
        {{"-a", "a=x"}, "b = 2\na = \"x\"\n"},
        {{"a>c", "c=x"}, "c = \"x\"\nb = 2\n"},
        {{"a=x", "a>c"}, "c = \"x\"\nb = 2\n"},
        {{"a>c", "a=x"}, "c = 1\nb = 2\na = \"x\"\n"},
        {{"a>t", "b>a", "t>b"}, "b = 1\na = 2\n"},
        {{"a>b", "b=x"}, "b = \"x\"\n"},
        {{"n=1", "m=2", "-n", "n=3"}, "a = 1\nb = 2\nm = \"2\"\nn = \"3\"\n"},
        {{"n=1", "n>m"}, "a = 1\nb = 2\nm = \"1\"\n"},
        {{"a=", "a=1"}, "a = \"1\"\nb = 2\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EDITS_AUTO edits = {0};
        BUF_AUTO out = {0};
        for (size_t k = 0; k < 4 && rows[i].steps[k]; k++)
            add_edit(&edits, rows[i].steps[k]);
        assert_int_equal(apply(SPAN_LITERAL("a = 1\nb = 2\n"), &edits, &out), 0);
        assert_span(buf_span(&out), span_of(rows[i].after));
    }
}

static void one_refused_edit_refuses_all(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    BUF_AUTO out = {0};
    add_edit(&edits, "a=x");
    add_edit(&edits, "none>b");
    assert_int_equal(apply(SPAN_LITERAL("a = 1\n"), &edits, &out), -ENOENT);
    assert_null(out.data);
}

static void moved_edits_follow_those_that_are_there(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    EDITS_AUTO more = {0};
    BUF_AUTO out = {0};
    add_edit(&edits, "a=x");
    for (int i = 0; i < 20; i++)
        add_edit(&more, i < 19 ? "a=other" : "a=y");
    assert_int_equal(vmx_edits_move(&edits, &more), 0);
    assert_int_equal(edits.n, 21);
    assert_int_equal(more.n, 0);
    assert_int_equal(apply(SPAN_LITERAL("a = 1\n"), &edits, &out), 0);
    assert_string_equal(out.data, "a = \"y\"\n");
}

static void values_of_any_size_are_kept(void **state)
{
    (void)state;
    static const size_t sizes[] = {65535, 65536, 65537, 512 * 1024, 2 * 1024 * 1024};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        BUF_AUTO value = {0};
        BUF_AUTO out = {0};
        BUF_AUTO back = {0};
        for (size_t n = 0; n < sizes[i]; n++)
            assert_int_equal(buf_add_char(&value, "abc=|\"# "[n % 8]), 0);
        struct span text = SPAN_LITERAL("a = 1\r\nbig = \"small\" # c\r\nz = 2\r\n");
        assert_int_equal(apply_set(text, SPAN_LITERAL("big"), buf_span(&value), &out), 0);
        DICT_AUTO dict = parsed(buf_span(&out));
        assert_value(dict, SPAN_LITERAL("big"), buf_span(&value));
        assert_value(dict, SPAN_LITERAL("z"), SPAN_LITERAL("2"));
        size_t extent = vmx_dict_find(dict, SPAN_LITERAL("big"));
        assert_int_equal(vmx_dict_value_size(dict, extent), sizes[i]);
        assert_int_equal(
            apply_set(buf_span(&out), SPAN_LITERAL("big"), SPAN_LITERAL("small"), &back), 0);
        assert_span(buf_span(&back), text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_vmware_does),
        cmocka_unit_test(a_set_keeps_all_but_the_value),
        cmocka_unit_test(the_value_that_is_there_is_not_rewritten),
        cmocka_unit_test(a_value_without_quotes_gets_them),
        cmocka_unit_test(only_quotes_are_told_from_other_changes),
        cmocka_unit_test(a_new_key_takes_the_files_line_ending),
        cmocka_unit_test(a_missing_final_newline_stays_missing),
        cmocka_unit_test(a_removal_takes_the_line_with_its_ending),
        cmocka_unit_test(setting_a_duplicate_leaves_the_last_line_only),
        cmocka_unit_test(a_rename_keeps_the_line_in_place),
        cmocka_unit_test(what_no_line_can_hold_is_refused),
        cmocka_unit_test(a_later_edit_follows_an_earlier_one),
        cmocka_unit_test(one_refused_edit_refuses_all),
        cmocka_unit_test(moved_edits_follow_those_that_are_there),
        cmocka_unit_test(values_of_any_size_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
