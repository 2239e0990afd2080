/* SPDX-License-Identifier: MIT */
#include "parser/history/secret.h"

#include "parser/document/secret_name.h"

#include "parser/profile/profile_private.h"
#include "profiles.h"
#include "support.h"

/* Eight digits that the value alone decides, so that the tables can say what they stand for. */
static int mark(void *ctx, struct span name, struct span value, uint32_t *ret)
{
    (void)name;
    uint32_t hash = 5381;
    for (size_t i = 0; i < value.n; i++)
        hash = hash * 33 + (unsigned char)value.p[i];
    *ret = hash;
    return ctx ? *(int *)ctx : 0;
}

/* A text in which each "<VALUE>" stands for what is put in the place of that value. */
static void expand(const char *text, size_t n, struct buf *ret)
{
    for (size_t i = 0; i < n; i++) {
        const char *end = text[i] == '<' ? memchr(text + i, '>', n - i) : NULL;
        uint32_t hash;
        if (!end) {
            assert_int_equal(buf_add_char(ret, text[i]), 0);
            continue;
        }
        mark(NULL, SPAN_LITERAL(""), (struct span){text + i + 1, (size_t)(end - text) - i - 1},
             &hash);
        assert_int_equal(buf_addf(ret, "(secret %08x)", hash), 0);
        i = (size_t)(end - text);
    }
}

static void check_hidden(struct span text, struct span want)
{
    BUF_AUTO expected = {0};
    BUF_AUTO got = {0};
    BUF_AUTO again = {0};
    expand(want.p, want.n, &expected);
    assert_int_equal(vmx_hide_secrets(text, mark, NULL, &got), 0);
    assert_span(buf_span(&got), buf_span(&expected));
    assert_int_equal(vmx_hide_secrets(buf_span(&got), mark, NULL, &again), 0);
    assert_span(buf_span(&again), buf_span(&got));
}

struct row {
    struct span text, want;
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_hidden(rows[i].text, rows[i].want);
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void names_of_secrets(void **state)
{
    (void)state;
    static const char *const secrets[] = {
        "RemoteDisplay.vnc.password",
        "RemoteDisplay.vnc.key",
        "RemoteDisplay.vnc.port",
        "REMOTEDISPLAY.VNC.ENABLED",
        "encryption.keySafe",
        "encryption.data",
        "Encryption.Type",
        "dataFileKey",
        "DATAFILEKEY",
        "policy.dataFileKey",
        "x.key",
        "x.keyFile",
        "x.keyboard.key",
        "rootPassword",
        "foo.passphrase",
        "passwd",
        "passthrough.password",
        "pciPassthru0.password",
        "client_secret",
        "SecretSauce",
        "api-token",
        "pciPassthru0.cfg.token",
        "guestinfo.userdata",
        "guestInfo.metadata.encoding",
        "GUESTINFO.X",
        "\"guestinfo.x\"",
        "vmxfs.saved.guestinfo.userdata",
        "VMXFS.SAVED.RemoteDisplay.vnc.password",
    };
    static const char *const others[] = {
        "",
        "memSize",
        "pciPassthru0.id",
        "pciPassthru.use64bitMMIO",
        "vhv.allowPassthru",
        "passthrough-profile",
        "PASSTHROUGH",
        "mks.keyboardFilter",
        "keyboard.vusb.enable",
        "keyboardAndMouseProfile",
        "migrate.encryptionMode",
        "RemoteDisplay.maxConnections",
        "vmxfs.next",
        "vmxfs.saved.memSize",
        "vmxfs.saved.mks.keyboardFilter",
        "vmxfs.saved.keyboardAndMouseProfile",
        "vmxfs.saved.keyed",
        "log.keepOld",
        "board-id",
    };
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (!vmx_is_secret(span_of(secrets[i])))
            fail_msg("%s is none", secrets[i]);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (vmx_is_secret(span_of(others[i])))
            fail_msg("%s is one", others[i]);
    }
}

