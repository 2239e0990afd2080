/* SPDX-License-Identifier: MIT */
#include "support.h"

static void lines_set_and_remove(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    BUF_AUTO out = {0};
    struct span text = SPAN_LITERAL(
        "# what to change\n\n"
        "memSize = \"4096\"\r\n"
        "  -scsi0:0.fileName  # no disk\n"
        "new = unquoted\r"
        "-missing\n"
        "annotation = \"a|0Ab\"");
    assert_int_equal(vmx_edits_parse(text, "UTF-8", &edits, NULL), 0);
    assert_int_equal(
        apply(SPAN_LITERAL("MEMSIZE = \"1\"\nscsi0:0.filename = \"x\"\nz = \"\"\n"), &edits, &out),
        0);
    assert_span(buf_span(&out), SPAN_LITERAL("memSize = \"4096\"\nz = \"\"\n"
                                             "new = \"unquoted\"\nannotation = \"a|0Ab\"\n"));
}

static void text_is_utf8_whatever_the_files_charset(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    BUF_AUTO out = {0};
    struct span text = SPAN_LITERAL("\xef\xbb\xbf\xe3\x82\xbd = \"\xe3\x83\x9d\"\n");
    assert_int_equal(vmx_edits_parse(text, "CP932", &edits, NULL), 0);
    assert_int_equal(apply(SPAN_LITERAL(".encoding = \"Shift_JIS\"\n"), &edits, &out), 0);
    assert_span(buf_span(&out), SPAN_LITERAL(".encoding = \"Shift_JIS\"\n\x83\\ = \"\x83|7C\"\n"));
}

static void what_is_refused_has_its_place(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        int r;
        size_t line, column;
    } rows[] = {
        {BYTES("a = \"1\"\nwhat\n"), -EINVAL, 2, 5},
        {BYTES("a = \"1\nb = \"2\"\n"), -EINVAL, 1, 5},
        {BYTES("a = \"1\" x\n"), -EINVAL, 1, 9},
        {BYTES("-\n"), -EINVAL, 1, 2},
        {BYTES("-a b\n"), -EINVAL, 1, 4},
        {BYTES("a = \"1\"\n\n-a\n"), -EINVAL, 3, 2},
        {BYTES("-a\na = \"1\"\n"), -EINVAL, 2, 1},
        {BYTES("-a\n-a\n"), -EINVAL, 2, 2},
        {BYTES("-a\n-A\n"), -EINVAL, 2, 2},
        {BYTES("-a\nA = \"1\"\n-A\n"), -EINVAL, 3, 2},
        {BYTES("-a\nA = \"1\"\na = \"1\"\n"), -EINVAL, 3, 1},
        {BYTES("a = \"1\"\n  A = \"2\"\n"), -EINVAL, 2, 3},
        {BYTES("a = \"1\"\0\n"), -EINVAL, 1, 8},
        {BYTES("a = \"\xff\"\n"), -EILSEQ, 1, 6},
        {BYTES("\xff = \"1\"\n"), -EILSEQ, 1, 1},
        {BYTES("ok = \"1\"\na = \"\xe3\x83\x9d\"\n"), -EILSEQ, 2, 6},
        {BYTES("-\xe3\x83\x9d\n"), -EILSEQ, 1, 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EDITS_AUTO edits = {0};
        struct diag diag = {0};
        assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("before"), SPAN_LITERAL("")), 0);
        assert_int_equal(vmx_edits_parse(rows[i].text, "CP1252", &edits, &diag), rows[i].r);
        assert_int_equal(diag.line, rows[i].line);
        assert_int_equal(diag.column, rows[i].column);
        assert_true(diag.text[0] != '\0');
        assert_int_equal(edits.n, 1);
    }
}

static void merge(struct span file, struct span text, struct buf *out)
{
    EDITS_AUTO edits = {0};
    DICT_AUTO dict = parsed(file);
    assert_int_equal(vmx_edits_parse(text, vmx_dict_charset(dict), &edits, NULL), 0);
    assert_int_equal(apply(file, &edits, out), 0);
}

