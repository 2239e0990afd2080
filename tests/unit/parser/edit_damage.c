/* SPDX-License-Identifier: MIT */
/* How other programs break these files: each test is one thing that we must not do. */
#include "support.h"

static const struct span file = BYTES(
    "#!/usr/bin/vmware\r\n"
    ".encoding = \"UTF-8\"\r\n"
    "\r\n"
    "# a comment\r\n"
    "guestinfo.b64 = \"aGk=\" # trailing\r\n"
    "Zeta = \"C:\\temp\\new\"\r\n"
    "  alpha=TRUE\r\n"
    "#a = \"b\"\r\n"
    "bytes = \"caf\xe9\"\r\n");

/* Sets a key, and wants all of the file as it was but for that one place. */
static void check_set(const char *key, const char *value, const char *old, const char *new)
{
    BUF_AUTO out = {0};
    BUF_AUTO want = {0};
    const char *at = memmem(file.p, file.n, old, strlen(old));
    assert_non_null(at);
    size_t before = (size_t)(at - file.p);
    size_t after = before + strlen(old);
    assert_int_equal(buf_add(&want, (struct span){file.p, before}), 0);
    assert_int_equal(buf_add_str(&want, new), 0);
    assert_int_equal(buf_add(&want, (struct span){file.p + after, file.n - after}), 0);
    assert_int_equal(apply_set(file, span_of(key), span_of(value), &out), 0);
    assert_span(buf_span(&out), buf_span(&want));
}

static void a_value_is_not_cut_at_its_equals_sign(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(file);
    assert_value(dict, SPAN_LITERAL("guestinfo.b64"), SPAN_LITERAL("aGk="));
    check_set("guestinfo.b64", "eW91==", "aGk=", "eW91==");
}

static void a_value_may_be_longer_than_64_kib(void **state)
{
    (void)state;
    BUF_AUTO value = {0};
    assert_int_equal(buf_addf(&value, "%0*d", 65537, 1), 0);
    check_set("Zeta", value.data, "C:\\temp\\new", value.data);
}

static void a_backslash_is_no_escape(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(file);
    assert_value(dict, SPAN_LITERAL("zeta"), SPAN_LITERAL("C:\\temp\\new"));
    check_set("Zeta", "D:\\new\\\"t\"", "C:\\temp\\new", "D:\\new\\|22t|22");
}

static void exotic_line_breaks_split_no_line(void **state)
{
    (void)state;
    const char *value =
        "1\v2\f3\xc2\x85"
        "4\xe2\x80\xa8"
        "5";
    BUF_AUTO out = {0};
    DICT_AUTO before = parsed(file);
    assert_int_equal(apply_set(file, SPAN_LITERAL("alpha"), span_of(value), &out), 0);
    DICT_AUTO after = parsed(buf_span(&out));
    assert_int_equal(vmx_dict_extents(after), vmx_dict_extents(before));
    assert_value(after, SPAN_LITERAL("alpha"), span_of(value));
    /* also where they are in the file as they are */
    DICT_AUTO raw =
        parsed(SPAN_LITERAL("a = \"1\v2\f3\xc2\x85"
                            "4\xe2\x80\xa8"
                            "5\"\n"));
    assert_int_equal(vmx_dict_extents(raw), 1);
    assert_value(raw, SPAN_LITERAL("a"), span_of(value));
}

static void a_commented_setting_is_no_key(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(file);
    assert_int_equal(vmx_dict_find(dict, SPAN_LITERAL("#a")), SIZE_MAX);
    assert_int_equal(vmx_dict_find(dict, SPAN_LITERAL("a")), SIZE_MAX);
    assert_int_equal(vmx_dict_keys(dict), 5);
}

static void a_trailing_comment_is_no_part_of_the_value(void **state)
{
    (void)state;
    check_set("guestinfo.b64", "x", "\"aGk=\" # trailing", "\"x\" # trailing");
    DICT_AUTO dict = parsed(SPAN_LITERAL("a = TRUE # c\nb = 1#c\n"));
    assert_value(dict, SPAN_LITERAL("a"), SPAN_LITERAL("TRUE"));
    assert_value(dict, SPAN_LITERAL("b"), SPAN_LITERAL("1"));
}

static void keys_are_neither_sorted_nor_lower_cased(void **state)
{
    (void)state;
    check_set("ALPHA", "FALSE", "alpha=TRUE", "alpha=\"FALSE\"");
    check_set("zeta", "x", "Zeta = \"C:\\temp\\new\"", "Zeta = \"x\"");
}