static void values_of_settings(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES(""), BYTES("")},
        {BYTES("memSize = \"4096\"\nguestinfo.a = \"hunter2\"\n"),
         BYTES("memSize = \"4096\"\nguestinfo.a = \"<hunter2>\"\n")},
        {BYTES("\xef\xbb\xbfguestinfo.a=\"x\"\r\n \tGUESTINFO.A\t = \"y\" \rz = \"1\""),
         BYTES("\xef\xbb\xbfguestinfo.a=\"<x>\"\r\n \tGUESTINFO.A\t = \"<y>\" \rz = \"1\"")},
        {BYTES("guestinfo.a = \"\"\nguestinfo.b =\nx = \"\"\n"),
         BYTES("guestinfo.a = \"<>\"\nguestinfo.b =\"<>\"\nx = \"\"\n")},
        {BYTES("a.password = hunter2\r\nmemSize = 4096\n"),
         BYTES("a.password = \"<hunter2>\"\r\nmemSize = 4096\n")},
        {BYTES("token = \"a|22b|0Ac#d=\"\n"), BYTES("token = \"<a\"b\nc#d=>\"\n")},
        {BYTES("a.password = hunter2#3 # x\n"), BYTES("a.password = \"<hunter2>\"#<3 # x>\n")},
        {BYTES("token = a=b\"c\n"), BYTES("token = \"<a=b\"c>\"\n")},
        /* Shift_JIS: second bytes that look like a bar and a backslash */
        {BYTES("\x83\x7c.password = \"\x83|7C\x83\\\"\n"),
         BYTES("\x83\x7c.password = \"<\x83|\x83\\>\"\n")},
        {BYTES("vmxfs.saved.guestinfo.a = \"=old%20one hunter2\"\nvmxfs.next = \"3f\"\n"),
         BYTES("vmxfs.saved.guestinfo.a = \"<=old%20one hunter2>\"\nvmxfs.next = \"3f\"\n")},
        {BYTES("guestinfo.a = \"(secret 1a2b3c4d)\"\nguestinfo.b = \"(secret 1A2B3C4D)\"\n"),
         BYTES("guestinfo.a = \"(secret 1a2b3c4d)\"\nguestinfo.b = \"<(secret 1A2B3C4D)>\"\n")},
        {BYTES("annotation = \"guestinfo.a = hunter2\"\n"),
         BYTES("annotation = \"guestinfo.a = hunter2\"\n")},
    };
    CHECK_ROWS(rows);
}

static void parameters_of_a_profile(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES(
             "vmxfs.profile = \"agent mmio=32 cpu=auto device=0000:03:00.0 vendor=0x10de\" # x\n"),
         BYTES(
             "vmxfs.profile = \"agent mmio=32 cpu=auto device=0000:03:00.0 vendor=0x10de\" # x\n")},
        {BYTES("VMXFS.Profile = \"agent password=hunter2  mmio=32 size=5\" # x\r\n"),
         BYTES("VMXFS.Profile = \"agent password=<hunter2>  mmio=32 size=<5>\" # x\r\n")},
        {BYTES("vmxfs.profile = \" agent  a=b=c b= MMIO=3 two words \"\n"),
         BYTES("vmxfs.profile = \" agent  a=<b=c> b= MMIO=<3> <two> <words> \"\n")},
        {BYTES("vmxfs.profile = \"pw=hunter2\"\n"), BYTES("vmxfs.profile = \"pw=<hunter2>\"\n")},
        {BYTES("vmxfs.profile = pw=hunter2#3\nREVG==\n"),
         BYTES("vmxfs.profile = \"pw=<hunter2>\"#<3>\n<REVG==>\n")},
        {BYTES("vmxfs.profile = agent\nwhat\n"), BYTES("vmxfs.profile = agent\nwhat\n")},
        {BYTES("vmxfs.profile = \"agent mmio=1|20pw=hunter2\"\n"),
         BYTES("vmxfs.profile = \"<agent mmio=1 pw=hunter2>\"\n")},
        {BYTES("# vmxfs.profile = \"agent pw=hunter2\"\n"),
         BYTES("# vmxfs.profile = <\"agent pw=hunter2\">\n")},
        {BYTES("vmxfs.profile = agent pw=hunter2\n"),
         BYTES("vmxfs.profile = <agent pw=hunter2>\n")},
    };
    CHECK_ROWS(rows);
}