static void a_key_is_spelled_as_the_text_spells_it(void **state)
{
    (void)state;
    static const struct {
        struct span file, text, want;
    } rows[] = {
        {BYTES("a = \"\"\n \tMEMSIZE  =\"4096\"\t# MEMSIZE\r\nb = \"\"\n"),
         BYTES("memSize = \"8192\""),
         BYTES("a = \"\"\n \tmemSize  =\"8192\"\t# MEMSIZE\r\nb = \"\"\n")},
        {BYTES("MEMSIZE = 1 # c\nb = 2"), BYTES("memSize = \"1\"\nB = 2\n"),
         BYTES("memSize = \"1\" # c\nB = \"2\"")},
        {BYTES("MEMSIZE = 1\r"), BYTES("  MEMSIZE = \"1\" # c\n"), BYTES("MEMSIZE = \"1\"\r")},
        /* beside a removal, before it or after it, of whatever other spelling */
        {BYTES("MEMSIZE = \"1\" # c\nb = \"2\"\n"), BYTES("-MEMSIZE\nmemSize = \"3\"\n"),
         BYTES("memSize = \"3\" # c\nb = \"2\"\n")},
        {BYTES("MEMSIZE = \"1\" # c\nb = \"2\"\n"), BYTES("memSize = \"3\"\n-MEMSIZE\n-b\n"),
         BYTES("memSize = \"3\" # c\n")},
        {BYTES("memSize = \"1\"\nb = \"2\"\n"), BYTES("-MEMSIZE\nmemSize = \"1\"\n"),
         BYTES("memSize = \"1\"\nb = \"2\"\n")},
        {BYTES("b = \"2\"\n"), BYTES("-MEMSIZE\nmemSize = \"3\"\n"),
         BYTES("b = \"2\"\nmemSize = \"3\"\n")},
        /* the last of several lines is the one that stays */
        {BYTES("memSize = 1\nb = 2\nMEMSIZE = 3 # c\nd = 4\n"), BYTES("memSize = \"3\"\n"),
         BYTES("b = 2\nmemSize = \"3\" # c\nd = 4\n")},
        {BYTES("memSize = 1\nb = 2\nMEMSIZE = 3\n"), BYTES("-memSize\nMEMSIZE = 1\n"),
         BYTES("b = 2\nMEMSIZE = \"1\"\n")},
        /* a U+FEFF that the key begins with; the text's own mark stands before it */
        {BYTES("\n\xef\xbb\xbf"
               "A = \"1\"\n"),
         BYTES("\n\xef\xbb\xbf"
               "a = \"2\"\n"),
         BYTES("\n\xef\xbb\xbf"
               "a = \"2\"\n")},
        {BYTES("\xef\xbb\xbf"
               "A = \"1\"\n"),
         BYTES("\xef\xbb\xbf"
               "a = \"1\"\n"),
         BYTES("\xef\xbb\xbf"
               "a = \"1\"\n")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO out = {0};
        merge(rows[i].file, rows[i].text, &out);
        assert_span(buf_span(&out), rows[i].want);
    }
}

static void a_key_is_spelled_in_the_files_charset(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    merge(SPAN_LITERAL(".encoding = \"Shift_JIS\"\nA\x83\\ = \"\x83|7C\" # \x83\\\n"),
          SPAN_LITERAL("a\xe3\x82\xbd = \"\xe3\x83\x9d\"\n"), &out);
    assert_span(buf_span(&out),
                SPAN_LITERAL(".encoding = \"Shift_JIS\"\na\x83\\ = \"\x83|7C\" # \x83\\\n"));
    BUF_AUTO utf8 = {0};
    merge(buf_span(&out),
          SPAN_LITERAL("-.encoding\nA\xe3\x82\xbd = \"2\"\n.Encoding = \"UTF-8\"\n"), &utf8);
    assert_span(buf_span(&utf8), SPAN_LITERAL(".Encoding = \"UTF-8\"\nA\xe3\x82\xbd = \"2\" "
                                              "# \xe3\x82\xbd\n"));
}

/* In Shift JIS these two letters are the bytes 83 41 and 83 61. */
static void keys_that_are_one_in_the_files_charset_are_one(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    struct diag diag = {0};
    struct span twice = SPAN_LITERAL("\xe3\x82\xa2 = 1\n\xe3\x83\x82 = 2\n");
    assert_int_equal(vmx_edits_parse(twice, "CP932", &edits, &diag), -EINVAL);
    assert_int_equal(diag.line, 2);
    BUF_AUTO out = {0};
    merge(SPAN_LITERAL(".encoding = \"Shift_JIS\"\n\x83\x41 = \"1\"\nb = \"\"\n"),
          SPAN_LITERAL("\xe3\x83\x82 = \"2\"\n-\xe3\x82\xa2\n"), &out);
    assert_span(buf_span(&out),
                SPAN_LITERAL(".encoding = \"Shift_JIS\"\n\x83\x61 = \"2\"\nb = \"\"\n"));
}

/* What was meant for one text is done to the one that has come instead of it. */
static void edits_spell_whatever_text_they_are_applied_to(void **state)
{
    (void)state;
    static const struct span files[] = {
        BYTES("b = \"\"\n"),
        BYTES("b = \"\"\nMEMSIZE = 1\n"),
        BYTES("b = \"\"\nmemsize = \"8192\"\n"),
        BYTES("memSize = 2\nb = \"\"\nMEMSIZE = 1\n"),
    };
    EDITS_AUTO edits = {0};
    struct span text = SPAN_LITERAL("-MEMSIZE\nmemSize = \"8192\"\n");
    assert_int_equal(vmx_edits_parse(text, "UTF-8", &edits, NULL), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(apply(files[i], &edits, &out), 0);
        assert_span(buf_span(&out), SPAN_LITERAL("b = \"\"\nmemSize = \"8192\"\n"));
    }
}

static void other_sets_and_removals_of_the_list_go_on_with_the_line(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    BUF_AUTO out = {0};
    assert_int_equal(vmx_edits_rename(&edits, SPAN_LITERAL("a"), SPAN_LITERAL("OLD")), 0);
    assert_int_equal(vmx_edits_set_spelled(&edits, SPAN_LITERAL("old"), SPAN_LITERAL("1")), 0);
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("Old"), SPAN_LITERAL("2")), 0);
    assert_int_equal(vmx_edits_set_spelled(&edits, SPAN_LITERAL("NEW"), SPAN_LITERAL("3")), 0);
    assert_int_equal(vmx_edits_set_spelled(&edits, SPAN_LITERAL("new"), SPAN_LITERAL("4")), 0);
    assert_int_equal(vmx_edits_set_spelled(&edits, SPAN_LITERAL("C"), SPAN_LITERAL("5")), 0);
    assert_int_equal(vmx_edits_remove(&edits, SPAN_LITERAL("c")), 0);
    assert_int_equal(apply(SPAN_LITERAL("a = 0\nb = 0\nc = 0"), &edits, &out), 0);
    assert_span(buf_span(&out), SPAN_LITERAL("old = \"2\"\nb = 0\nnew = \"4\""));
}

