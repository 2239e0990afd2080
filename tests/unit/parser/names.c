/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "parser/text/encoding.h"
#include "parser/document/names.h"

static void keys_have_file_names(void **state)
{
    (void)state;
    static const struct {
        const char *charset;
        struct span key, name;
    } rows[] = {
        {"UTF-8", BYTES("memSize"), BYTES("memSize")},
        {"UTF-8", BYTES("scsi0:0.fileName"), BYTES("scsi0:0.fileName")},
        {"UTF-8", BYTES("a/b%c"), BYTES("a%2Fb%25c")},
        {"UTF-8", BYTES("%41"), BYTES("%2541")},
        {"UTF-8", BYTES("."), BYTES("%2E")},
        {"UTF-8", BYTES(".."), BYTES("%2E.")},
        {"UTF-8", BYTES("..."), BYTES("...")},
        {"UTF-8", BYTES(".encoding"), BYTES(".encoding")},
        {"UTF-8", BYTES(".vmxfs"), BYTES("%2Evmxfs")},
        {"UTF-8", BYTES(".VMXFS"), BYTES("%2EVMXFS")},
        {"UTF-8", BYTES("passthrough-profile"), BYTES("%70assthrough-profile")},
        {"UTF-8", BYTES("Passthrough-Profile"), BYTES("%50assthrough-Profile")},
        {"UTF-8", BYTES("vmxfs.profile"), BYTES("vmxfs.profile")},
        {"UTF-8", BYTES("\xe3\x83\x9d\"'*|\\\x01"), BYTES("\xe3\x83\x9d\"'*|\\\x01")},
        {"UTF-8", BYTES("caf\xe9/\xe3\x83\x9d\xff"), BYTES("caf%E9%2F\xe3\x83\x9d%FF")},
        {"Shift_JIS", BYTES("\x83\x7c|\x83\x5c"), BYTES("\xe3\x83\x9d|\xe3\x82\xbd")},
        {"Shift_JIS", BYTES("\x83\x7c\x83"), BYTES("\xe3\x83\x9d%83")},
        {"Shift_JIS", BYTES("\x81\xe0\x87\x90"),
         BYTES("\xe2\x89\x92%87%90")}, /* the same character */
        {"windows-1252", BYTES("\xfc\x81"), BYTES("\xc3\xbc%81")},
        {"nonsense", BYTES("a\xfc"), BYTES("a%FC")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *charset = vmx_charset(span_of(rows[i].charset));
        BUF_AUTO name = {0};
        BUF_AUTO key = {0};
        assert_int_equal(vmx_name_from_key(charset, rows[i].key, &name), 0);
        assert_span(buf_span(&name), rows[i].name);
        assert_int_equal(vmx_key_from_name(charset, rows[i].name, &key), 0);
        assert_span(buf_span(&key), rows[i].key);
    }
}

static void what_no_key_is_called_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *charset;
        struct span name;
        int r;
    } rows[] = {
        {"UTF-8", BYTES(""), -EINVAL},
        {"UTF-8", BYTES("a b"), -EINVAL},
        {"UTF-8", BYTES("a\tb"), -EINVAL},
        {"UTF-8", BYTES("#a#"), -EINVAL},
        {"UTF-8", BYTES("a=b"), -EINVAL},
        {"UTF-8", BYTES("a\nb"), -EINVAL},
        {"UTF-8", BYTES("a\rb"), -EINVAL},
        {"UTF-8", BYTES("a\0b"), -EINVAL},
        {"UTF-8", BYTES("a%20b"), -EINVAL},
        {"UTF-8", BYTES("a%00b"), -EINVAL},
        {"UTF-8", BYTES("50%"), -EINVAL},
        {"UTF-8", BYTES("50%2"), -EINVAL},
        {"UTF-8", BYTES("50%of"), -EINVAL},
        {"UTF-8", BYTES("%41"), -EINVAL}, /* the key A has the name A */
        {"UTF-8", BYTES("."), -EINVAL},
        {"UTF-8", BYTES(".."), -EINVAL},
        {"UTF-8", BYTES(".vmxfs"), -EINVAL},
        {"UTF-8", BYTES("PASSTHROUGH-profile"), -EINVAL},
        {"UTF-8", BYTES("a/b"), -EINVAL},
        {"UTF-8", BYTES("caf\xe9"), -EILSEQ},
        {"windows-1252", BYTES("\xe3\x83\x9d"), -EILSEQ},
        {"nonsense", BYTES("\xc3\xa9"), -EILSEQ},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO key = {0};
        const char *charset = vmx_charset(span_of(rows[i].charset));
        assert_int_equal(vmx_key_from_name(charset, rows[i].name, &key), rows[i].r);
        assert_int_equal(key.len, 0);
    }
}

