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
    assert_span(buf_span(&out), SPAN_LITERAL("MEMSIZE = \"4096\"\nz = \"\"\n"
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
        {BYTES("a = \"1\"\n\n-A\n"), -EINVAL, 3, 2},
        {BYTES("-a\n-a\n"), -EINVAL, 2, 2},
        {BYTES("a = \"1\"\n  A = \"2\"\n"), -EINVAL, 2, 3},
        {BYTES("a = \"1\"\0\n"), -EINVAL, 1, 8},
        {BYTES("a = \"\xff\"\n"), -EILSEQ, 1, 6},
        {BYTES("\xff = \"1\"\n"), -EILSEQ, 1, 1},
        {BYTES("ok = \"1\"\na = \"\xe3\x83\x9d\"\n"), -EILSEQ, 2, 6},
        {BYTES("-\xe3\x83\x9d\n"), -EILSEQ, 1, 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EDITS_AUTO edits = {0};
        struct vmx_diag diag = {0};
        assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("before"), SPAN_LITERAL("")), 0);
        assert_int_equal(vmx_edits_parse(rows[i].text, "CP1252", &edits, &diag), rows[i].r);
        assert_int_equal(diag.line, rows[i].line);
        assert_int_equal(diag.column, rows[i].column);
        assert_true(diag.text[0] != '\0');
        assert_int_equal(edits.n, 1);
    }
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
        cmocka_unit_test(an_empty_text_asks_for_nothing),
        cmocka_unit_test(a_key_may_begin_with_a_dash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