static void an_empty_text_asks_for_nothing(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_edits_parse(SPAN_LITERAL(""), "UTF-8", &edits, NULL), 0);
    assert_int_equal(vmx_edits_parse(SPAN_LITERAL("# c\n\n  \n#!x\n"), NULL, &edits, NULL), 0);
    assert_int_equal(edits.n, 0);
}

static void a_key_may_begin_with_a_dash(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_edits_parse(SPAN_LITERAL("-a = \"1\"\n-a\n"), "UTF-8", &edits, NULL), 0);
    assert_int_equal(edits.n, 2);
    assert_span(buf_span(&edits.items[0].key), SPAN_LITERAL("-a"));
    assert_int_equal(edits.items[0].op, VMX_EDIT_SET);
    assert_span(buf_span(&edits.items[1].key), SPAN_LITERAL("a"));
    assert_int_equal(edits.items[1].op, VMX_EDIT_REMOVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_set_and_remove),
        cmocka_unit_test(text_is_utf8_whatever_the_files_charset),
        cmocka_unit_test(what_is_refused_has_its_place),
        cmocka_unit_test(a_key_is_spelled_as_the_text_spells_it),
        cmocka_unit_test(a_key_is_spelled_in_the_files_charset),
        cmocka_unit_test(keys_that_are_one_in_the_files_charset_are_one),
        cmocka_unit_test(edits_spell_whatever_text_they_are_applied_to),
        cmocka_unit_test(other_sets_and_removals_of_the_list_go_on_with_the_line),
        cmocka_unit_test(an_empty_text_asks_for_nothing),
        cmocka_unit_test(a_key_may_begin_with_a_dash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
