/* SPDX-License-Identifier: MIT */
#include "support.h"

static void values_are_encoded_before_they_are_escaped(void **state)
{
    (void)state;
    static const struct {
        struct span charset, value, raw;
    } rows[] = {
        {BYTES("Shift_JIS"), BYTES("\xe3\x83\x9d|\xe3\x82\xbd"), BYTES("\x83|7C|7C\x83\\")},
        {BYTES("windows-1252"), BYTES("\xc3\xbc\xe2\x82\xac"), BYTES("\xfc\x80")},
        {BYTES("GBK"), BYTES("\xe5\x80\x88\xe5\x98\xb0"), BYTES("\x82|7C\x87\\")},
        {BYTES("windows-949-2000"), BYTES("\xeb\x98\xa0"), BYTES("\x8c\x63")},
        {BYTES("UTF-8"), BYTES("\xe3\x83\x9d"), BYTES("\xe3\x83\x9d")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO text = {0};
        BUF_AUTO out = {0};
        assert_int_equal(buf_addf(&text, ".encoding = \"%s\"\r\na = old\r\n", rows[i].charset.p),
                         0);
        assert_int_equal(apply_set(buf_span(&text), SPAN_LITERAL("a"), rows[i].value, &out), 0);
        DICT_AUTO dict = parsed(buf_span(&out));
        assert_span(vmx_dict_raw_value(dict, 1), rows[i].raw);
        assert_value(dict, SPAN_LITERAL("a"), rows[i].value);
    }
}

static void what_the_charset_cannot_hold_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct span text, value;
        const char *reason;
    } rows[] = {
        {BYTES(".encoding = \"windows-1252\"\na = 1\n"), BYTES("\xe3\x83\x9d"),
         ".encoding (CP1252) cannot hold it: \"a\""},
        {BYTES(".encoding = \"Shift_JIS\"\na = 1\n"), BYTES("\xc2\xa5"), "cannot hold it"},
        {BYTES(".encoding = \"nonsense\"\na = 1\n"), BYTES("\xc3\xa9"), "(unknown)"},
        {BYTES("a = 1\n"), BYTES("caf\xe9"), "the text is not UTF-8: \"a\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO out = {0};
        DICT_AUTO dict = parsed(rows[i].text);
        EDITS_AUTO edits = {0};
        struct diag diag = {.text = ""};
        assert_int_equal(buf_add_str(&out, "kept"), 0);
        assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("a"), rows[i].value), 0);
        assert_int_equal(vmx_edits_apply(&edits, dict, &out, &diag), -EILSEQ);
        assert_string_equal(out.data, "kept");
        assert_non_null(strstr(diag.text, rows[i].reason));
    }
}

static void other_lines_keep_bytes_that_do_not_decode(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    BUF_AUTO out = {0};
    BUF_AUTO back = {0};
    read_data("undecodable.vmx", &text);
    struct span key = SPAN_LITERAL("memSize");
    assert_int_equal(apply_set(buf_span(&text), key, SPAN_LITERAL("1"), &out), 0);
    assert_int_equal(apply_set(buf_span(&out), key, SPAN_LITERAL("4096"), &back), 0);
    assert_span(buf_span(&back), buf_span(&text));
}

static const struct span sjis = BYTES(
    ".encoding = \"Shift_JIS\" # \x83\x7c\r\n"
    "\x83\x5c = \"\x83|7C\" # \x83\x7c\r\n"
    "plain = |41\r\n"
    "# \x83\x7c, \x83\r\n"
    "# \x83\x7c\r\n"
    "bad \x83\x7c\r\n");

static void setting_the_charset_transcodes_all_lines(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    BUF_AUTO back = {0};
    struct span key = SPAN_LITERAL(".encoding");
    assert_int_equal(apply_set(sjis, key, SPAN_LITERAL("UTF-8"), &out), 0);
    assert_span(buf_span(&out), SPAN_LITERAL(".encoding = \"UTF-8\" # \xe3\x83\x9d\r\n"
                                             "\xe3\x82\xbd = \"\xe3\x83\x9d\" # \xe3\x83\x9d\r\n"
                                             "plain = |41\r\n"
                                             "# \x83\x7c, \x83\r\n" /* decodes nowhere: stays */
                                             "# \xe3\x83\x9d\r\n"
                                             "bad \xe3\x83\x9d\r\n"));
    assert_int_equal(apply_set(buf_span(&out), key, SPAN_LITERAL("Shift_JIS"), &back), 0);
    assert_span(buf_span(&back), sjis);
}

