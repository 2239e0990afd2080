/* SPDX-License-Identifier: MIT */
#include "support.h"

static void keys_are_found_in_any_case(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(SPAN_LITERAL("memSize = \"1\"\nscsi0:0.fileName = \"a.vmdk\"\n"));
    assert_int_equal(vmx_dict_keys(dict), 2);
    assert_value(dict, SPAN_LITERAL("MEMSIZE"), SPAN_LITERAL("1"));
    assert_value(dict, SPAN_LITERAL("SCSI0:0.FILENAME"), SPAN_LITERAL("a.vmdk"));
    assert_int_equal(vmx_dict_find(dict, SPAN_LITERAL("memSiz")), SIZE_MAX);
    assert_int_equal(vmx_dict_find(dict, SPAN_LITERAL("memSize ")), SIZE_MAX);
    assert_int_equal(vmx_dict_find(dict, SPAN_LITERAL("")), SIZE_MAX);
    assert_span(vmx_dict_name(dict, 0), SPAN_LITERAL("memSize")); /* as it is spelled */
}

static void letters_outside_ascii_do_not_fold(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(SPAN_LITERAL("\xc4 = \"1\"\n\xe4 = \"2\"\n@ = \"3\"\n` = \"4\"\n"));
    assert_int_equal(vmx_dict_keys(dict), 4);
    assert_int_equal(vmx_dict_duplicates(dict), 0);
    assert_value(dict, SPAN_LITERAL("@"), SPAN_LITERAL("3"));
}

static void of_duplicates_the_last_counts(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    read_data("duplicates.vmx", &text);
    DICT_AUTO dict = parsed(buf_span(&text));
    assert_int_equal(vmx_dict_duplicates(dict), 2);
    assert_int_equal(vmx_dict_keys(dict), 3);
    assert_value(dict, SPAN_LITERAL("memSize"), SPAN_LITERAL("4096"));
    assert_span(vmx_dict_name(dict, vmx_dict_key_extent(dict, 0)), SPAN_LITERAL(".encoding"));
    assert_span(vmx_dict_name(dict, vmx_dict_key_extent(dict, 1)), SPAN_LITERAL("numvcpus"));
    assert_span(vmx_dict_name(dict, vmx_dict_key_extent(dict, 2)), SPAN_LITERAL("memsize"));
}