static void parameters_of_the_shipped_profiles_are_no_secrets(void **state)
{
    (void)state;
    PROFILES_AUTO profiles = {0};
    add_shipped(&profiles);
    for (size_t i = 0; i < profiles.n; i++) {
        const struct pairs *params = &profiles.items[i]->params;
        assert_true(params->n > 0);
        for (size_t k = 0; k < params->n; k++)
            assert_false(vmx_is_secret_param(buf_span(&params->items[k].name)));
    }
    assert_true(vmx_is_secret_param(SPAN_LITERAL("password")));
}

static void a_profile_is_what_was_recorded_of_it(void **state)
{
    (void)state;
    static const struct {
        const char *value, *recorded;
        bool is;
    } rows[] = {
        {"agent", "agent", true},
        {"agent", "agents", false},
        {"agents", "agent", false},
        {"agent pw=x mmio=1", "agent pw=(secret 1a2b3c4d) mmio=1", true},
        {"agent pw=x mmio=2", "agent pw=(secret 1a2b3c4d) mmio=1", false},
        {"agent pw=x", "agent pw=(secret 1a2b3c4d) mmio=1", false},
        {"agent pw=x", "agent pw=(secret 1a2b3c4d)", true},
        {"agent pw", "agent pw=(secret 1a2b3c4d)", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(vmx_is_recorded_as(span_of(rows[i].value), span_of(rows[i].recorded)),
                         rows[i].is);
}

static void comments(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("# made by hand\n# pciPassthru0 is the card\n#!\n"),
         BYTES("# made by hand\n# pciPassthru0 is the card\n#!\n")},
        {BYTES("# guestinfo.a = \"hunter2\" # old\nx = \"1\" # passwd: hunter2\n"),
         BYTES("# guestinfo.a = <\"hunter2\" # old>\nx = \"1\" # passwd: <hunter2>\n")},
        {BYTES("#guestinfo.a\"hunter2\"\n"), BYTES("#guestinfo.a<\"hunter2\">\n")},
        {BYTES("guestinfo.a = \"hunter2\" # of Bob\n"),
         BYTES("guestinfo.a = \"<hunter2>\" # of Bob\n")},
        {BYTES("guestinfo.a = \"hunter2\"# not hunter2 again\n"),
         BYTES("guestinfo.a = \"<hunter2>\"# <not hunter2 again>\n")},
        {BYTES("guestinfo.a = \"x1\" # and a.token=hunter2\n"),
         BYTES("guestinfo.a = \"<x1>\" # and a.token=<hunter2>\n")},
        {BYTES("# (secret 1a2b3c4d) token 5\n"), BYTES("# (secret 1a2b3c4d) token <5>\n")},
        /* a value without quotes goes on in the comments behind it */
        {BYTES("# token = abc\n#  def ghi\r\n\n ## jkl\n# memSize = \"1\"\nx = 1\n# mine\n"),
         BYTES("# token = <abc>\n#  <def ghi>\r\n\n ## <jkl>\n# memSize = \"1\"\nx = 1\n# mine\n")},
        {BYTES("# token:\n# abc\nx = 1\n"), BYTES("# token:\n# <abc>\nx = 1\n")},
        {BYTES("x = 1 # token abc\n# def\n"), BYTES("x = 1 # token <abc>\n# <def>\n")},
        {BYTES("# token = \"abc\"\n# def\n"), BYTES("# token = <\"abc\">\n# def\n")},
    };
    CHECK_ROWS(rows);
}