static void removing_the_charset_transcodes_to_utf8(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    struct span text = SPAN_LITERAL(".encoding = \"windows-1252\"\na = \"\xfc|E4\"\n");
    assert_int_equal(apply_remove(text, SPAN_LITERAL(".ENCODING"), &out), 0);
    assert_span(buf_span(&out), SPAN_LITERAL("a = \"\xc3\xbc\xc3\xa4\"\n"));
}

static void a_new_charset_transcodes_from_utf8(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    struct span text = SPAN_LITERAL("a = \xc3\xbc # x\n");
    assert_int_equal(apply_set(text, SPAN_LITERAL(".encoding"), SPAN_LITERAL("windows-1252"), &out),
                     0);
    assert_span(buf_span(&out), SPAN_LITERAL("a = \"\xfc\" # x\n.encoding = \"windows-1252\"\n"));
}

static void another_spelling_of_the_charset_transcodes_nothing(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    struct span text = SPAN_LITERAL(".encoding = \"Shift_JIS\"\na = \"\x83\"\n");
    assert_int_equal(apply_set(text, SPAN_LITERAL(".encoding"), SPAN_LITERAL("sjis"), &out), 0);
    assert_span(buf_span(&out), SPAN_LITERAL(".encoding = \"sjis\"\na = \"\x83\"\n"));
}

static void what_cannot_be_transcoded_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        struct span text, charset;
    } rows[] = {
        {BYTES("a = \"\xe3\x83\x9d\"\n"), BYTES("windows-1252")},
        {BYTES("\xe3\x83\x9d = \"1\"\n"), BYTES("windows-1252")},
        {BYTES("# \xe3\x83\x9d\n"), BYTES("windows-1252")},
        {BYTES("a = \"|E3|83|9D\"\n"), BYTES("windows-1252")},
        {BYTES("a = \"\xff\"\n"), BYTES("windows-1252")}, /* decodes nowhere */
        {BYTES("\xff = \"1\"\n"), BYTES("GBK")},
        {BYTES("a = \"\xc3\xbc\"\n"), BYTES("nonsense")},
        {BYTES(".encoding = \"nonsense\"\na = \"\xc3\xbc\"\n"), BYTES("UTF-8")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO out = {0};
        int r = apply_set(rows[i].text, SPAN_LITERAL(".encoding"), rows[i].charset, &out);
        assert_int_equal(r, -EILSEQ);
        assert_null(out.data);
    }
}

/* One list of edits: a value that only the new charset holds, and one that does not decode. */
static void edits_beside_the_charset_are_in_the_new_one(void **state)
{
    (void)state;
    EDITS_AUTO edits = {0};
    BUF_AUTO out = {0};
    struct span text = SPAN_LITERAL(".encoding = \"windows-1252\"\na = \"1\"\nb = \"\x81\"\n");
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("a"), SPAN_LITERAL("\xe3\x83\x9d")), 0);
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL(".encoding"), SPAN_LITERAL("utf-8")), 0);
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("b"), SPAN_LITERAL("mended")), 0);
    assert_int_equal(vmx_edits_rename(&edits, SPAN_LITERAL("b"), SPAN_LITERAL("\xfc")), 0);
    assert_int_equal(apply(text, &edits, &out), 0);
    assert_span(
        buf_span(&out),
        SPAN_LITERAL(".encoding = \"utf-8\"\na = \"\xe3\x83\x9d\"\n\xc3\xbc = \"mended\"\n"));
}

/* Two codes of CP932 for one character: two keys would become one. */
static void keys_are_not_merged_by_transcoding(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    struct span text =
        SPAN_LITERAL(".encoding = \"Shift_JIS\"\n\x81\xe0 = \"1\"\n\x87\x90 = \"2\"\n");
    assert_int_equal(apply_set(text, SPAN_LITERAL(".encoding"), SPAN_LITERAL("UTF-8"), &out),
                     -EILSEQ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_encoded_before_they_are_escaped),
        cmocka_unit_test(what_the_charset_cannot_hold_is_refused),
        cmocka_unit_test(other_lines_keep_bytes_that_do_not_decode),
        cmocka_unit_test(setting_the_charset_transcodes_all_lines),
        cmocka_unit_test(removing_the_charset_transcodes_to_utf8),
        cmocka_unit_test(a_new_charset_transcodes_from_utf8),
        cmocka_unit_test(another_spelling_of_the_charset_transcodes_nothing),
        cmocka_unit_test(what_cannot_be_transcoded_changes_nothing),
        cmocka_unit_test(edits_beside_the_charset_are_in_the_new_one),
        cmocka_unit_test(keys_are_not_merged_by_transcoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