static void comments_blanks_and_the_first_line_stay(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    struct span head = {file.p,
                        (size_t)((const char *)memmem(file.p, file.n, "guest", 5) - file.p)};
    EDITS_AUTO edits = {0};
    static const char *const keys[] = {"guestinfo.b64", "Zeta", "alpha", "bytes"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(vmx_edits_remove(&edits, span_of(keys[i])), 0);
    assert_int_equal(apply(file, &edits, &out), 0);
    assert_true(span_starts_with(buf_span(&out), head));
    assert_true(span_ends_with(buf_span(&out), SPAN_LITERAL("\r\n#a = \"b\"\r\n")));
}

static void crlf_stays_crlf(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    assert_int_equal(apply_set(file, SPAN_LITERAL("new"), SPAN_LITERAL("a\nb\r\nc"), &out), 0);
    for (size_t i = 0; i < out.len; i++)
        assert_int_equal(out.data[i] == '\n', i > 0 && out.data[i - 1] == '\r');
}

static void a_newline_is_never_written_raw(void **state)
{
    (void)state;
    check_set("alpha", "1\nevil = \"2\"\r\n", "alpha=TRUE", "alpha=\"1|0Aevil = |222|22|0D|0A\"");
}

static void bytes_that_do_not_decode_are_not_lost(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(file);
    assert_value(dict, SPAN_LITERAL("bytes"), SPAN_LITERAL("caf\xe9"));
    check_set("alpha", "x", "alpha=TRUE", "alpha=\"x\"");
}

static void a_key_never_gets_a_second_line(void **state)
{
    (void)state;
    static const char *const spellings[] = {"Zeta", "zeta", "ZETA"};
    EDITS_AUTO edits = {0};
    BUF_AUTO out = {0};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(vmx_edits_set(&edits, span_of(spellings[i]), SPAN_LITERAL("x")), 0);
    assert_int_equal(vmx_edits_rename(&edits, SPAN_LITERAL("bytes"), SPAN_LITERAL("ALPHA")), 0);
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("New"), SPAN_LITERAL("1")), 0);
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("nEW"), SPAN_LITERAL("2")), 0);
    assert_int_equal(apply(file, &edits, &out), 0);
    DICT_AUTO dict = parsed(buf_span(&out));
    assert_int_equal(vmx_dict_duplicates(dict), 0);
    assert_int_equal(vmx_dict_keys(dict), 5);
}

/* U+FEFF is a byte order mark at the top of a file only; there it is no part of the first key. */
static void a_key_never_turns_into_a_byte_order_mark(void **state)
{
    (void)state;
    static const struct {
        struct span text, key, value, after; /* without a value the key is removed */
    } rows[] = {
        {BYTES("a = \"1\"\n\xef\xbb\xbf"
               "b = \"2\"\nA = \"3\"\n"),
         BYTES("a"), BYTES("4"),
         BYTES("\n\xef\xbb\xbf"
               "b = \"2\"\nA = \"4\"\n")},
        {BYTES("a = \"1\"\r\n\xef\xbb\xbf"
               "b = \"2\""),
         BYTES("a"),
         {NULL, 0},
         BYTES("\r\n\xef\xbb\xbf"
               "b = \"2\"")},
        {BYTES("\xef\xbb\xbf"
               "a = \"1\"\n\xef\xbb\xbf"
               "b = \"2\"\n"),
         BYTES("a"),
         {NULL, 0},
         BYTES("\xef\xbb\xbf\xef\xbb\xbf"
               "b = \"2\"\n")},
        {BYTES("\xc3\xaf\xc2\xbb\xc2\xbf"
               "b = \"2\"\n"),
         BYTES(".encoding"), BYTES("windows-1252"),
         BYTES("\n\xef\xbb\xbf"
               "b = \"2\"\n.encoding = \"windows-1252\"\n")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EDITS_AUTO edits = {0};
        BUF_AUTO out = {0};
        int r = rows[i].value.p ? vmx_edits_set(&edits, rows[i].key, rows[i].value)
                                : vmx_edits_remove(&edits, rows[i].key);
        assert_int_equal(r, 0);
        assert_int_equal(apply(rows[i].text, &edits, &out), 0);
        assert_span(buf_span(&out), rows[i].after);
        DICT_AUTO dict = parsed(buf_span(&out));
        assert_value(dict,
                     SPAN_LITERAL("\xef\xbb\xbf"
                                  "b"),
                     SPAN_LITERAL("2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_not_cut_at_its_equals_sign),
        cmocka_unit_test(a_value_may_be_longer_than_64_kib),
        cmocka_unit_test(a_backslash_is_no_escape),
        cmocka_unit_test(exotic_line_breaks_split_no_line),
        cmocka_unit_test(a_commented_setting_is_no_key),
        cmocka_unit_test(a_trailing_comment_is_no_part_of_the_value),
        cmocka_unit_test(keys_are_neither_sorted_nor_lower_cased),
        cmocka_unit_test(comments_blanks_and_the_first_line_stay),
        cmocka_unit_test(crlf_stays_crlf),
        cmocka_unit_test(a_newline_is_never_written_raw),
        cmocka_unit_test(bytes_that_do_not_decode_are_not_lost),
        cmocka_unit_test(a_key_never_gets_a_second_line),
        cmocka_unit_test(a_key_never_turns_into_a_byte_order_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