static void malformed_lines(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("what is this\nmemSize = \"1\" 2\n"), BYTES("what is this\nmemSize = \"1\" 2\n")},
        {BYTES("guestinfo.a \"hunter2\"\n"), BYTES("guestinfo.a <\"hunter2\">\n")},
        {BYTES("guestinfo.a == \"hunter2\"\n"), BYTES("guestinfo.a == <\"hunter2\">\n")},
        {BYTES("guestinfo.a = \"b\" \"hunter2\"\n"), BYTES("guestinfo.a = <\"b\" \"hunter2\">\n")},
        {BYTES("guestinfo.a = hunter2 hunter3\n"), BYTES("guestinfo.a = <hunter2 hunter3>\n")},
        {BYTES("x = \"y\" guestinfo.a = hunter2\n"), BYTES("x = \"y\" guestinfo.a = <hunter2>\n")},
        {BYTES("guestinfo . a = \"hunter2\"\n"), BYTES("guestinfo <. a = \"hunter2\">\n")},
        {BYTES("guestinfo.a\nx = \"1\"\n"), BYTES("guestinfo.a\nx = \"1\"\n")},
        {BYTES("guestinfo.a = (secret 1a2b3c4d) hunter2\n"),
         BYTES("guestinfo.a = <(secret 1a2b3c4d) hunter2>\n")},
        {BYTES("guestinfo.a = (secret 1a2b3c4d)\n"), BYTES("guestinfo.a = (secret 1a2b3c4d)\n")},
    };
    CHECK_ROWS(rows);
}

static void values_of_several_lines(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("guestinfo.a = \"one\r\n two\r\n\r\n# three\r\nfour = 4 # 4\r\n\"\r\nx = \"1\"\r\n# "
               "c\r\n"),
         BYTES(
             "guestinfo.a = <\"one>\r\n <two>\r\n\r\n# <three>\r\nfour = \"<4>\" # <4>\r\n<\">\r\n"
             "x = \"1\"\r\n# <c>\r\n")},
        {BYTES("guestinfo.a = QUJD\nREVG\nR0g=\nmemSize = 1\nwhat\nx = \"1\"\nwhat\n"),
         BYTES("guestinfo.a = \"<QUJD>\"\n<REVG>\n<R0g=>\nmemSize = \"<1>\"\n<what>\n"
               "x = \"1\"\nwhat\n")},
        {BYTES("guestinfo.a = QUJD\nR0g=\nx = \"1\"\n"),
         BYTES("guestinfo.a = \"<QUJD>\"\n<R0g=>\nx = \"1\"\n")},
        {BYTES("guestinfo.a = \"{\" x\n\"url=y\"\n\"z\"\nx = \"1\"\n"),
         BYTES("guestinfo.a = <\"{\" x>\n<\"url=y\">\n<\"z\">\nx = \"1\"\n")},
        {BYTES("guestinfo.a = QUJD\nguestinfo.b=\nmemSize = 1\nwhat\n"),
         BYTES("guestinfo.a = \"<QUJD>\"\nguestinfo.b=\"<>\"\nmemSize = 1\nwhat\n")},
        {BYTES("guestinfo.a = #cloud-config\n# c\nusers:\n # d\n - bob\nx = \"1\"\n# e\n"),
         BYTES("guestinfo.a = \"<>\"#<cloud-config>\n# c\n<users:>\n # <d>\n <- bob>\nx = \"1\"\n# "
               "e\n")},
        {BYTES("guestinfo.a =\n\"hunter2\"\nx = \"1\"\n"),
         BYTES("guestinfo.a =\"<>\"\n<\"hunter2\">\nx = \"1\"\n")},
        {BYTES("guestinfo.a = \"b\" c\nd\n"), BYTES("guestinfo.a = <\"b\" c>\n<d>\n")},
        {BYTES("guestinfo.a = \"b\"\nwhat\n"), BYTES("guestinfo.a = \"<b>\"\nwhat\n")},
    };
    CHECK_ROWS(rows);
}