static void keys_come_in_the_order_of_the_file(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(SPAN_LITERAL("z = \"\"\n# c\na = \"\"\nbad\nM = \"\"\n"));
    static const size_t extents[] = {0, 2, 4};
    assert_int_equal(vmx_dict_keys(dict), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(vmx_dict_key_extent(dict, i), extents[i]);
}

static void values_are_decoded_with_the_files_charset(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        struct span key, value;
    } rows[] = {
        {"utf8.vmx", BYTES("displayName"),
         BYTES("Pr\xc3\xbc"
               "fstand \xe3\x83\x9d\xe3\x83\xbc\xe3\x83\x88 \xe6\xbc\xa2\xe5\xad\x97")},
        {"windows-1252.vmx", BYTES("displayName"),
         BYTES("Pr\xc3\xbc"
               "fstand \xe2\x80\x93 5 \xe2\x82\xac")},
        {"shift-jis.vmx", BYTES("displayName"),
         BYTES("\xe3\x83\x9d\xe3\x83\xbc\xe3\x83\x88 \xe3\x82\xbd \xe8\x83\xbd")},
        {"gbk.vmx", BYTES("displayName"),
         BYTES("\xe8\x99\x9a\xe6\x8b\x9f\xe6\x9c\xba \xe5\x98\xb0")},
        {"windows-949-2000.vmx", BYTES("displayName"),
         BYTES("\xea\xb0\x80\xec\x83\x81 \xeb\xa8\xb8\xec\x8b\xa0 \xeb\x98\xa0")},
        {"no-encoding.vmx", BYTES("displayName"),
         BYTES("Pr\xc3\xbc"
               "fstand")},
        {"bom.vmx", BYTES("displayName"),
         BYTES("Gr\xc3\xb6\xc3\x9f"
               "e")},
        {"bom.vmx", BYTES(".encoding"), BYTES("UTF-8")},
        /* the bar of 83 7C is no escape where no hex digits follow */
        {"shift-jis-raw-bar.vmx", BYTES("displayName"),
         BYTES("\xe3\x83\x9d\xe3\x83\xbc\xe3\x83\x88")},
        /* and is one where they do: unescaped first, then decoded (or left as it is) */
        {"shift-jis-raw-bar.vmx", BYTES("annotation"), BYTES("\xe3\x82\xa2")},
        /* what does not decode reads as its bytes */
        {"undecodable.vmx", BYTES("displayName"), BYTES("caf\xe9 \xff\xfe \xe3\x83")},
        {"unknown-encoding.vmx", BYTES("displayName"), BYTES("\xf8\xd0")},
        {"lf.vmx", BYTES("annotation"), BYTES("line one\nline \"two\"")},
        {"nul-inside.vmx", BYTES("a"), BYTES("1")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO text = {0};
        read_data(rows[i].file, &text);
        DICT_AUTO dict = parsed(buf_span(&text));
        assert_value(dict, rows[i].key, rows[i].value);
    }
}

static void the_charset_is_that_of_the_last_encoding_line(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *charset;
    } rows[] = {
        {BYTES(""), "UTF-8"},
        {BYTES("a = \"1\"\n"), "UTF-8"},
        {BYTES(".encoding = \"\"\n"), "UTF-8"},
        {BYTES("#!/usr/bin/vmware\n.ENCODING = \"Shift_JIS\"\n"), "CP932"},
        {BYTES(".encoding = \"GBK\"\n.Encoding = \"windows-1252\"\n"), "CP1252"},
        {BYTES(".encoding = \"|47BK\""), "CP936"},
        {BYTES(".encoding = \"nonsense\""), NULL},
        {BYTES("# .encoding = \"GBK\"\n"), "UTF-8"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        DICT_AUTO dict = parsed(rows[i].text);
        const char *charset = vmx_dict_charset(dict);
        assert_int_equal(charset == NULL, rows[i].charset == NULL);
        if (charset)
            assert_string_equal(charset, rows[i].charset);
    }
}

static void a_shebang_is_a_comment(void **state)
{
    (void)state;
    DICT_AUTO dict = parsed(SPAN_LITERAL("\xef\xbb\xbf#!/usr/bin/vmware\n#!again\n\xef\xbb\xbf\n"));
    static const enum vmx_line_kind kinds[] = {VMX_LINE_BOM, VMX_LINE_COMMENT, VMX_LINE_COMMENT,
                                               VMX_LINE_MALFORMED};
    assert_int_equal(vmx_dict_extents(dict), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(vmx_dict_extent(dict, i)->line.kind, kinds[i]);
}

static void malformed_lines_are_told(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    read_data("malformed.vmx", &text);
    DICT_AUTO dict = parsed(buf_span(&text));
    size_t malformed = 0;
    for (size_t i = 0; i < vmx_dict_extents(dict); i++)
        malformed += vmx_dict_extent(dict, i)->line.kind == VMX_LINE_MALFORMED;
    assert_int_equal(malformed, 10);
    assert_int_equal(vmx_dict_keys(dict), 1);
}

static void files_without_settings_have_no_keys(void **state)
{
    (void)state;
    static const char *const files[] = {"empty.vmx", "nuls.vmx", "other-text.vmx"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        BUF_AUTO text = {0};
        BUF_AUTO ignored = {0};
        read_data(files[i], &text);
        DICT_AUTO dict = parsed(buf_span(&text));
        assert_int_equal(vmx_dict_keys(dict), 0);
        assert_int_equal(vmx_dict_get(dict, SPAN_LITERAL("memSize"), &ignored), -ENOENT);
    }
}

static void encrypted_files_are_told(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        bool encrypted;
    } rows[] = {
        {BYTES("displayName = \"x\"\n"), false},
        {BYTES("encryption.keySafe = \"x\"\nencryption.data = \"y\"\n"), true},
        {BYTES("ENCRYPTION.DATA = \"y\"\n"), true},
        {BYTES("encryption.data = \"y\"\nencryption.type = \"partial\"\n"), false},
        {BYTES("encryption.data = \"y\"\nencryption.type = \"full\"\n"), true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        DICT_AUTO dict = parsed(rows[i].text);
        assert_int_equal(vmx_dict_encrypted(dict), rows[i].encrypted);
    }
}

static void many_keys_are_all_found(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    for (int i = 0; i < 20000; i++)
        assert_int_equal(buf_addf(&text, "Key%d.Some:Name = \"%d\"\n", i, i), 0);
    DICT_AUTO dict = parsed(buf_span(&text));
    assert_int_equal(vmx_dict_keys(dict), 20000);
    for (int i = 0; i < 20000; i++) {
        BUF_AUTO key = {0};
        assert_int_equal(buf_addf(&key, "kEY%d.sOME:nAME", i), 0);
        assert_int_equal(vmx_dict_find(dict, buf_span(&key)), i);
    }
    assert_true(vmx_dict_memory(dict) > text.len);
    assert_true(vmx_dict_memory(dict) < 4 * text.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_in_any_case),
        cmocka_unit_test(letters_outside_ascii_do_not_fold),
        cmocka_unit_test(of_duplicates_the_last_counts),
        cmocka_unit_test(keys_come_in_the_order_of_the_file),
        cmocka_unit_test(values_are_decoded_with_the_files_charset),
        cmocka_unit_test(the_charset_is_that_of_the_last_encoding_line),
        cmocka_unit_test(a_shebang_is_a_comment),
        cmocka_unit_test(malformed_lines_are_told),
        cmocka_unit_test(files_without_settings_have_no_keys),
        cmocka_unit_test(encrypted_files_are_told),
        cmocka_unit_test(many_keys_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
