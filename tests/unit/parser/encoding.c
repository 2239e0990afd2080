/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "parser/text/encoding.h"

static void names_compare_without_case_and_punctuation(void **state)
{
    (void)state;
    static const struct {
        struct span name;
        const char *charset;
    } rows[] = {
        {BYTES(""), "UTF-8"},
        {BYTES("UTF-8"), "UTF-8"},
        {BYTES("utf8"), "UTF-8"},
        {BYTES("Shift_JIS"), "CP932"},
        {BYTES("shift-jis"), "CP932"},
        {BYTES("windows-1252"), "CP1252"},
        {BYTES("Windows 1251"), "CP1251"},
        {BYTES("GBK"), "CP936"},
        {BYTES("windows-949-2000"), "CP949"},
        {BYTES("ISO-8859-1"), "ISO-8859-1"},
        {BYTES("Big5"), "CP950"},
        {BYTES("klingon"), NULL},
        {BYTES("--"), NULL},
        {BYTES("UTF-16"), NULL},
        {BYTES("utf8\0"), "UTF-8"},
        {BYTES("a name that is far longer than any charset that anybody ever named"), NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *charset = vmx_charset(rows[i].name);
        assert_int_equal(charset == NULL, rows[i].charset == NULL);
        if (charset)
            assert_string_equal(charset, rows[i].charset);
    }
}

static const char *const known[] = {
    "utf-8",        "shift_jis",    "euc-jp",       "gbk",        "gb18030",      "big5",
    "big5-hkscs",   "windows-949",  "windows-874",  "iso-8859-1", "windows-1250", "windows-1251",
    "windows-1252", "windows-1253", "windows-1254", "koi8-r",     "windows-1255", "windows-1256",
    "windows-1257", "windows-1258", "iso-8859-15",  "koi8-u",     "macintosh",
};

/* The first character of a charset that is not ASCII. */
static bool find_letter(const char *charset, struct buf *bytes)
{
    for (int lead = 0xa1; lead < 0xff; lead++) {
        for (int trail = 0xa0; trail < 0xff; trail++) {
            BUF_AUTO ignored = {0};
            buf_clear(bytes);
            assert_int_equal(buf_add_char(bytes, (char)lead), 0);
            if (trail > 0xa0)
                assert_int_equal(buf_add_char(bytes, (char)trail), 0);
            if (vmx_decode(charset, buf_span(bytes), &ignored) == 0)
                return true;
        }
    }
    return false;
}

/* The syntax of the file, and the short cut for plain text, rest on it. */
static void ascii_is_ascii_in_every_charset(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *charset = vmx_charset(span_of(known[i]));
        assert_non_null(charset);
        BUF_AUTO bytes = {0};
        BUF_AUTO utf8 = {0};
        BUF_AUTO again = {0};
        assert_true(find_letter(charset, &bytes)); /* keeps the short cut away */
        for (int c = 1; c < 0x80; c++)
            assert_int_equal(buf_add_char(&bytes, (char)c), 0);
        assert_int_equal(vmx_decode(charset, buf_span(&bytes), &utf8), 0);
        assert_memory_equal(utf8.data + utf8.len - 0x7f, bytes.data + bytes.len - 0x7f, 0x7f);
        assert_int_equal(vmx_encode(charset, buf_span(&utf8), &again), 0);
        assert_span(buf_span(&again), buf_span(&bytes));
    }
}

static void text_is_encoded_and_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *charset;
        struct span bytes, utf8;
    } rows[] = {
        {"UTF-8", BYTES("Gr\xc3\xb6\xc3\x9f"), BYTES("Gr\xc3\xb6\xc3\x9f")},
        {"UTF-8", BYTES("\xf0\x9f\x98\x80"), BYTES("\xf0\x9f\x98\x80")},
        {"windows-1252", BYTES("Gr\xf6\xdf\x80"), BYTES("Gr\xc3\xb6\xc3\x9f\xe2\x82\xac")},
        {"windows-1251", BYTES("\xcf\xf0"), BYTES("\xd0\x9f\xd1\x80")},
        {"Shift_JIS", BYTES("\x83\x7c\x83\x5c~\\"), BYTES("\xe3\x83\x9d\xe3\x82\xbd~\\")},
        {"GBK", BYTES("\xd0\xe9\xc4\xe2"), BYTES("\xe8\x99\x9a\xe6\x8b\x9f")},
        {"windows-949-2000", BYTES("\xb0\xa1\x8c\x63"), BYTES("\xea\xb0\x80\xeb\x98\xa0")},
        {"windows-1258", BYTES("a\xcc"), BYTES("\xc3\xa0")},
        {"klingon", BYTES("plain"), BYTES("plain")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *charset = vmx_charset(span_of(rows[i].charset));
        BUF_AUTO utf8 = {0};
        BUF_AUTO bytes = {0};
        assert_int_equal(vmx_decode(charset, rows[i].bytes, &utf8), 0);
        assert_span(buf_span(&utf8), rows[i].utf8);
        if (strcmp(rows[i].charset, "windows-1258") == 0)
            continue; /* has two ways to write that letter */
        assert_int_equal(vmx_encode(charset, rows[i].utf8, &bytes), 0);
        assert_span(buf_span(&bytes), rows[i].bytes);
    }
}