static void bytes_that_nobody_reads(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BYTES("a = \"b\"\0hunter2\n"), BYTES("a = \"b\"\0hunter2\n")},
        {BYTES("a = \"b\"\0guestinfo.x = \"hunter2\"\n"),
         BYTES("a = \"b\"\0guestinfo.x = <\"hunter2\">\n")},
        {BYTES("guestinfo.a = \"b\" \0hunter2\n"), BYTES("guestinfo.a = \"<b>\" \0<hunter2>\n")},
        {BYTES("guestinfo.a = \"x\ny.key = z\0\0z\n"),
         BYTES("guestinfo.a = <\"x>\ny.key = \"<z>\"\0\0<z>\n")},
        {BYTES("guestinfo.a = hun\0ter2\n"), BYTES("guestinfo.a = \"<hun>\"\0<ter2>\n")},
        {BYTES("guestinfo.a = \"hun\0ter2\"\n"), BYTES("guestinfo.a = <\"hun\0ter2\">\n")},
        {BYTES("guest\0info.a = \"hunter2\"\n"), BYTES("<guest\0info.a = \"hunter2\">\n")},
        {BYTES("\0t\0o\0k\0e\0n\0=\0x\0\n\0y = \"1\"\n"),
         BYTES("\0<t\0o\0k\0e\0n\0=\0x\0>\n\0y = \"1\"\n")},
    };
    CHECK_ROWS(rows);
}

static void what_is_no_file_of_a_vm(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (size_t i = 0; i < 20000; i++) {
        BUF_AUTO text = {0};
        BUF_AUTO once = {0};
        BUF_AUTO twice = {0};
        random_text(&random, &text);
        assert_int_equal(vmx_hide_secrets(buf_span(&text), mark, NULL, &once), 0);
        assert_span(buf_span(&once), buf_span(&text)); /* it has no secrets */
        assert_int_equal(vmx_hide_secrets(buf_span(&once), mark, NULL, &twice), 0);
        assert_span(buf_span(&twice), buf_span(&once));
    }
}

static void a_mark_that_fails(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    int failure = -EIO;
    assert_int_equal(buf_add_str(&out, "kept"), 0);
    assert_int_equal(
        vmx_hide_secrets(SPAN_LITERAL("a = \"b\"\ntoken = \"x\"\n"), mark, &failure, &out), -EIO);
    assert_string_equal(out.data, "kept");
}

static int note_name(void *ctx, struct span name, struct span value, uint32_t *ret)
{
    *ret = 1;
    return buf_addf(ctx, "%.*s=%.*s;", (int)name.n, name.p, (int)value.n, value.n ? value.p : "");
}

/* So that a key which is spelled otherwise does not look like one with another value. */
static void what_a_mark_is_of(void **state)
{
    (void)state;
    BUF_AUTO names = {0};
    BUF_AUTO out = {0};
    struct span text = SPAN_LITERAL("Guestinfo.A = \"x|7cy\"\n# a.TOKEN = \"z\"\n");
    assert_int_equal(vmx_hide_secrets(text, note_name, &names, &out), 0);
    assert_string_equal(names.data, "guestinfo.a=x|y;a.token=\"z\";");
    assert_string_equal(out.data,
                        "Guestinfo.A = \"(secret 00000001)\"\n# a.TOKEN = (secret 00000001)\n");
    assert_true(vmx_has_hidden(buf_span(&out)));
    assert_false(vmx_has_hidden(text));
    assert_true(vmx_is_hidden(SPAN_LITERAL("(secret 00000001)")));
    assert_false(vmx_is_hidden(SPAN_LITERAL("(secret 00000001) ")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_secrets),
        cmocka_unit_test(values_of_settings),
        cmocka_unit_test(parameters_of_a_profile),
        cmocka_unit_test(parameters_of_the_shipped_profiles_are_no_secrets),
        cmocka_unit_test(a_profile_is_what_was_recorded_of_it),
        cmocka_unit_test(comments),
        cmocka_unit_test(malformed_lines),
        cmocka_unit_test(values_of_several_lines),
        cmocka_unit_test(bytes_that_nobody_reads),
        cmocka_unit_test(what_is_no_file_of_a_vm),
        cmocka_unit_test(a_mark_that_fails),
        cmocka_unit_test(what_a_mark_is_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
