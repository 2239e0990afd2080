/* SPDX-License-Identifier: MIT */
#include "parser/history/take_back.h"

#include "support.h"

static int take_back(struct span from, struct span to, struct span text, struct buf *ret,
                     struct diag *diag)
{
    DICT_AUTO current = parsed(text);
    return vmx_take_back(from, to, current, ret, diag);
}

static void settings_become_what_they_were(void **state)
{
    (void)state;
    static const struct {
        struct span from, to, current, want;
    } rows[] = {
        {BYTES(""), BYTES(""), BYTES("x = \"1\"\n"), BYTES("x = \"1\"\n")},
        {BYTES("a = \"2\"\n"), BYTES("a = \"1\"\n"), BYTES("# c\n A=\"2\" # d\r\nb = \"3\"\n"),
         BYTES("# c\n A=\"1\" # d\r\nb = \"3\"\n")},
        {BYTES("a = \"2\"\nb = \"1\"\n"), BYTES("b = \"1\"\n"), BYTES("a = \"2\"\nb = \"5\"\n"),
         BYTES("b = \"5\"\n")},
        /* a line that was removed comes back as it was, where it was */
        {BYTES("x = \"1\"\ny = \"2\"\n"), BYTES("x = \"1\"\n  a = 7 # seven\ny = \"2\"\n"),
         BYTES("x = \"1\"\ny = \"2\"\nz = \"3\"\n"),
         BYTES("x = \"1\"\n  a = 7 # seven\ny = \"2\"\nz = \"3\"\n")},
        {BYTES("x = \"1\"\n"), BYTES("x = \"1\"\na = \"7\" # token (secret 1a2b3c4d)\n"),
         BYTES("x = \"1\"\n"), BYTES("x = \"1\"\na = \"7\"\n")},
        /* comments and order are nobody's settings */
        {BYTES("# new\nb = \"1\"\na = \"1\"\n"), BYTES("# old\na = \"1\"\nb = \"1\"\n"),
         BYTES("# new\nb = \"1\"\na = \"1\"\n"), BYTES("# new\nb = \"1\"\na = \"1\"\n")},
        /* the same value, spelled otherwise */
        {BYTES("a = \"x|22\"\n"), BYTES("a = \"1\"\n"), BYTES("a = x\"\n"), BYTES("a = \"1\"\n")},
        {BYTES(".encoding = \"Shift_JIS\"\na = \"2\"\n"),
         BYTES(".encoding = \"Shift_JIS\"\na = \"\x83|7C\"\n"),
         BYTES(".encoding = \"Shift_JIS\"\na = \"2\"\n"),
         BYTES(".encoding = \"Shift_JIS\"\na = \"\x83|7C\"\n")},
        {BYTES(".encoding = \"UTF-8\"\n\xe3\x82\xbd = \"\xe3\x83\x9d\"\n"),
         BYTES(".encoding = \"Shift_JIS\"\n\x83\\ = \"\x83|7C\"\n"),
         BYTES(".encoding = \"UTF-8\"\n\xe3\x82\xbd = \"\xe3\x83\x9d\"\n"),
         BYTES(".encoding = \"Shift_JIS\"\n\x83\\ = \"\x83|7C\"\n")},
        /* a profile, whose parameters are recorded without their values */
        {BYTES("vmxfs.profile = \"agent pw=(secret 00000002) mmio=1\"\na = \"2\"\n"),
         BYTES("a = \"1\"\n"), BYTES("vmxfs.profile = \"agent pw=x mmio=1\"\na = \"2\"\n"),
         BYTES("a = \"1\"\n")},
        /* another key has changed since */
        {BYTES("a = \"2\"\nb = \"1\"\n"), BYTES("a = \"1\"\nb = \"1\"\n"),
         BYTES("a = \"2\"\nb = \"9\"\n"), BYTES("a = \"1\"\nb = \"9\"\n")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO got = {0};
        assert_int_equal(take_back(rows[i].from, rows[i].to, rows[i].current, &got, NULL), 0);
        assert_span(buf_span(&got), rows[i].want);
    }
}

static void what_stays(void **state)
{
    (void)state;
    static const struct {
        struct span from, to, current;
    } rows[] = {
        {BYTES("guestinfo.a = \"(secret 00000001)\"\n"),
         BYTES("guestinfo.a = \"(secret 00000002)\"\n"), BYTES("guestinfo.a = \"hunter2\"\n")},
        {BYTES(""), BYTES("guestinfo.a = \"(secret 00000002)\"\n"), BYTES("x = \"1\"\n")},
        {BYTES("a.token = \"(secret 00000002)\"\n"), BYTES(""), BYTES("a.token = \"hunter2\"\n")},
        {BYTES("vmxfs.saved.a.key = \"(secret 00000002)\"\n"), BYTES(""),
         BYTES("vmxfs.saved.a.key = \"- 1\"\n")},
        {BYTES("cleanShutdown = \"TRUE\"\nvmci0.id = \"1\"\n"),
         BYTES("cleanShutdown = \"FALSE\"\n"),
         BYTES("cleanShutdown = \"TRUE\"\nvmci0.id = \"2\"\n")},
        {BYTES("vmxfs.next = \"2\"\n"), BYTES("vmxfs.next = \"1\"\n"),
         BYTES("vmxfs.next = \"2\"\n")},
        {BYTES("uuid.bios = \"56 4d\"\n"), BYTES(""), BYTES("uuid.bios = \"56 4d\"\n")},
        {BYTES("scsi0:0.fileName = \"web-000001.vmdk\"\n"),
         BYTES("scsi0:0.fileName = \"web.vmdk\"\n"),
         BYTES("scsi0:0.fileName = \"web-000001.vmdk\"\n")},
        {BYTES("a = \"(secret 00000002)\"\n"), BYTES("a = 1\n"), BYTES("a = 2\n")},
        {BYTES("a = \"(secret 00000002)\"\n"), BYTES(""), BYTES("a = 2\n")},
        {BYTES("vmxfs.profile = \"agent mmio=1\"\n"),
         BYTES("vmxfs.profile = \"agent pw=(secret 00000002)\"\n"),
         BYTES("vmxfs.profile = \"agent mmio=1\"\n")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO got = {0};
        assert_int_equal(take_back(rows[i].from, rows[i].to, rows[i].current, &got, NULL), 0);
        assert_span(buf_span(&got), rows[i].current);
    }
}

static void what_has_changed_since(void **state)
{
    (void)state;
    static const struct {
        struct span from, to, current;
        const char *keys;
    } rows[] = {
        {BYTES("a = \"2\"\n"), BYTES("a = \"1\"\n"), BYTES("a = \"3\"\n"), ": a"},
        {BYTES("a = \"2\"\n"), BYTES("a = \"1\"\n"), BYTES("a = \"1\"\n"), ": a"},
        {BYTES("a = \"2\"\n"), BYTES("a = \"1\"\n"), BYTES(""), ": a"},
        {BYTES("vmxfs.profile = \"agent pw=(secret 00000002)\"\n"), BYTES(""),
         BYTES("vmxfs.profile = \"other pw=x\"\n"), ": vmxfs.profile"},
        {BYTES(""), BYTES("a = \"1\"\n"), BYTES("A = \"1\"\n"), ": a"},
        {BYTES("a = \"2\"\nb = \"2\"\nc\x1b = \"2\"\nd = \"2\"\n"), BYTES("a = \"1\"\nd = \"1\"\n"),
         BYTES("a = \"2\"\nb = \"3\"\nc\x1b = \"3\"\nd = \"\"\n"), ": d, b, c?"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO got = {0};
        struct diag diag = {0};
        assert_int_equal(buf_add_str(&got, "kept"), 0);
        assert_int_equal(take_back(rows[i].from, rows[i].to, rows[i].current, &got, &diag),
                         -ECANCELED);
        assert_true(span_ends_with(span_of(diag.text), span_of(rows[i].keys)));
        assert_string_equal(got.data, "kept");
    }
}

static void another_vm(void **state)
{
    (void)state;
    static const struct {
        struct span from, to, current;
        int r;
    } rows[] = {
        {BYTES("uuid.bios = \"1\"\n"), BYTES("uuid.bios = \"2\"\n"), BYTES("uuid.bios = \"1\"\n"),
         -EKEYREJECTED},
        {BYTES("uuid.bios = \"1\"\n"), BYTES("uuid.bios = \"1\"\n"), BYTES("uuid.bios = \"2\"\n"),
         -EKEYREJECTED},
        {BYTES(""), BYTES("uuid.bios = \"2\"\n"), BYTES("uuid.bios = \"1\"\n"), -EKEYREJECTED},
        {BYTES("uuid.bios = \"1\"\n"), BYTES(""), BYTES("uuid.bios = \"2\"\n"), -EKEYREJECTED},
        {BYTES("uuid.bios = \"56 4D-aa\"\n"), BYTES("UUID.BIOS = \"564d AA\"\n"),
         BYTES("x = \"1\"\n"), 0},
        {BYTES("uuid.bios = \"56 4d\"\n"), BYTES("uuid.bios = \"56 4d 1\"\n"), BYTES(""),
         -EKEYREJECTED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO got = {0};
        struct diag diag = {0};
        assert_int_equal(take_back(rows[i].from, rows[i].to, rows[i].current, &got, &diag),
                         rows[i].r);
        assert_int_equal(diag.text[0] != '\0', rows[i].r != 0);
    }
}

static void a_value_that_the_charset_cannot_hold(void **state)
{
    (void)state;
    BUF_AUTO got = {0};
    struct diag diag = {0};
    struct span from = SPAN_LITERAL(".encoding = \"windows-1252\"\na = \"1\"\n");
    struct span to = SPAN_LITERAL("a = \"\xe3\x83\x9d\"\n.encoding = \"UTF-8\"\n");
    struct span current = SPAN_LITERAL(".encoding = \"windows-1252\"\na = \"1\"\n\xc0 = \"2\"\n");
    assert_int_equal(take_back(from, to, current, &got, &diag), 0);
    assert_span(buf_span(&got), SPAN_LITERAL(".encoding = \"UTF-8\"\na = \"\xe3\x83\x9d\"\n"
                                             "\xc3\x80 = \"2\"\n"));
    buf_clear(&got);
    to = SPAN_LITERAL("a = \"\xe3\x83\x9d\"\n");
    from = SPAN_LITERAL("a = \"1\"\n");
    assert_int_equal(take_back(from, to, current, &got, &diag), -EILSEQ);
    assert_true(diag.text[0] != '\0');
}

static void assert_settings_of(const struct vmx_dict *got, const struct vmx_dict *want)
{
    assert_int_equal(vmx_dict_keys(got), vmx_dict_keys(want));
    for (size_t i = 0; i < vmx_dict_keys(want); i++) {
        BUF_AUTO value = {0};
        size_t extent = vmx_dict_key_extent(want, i);
        assert_int_equal(vmx_dict_value(want, extent, &value), 0);
        assert_value(got, vmx_dict_name(want, extent), buf_span(&value));
    }
}

/* Whatever the texts are: all settings become what they were. Names in another charset are not
 * compared. */
static void texts_of_any_kind(void **state)
{
    (void)state;
    uint64_t random = 11;
    size_t compared = 0;
    for (size_t i = 0; i < 20000; i++) {
        BUF_AUTO from = {0};
        BUF_AUTO to = {0};
        BUF_AUTO got = {0};
        struct diag diag = {0};
        random_text(&random, &from);
        random_text(&random, &to);
        DICT_AUTO before = parsed(buf_span(&to));
        DICT_AUTO current = parsed(buf_span(&from));
        int r = vmx_take_back(buf_span(&from), buf_span(&to), current, &got, &diag);
        assert_true(r == 0 || r == -EILSEQ || r == -EINVAL);
        assert_int_equal(r != 0, diag.text[0] != '\0');
        if (r != 0 || vmx_dict_charset(current) != vmx_dict_charset(before))
            continue;
        DICT_AUTO after = parsed(buf_span(&got));
        assert_settings_of(after, before);
        compared++;
    }
    assert_true(compared > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_become_what_they_were),
        cmocka_unit_test(what_stays),
        cmocka_unit_test(what_has_changed_since),
        cmocka_unit_test(another_vm),
        cmocka_unit_test(a_value_that_the_charset_cannot_hold),
        cmocka_unit_test(texts_of_any_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