static void what_does_not_decode_is_eilseq_and_adds_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *charset;
        struct span bytes;
    } rows[] = {
        {"UTF-8", BYTES("ok\xff")},
        {"UTF-8", BYTES("caf\xe9")},
        {"UTF-8", BYTES("\xe3\x83")},         /* cut */
        {"UTF-8", BYTES("\xc0\x80")},         /* overlong */
        {"UTF-8", BYTES("\xed\xa0\x80")},     /* surrogate */
        {"UTF-8", BYTES("\xf4\x90\x80\x80")}, /* above 10FFFF */
        {"UTF-8", BYTES("\x80")},
        {"Shift_JIS", BYTES("ok\x83")},
        {"windows-1252", BYTES("\x81")},
        {"ascii", BYTES("\xe9")},
        {"klingon", BYTES("\xe9")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO b = {0};
        assert_int_equal(buf_add_str(&b, "kept"), 0);
        const char *charset = vmx_charset(span_of(rows[i].charset));
        assert_int_equal(vmx_decode(charset, rows[i].bytes, &b), -EILSEQ);
        assert_string_equal(b.data, "kept");
        assert_int_equal(b.len, 4);
    }
}

static void nothing_is_transliterated(void **state)
{
    (void)state;
    static const struct {
        const char *charset;
        struct span utf8;
    } rows[] = {
        {"windows-1252", BYTES("\xe3\x83\x9d")}, /* no such letter */
        {"Shift_JIS", BYTES("\xc2\xa5")},        /* the yen sign is no backslash */
        {"Shift_JIS", BYTES("\xe2\x80\xbe")},    /* nor the overline a tilde */
        {"Shift_JIS", BYTES("\xc3\xa9")},
        {"GBK", BYTES("\xf0\x9f\x98\x80")},
        {"UTF-8", BYTES("\xff")},
        {"windows-1252", BYTES("\xe9")}, /* no UTF-8 */
        {"klingon", BYTES("\xc3\xa9")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO b = {0};
        const char *charset = vmx_charset(span_of(rows[i].charset));
        assert_int_equal(vmx_encode(charset, rows[i].utf8, &b), -EILSEQ);
        assert_int_equal(b.len, 0);
    }
}

static void characters_are_told_apart_one_by_one(void **state)
{
    (void)state;
    static const struct {
        const char *charset;
        struct span bytes;
        size_t n;
    } rows[] = {
        {"UTF-8", BYTES("ab"), 1},
        {"UTF-8", BYTES("\xc3\xa9x"), 2},
        {"UTF-8", BYTES("\xe3\x83\x9dx"), 3},
        {"UTF-8", BYTES("\xf0\x9f\x98\x80x"), 4},
        {"UTF-8", BYTES("\xc3x"), 0},
        {"UTF-8", BYTES("\xff"), 0},
        {"UTF-8", BYTES(""), 0},
        {"Shift_JIS", BYTES("\x83\x7c|"), 2},
        {"Shift_JIS", BYTES("\x83"), 0},
        {"gb18030", BYTES("\x81\x30\x81\x30x"), 4},
        {"klingon", BYTES("a"), 1},
        {"klingon", BYTES("\xe9"), 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = 0;
        const char *charset = vmx_charset(span_of(rows[i].charset));
        int r = vmx_first_character(charset, rows[i].bytes, &n);
        assert_int_equal(r, rows[i].n > 0 ? 0 : -EILSEQ);
        assert_int_equal(n, rows[i].n);
    }
}

static void long_text_passes_through_the_converter(void **state)
{
    (void)state;
    BUF_AUTO utf8 = {0};
    BUF_AUTO bytes = {0};
    BUF_AUTO again = {0};
    for (int i = 0; i < 50000; i++)
        assert_int_equal(buf_add_str(&utf8, i % 3 ? "\xe3\x83\x9d" : "x"), 0);
    assert_int_equal(vmx_encode("CP932", buf_span(&utf8), &bytes), 0);
    assert_int_equal(vmx_decode("CP932", buf_span(&bytes), &again), 0);
    assert_span(buf_span(&again), buf_span(&utf8));
}

static void ascii_is_told_at_any_length(void **state)
{
    (void)state;
    char text[40];
    memset(text, 'x', sizeof(text));
    for (size_t n = 0; n <= sizeof(text); n++) {
        assert_true(vmx_ascii((struct span){text, n}));
        for (size_t at = 0; at < n; at++) {
            text[at] = (char)0x80;
            assert_false(vmx_ascii((struct span){text, n}));
            text[at] = 'x';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_compare_without_case_and_punctuation),
        cmocka_unit_test(ascii_is_ascii_in_every_charset),
        cmocka_unit_test(text_is_encoded_and_decoded),
        cmocka_unit_test(what_does_not_decode_is_eilseq_and_adds_nothing),
        cmocka_unit_test(nothing_is_transliterated),
        cmocka_unit_test(characters_are_told_apart_one_by_one),
        cmocka_unit_test(long_text_passes_through_the_converter),
        cmocka_unit_test(ascii_is_told_at_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