static void hex_digits_may_be_small(void **state)
{
    (void)state;
    BUF_AUTO key = {0};
    assert_int_equal(vmx_key_from_name("UTF-8", SPAN_LITERAL("a%2fb%ff"), &key), 0);
    assert_span(buf_span(&key), SPAN_LITERAL("a/b\xff"));
}

static void a_name_has_255_bytes_at_most(void **state)
{
    (void)state;
    char key[2000];
    memset(key, 'k', sizeof(key));
    for (size_t n = 254; n <= sizeof(key); n++) {
        BUF_AUTO name = {0};
        int r = vmx_name_from_key("UTF-8", (struct span){key, n}, &name);
        assert_int_equal(r, n <= 255 ? 0 : -ENAMETOOLONG);
        assert_int_equal(name.len, n <= 255 ? n : 0);
    }
    key[0] = '/'; /* takes three */
    BUF_AUTO name = {0};
    assert_int_equal(vmx_name_from_key("UTF-8", (struct span){key, 253}, &name), 0);
    assert_int_equal(vmx_name_from_key("UTF-8", (struct span){key, 254}, &name), -ENAMETOOLONG);
    memset(key, '\xff', sizeof(key));
    assert_int_equal(vmx_name_from_key("UTF-8", (struct span){key, 86}, &name), -ENAMETOOLONG);
    BUF_AUTO ignored = {0};
    assert_int_equal(vmx_key_from_name("UTF-8", (struct span){key, 1000}, &ignored), -ENAMETOOLONG);
    memset(key, 'k', sizeof(key));
    assert_int_equal(vmx_key_from_name("UTF-8", (struct span){key, 256}, &ignored), -ENAMETOOLONG);
    assert_int_equal(vmx_key_from_name("UTF-8", (struct span){key, 255}, &ignored), 0);
}

static void names_can_be_reversed_in_every_charset(void **state)
{
    (void)state;
    static const char *const charsets[] = {
        "utf-8",        "shift_jis",   "gbk",         "gb18030",      "big5",
        "big5-hkscs",   "euc-jp",      "windows-949", "windows-1252", "windows-1255",
        "windows-1258", "windows-874", "koi8-r",      "nonsense",
    };
    uint64_t random = 7;
    const size_t n_charsets = sizeof(charsets) / sizeof(charsets[0]);
    const size_t rounds = 1500; /* in each; libc loads and unloads their tables */
    for (size_t round = 0; round < n_charsets * rounds; round++) {
        const char *charset = vmx_charset(span_of(charsets[round / rounds]));
        BUF_AUTO key = {0};
        BUF_AUTO name = {0};
        BUF_AUTO again = {0};
        for (size_t n = next_random(&random) % 8 + 1; n > 0; n--) {
            uint32_t r = next_random(&random);
            char c = r & 0x10000 ? (char)(r | 0x80) : "%/.a|\\~0"[r % 8];
            assert_int_equal(buf_add_char(&key, c), 0);
        }
        assert_int_equal(vmx_name_from_key(charset, buf_span(&key), &name), 0);
        BUF_AUTO checked = {0};
        assert_int_equal(vmx_decode("UTF-8", buf_span(&name), &checked), 0); /* is UTF-8 */
        assert_null(strchr(name.data, '/'));
        int r = vmx_key_from_name(charset, buf_span(&name), &again);
        if (r != 0 || !span_eq(buf_span(&again), buf_span(&key)))
            print_error("%s: %.*s\n", charset ? charset : "-", (int)name.len, name.data);
        assert_int_equal(r, 0);
        assert_span(buf_span(&again), buf_span(&key));
    }
}

static void a_new_key_is_not_called_as_a_control_file(void **state)
{
    (void)state;
    static const char *const refused[] = {"power", "Question", "NEXT", "guest"};
    static const char *const taken[] = {"powerType", "memSize", "guestOS",
                                        "logging",   "",        "guest.x"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct diag why = {0};
        assert_int_equal(vmx_name_check_new(span_of(refused[i]), &why), -EINVAL);
        assert_non_null(strstr(why.text, "the control file is .vmxfs/"));
    }
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        assert_int_equal(vmx_name_check_new(span_of(taken[i]), NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_file_names),
        cmocka_unit_test(what_no_key_is_called_is_refused),
        cmocka_unit_test(a_new_key_is_not_called_as_a_control_file),
        cmocka_unit_test(hex_digits_may_be_small),
        cmocka_unit_test(a_name_has_255_bytes_at_most),
        cmocka_unit_test(names_can_be_reversed_in_every_charset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
