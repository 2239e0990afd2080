/* SPDX-License-Identifier: MIT */
#include "parser/history/changes.h"

#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "support.h"

/* "key: old -> new", one a line, and "other". */
static void describe(struct span before, struct span after, struct buf *ret)
{
    VMX_CHANGES_AUTO changes = {0};
    assert_int_equal(vmx_changes_between(before, after, &changes), 0);
    for (size_t i = 0; i < changes.n; i++) {
        const struct vmx_changed *c = &changes.list[i];
        assert_int_equal(buf_addf(ret, "%s: %s -> %s\n", c->key, c->old_value ? c->old_value : "-",
                                  c->new_value ? c->new_value : "-"),
                         0);
    }
    assert_int_equal(buf_add_str(ret, changes.other ? "other\n" : ""), 0);
}

static void what_differs(void **state)
{
    (void)state;
    static const struct {
        struct span before, after, want;
    } rows[] = {
        {BYTES(""), BYTES(""), BYTES("")},
        {BYTES("a = \"1\"\nb = \"2\"\n"), BYTES("a = \"1\"\nb = \"2\"\n"), BYTES("")},
        {BYTES("a = \"1\"\nb = \"2\"\n"), BYTES("A = \"1\"\nb = \"3\"\nc = \"4\"\n"),
         BYTES("b: 2 -> 3\nc: - -> 4\nother\n")},
        {BYTES("a = \"1\"\nb = \"2\""), BYTES("a = \"1\"\nb = \"2\"\nc = \"\"\n"),
         BYTES("c: - -> \n")},
        {BYTES("a = \"1\"\nb = \"2\"\nc = \"3\"\n"), BYTES("b = \"2\"\n"),
         BYTES("a: 1 -> -\nc: 3 -> -\n")},
        {BYTES("a = \"1\"\n"), BYTES("a = \"|31\"\n"), BYTES("other\n")},
        {BYTES("a = \"1\"\nA = \"2\"\n"), BYTES("a = \"2\"\n"), BYTES("other\n")},
        {BYTES("a = \"1\"\n# x\n"), BYTES("a = \"2\"\n# y\n"), BYTES("a: 1 -> 2\nother\n")},
        {BYTES("a = \"1\"\nb = \"1\"\n"), BYTES("b = \"1\"\na = \"2\"\n"),
         BYTES("a: 1 -> 2\nother\n")},
        {BYTES(" a=1 # x\r\n"), BYTES(" a=\"2\" # x\r\n"), BYTES("a: 1 -> 2\n")},
        {BYTES(" a=1 # x\r\n"), BYTES("a = \"2\"\r\n"), BYTES("a: 1 -> 2\n")},
        {BYTES(" a=1 # x\r\n"), BYTES(" a=2\r\n"), BYTES("a: 1 -> 2\nother\n")},
        {BYTES("a = \"1\"\n"), BYTES("a = \"1\"\r\n"), BYTES("other\n")},
        {BYTES("a = \"1\""), BYTES("a = \"1\"\n"), BYTES("other\n")},
        {BYTES("what\n"), BYTES("what is this\n"), BYTES("other\n")},
        {BYTES("# x\na = \"1\"\n"), BYTES("b = \"0\"\n# x\nnew = \"1\"\na = \"1\"\n"),
         BYTES("b: - -> 0\nnew: - -> 1\n")},
        /* as the files of the settings show them */
        {BYTES(".encoding = \"Shift_JIS\"\n\x83\\/%.a = \"1\"\n"),
         BYTES(".encoding = \"Shift_JIS\"\n\x83\\/%.a = \"\x83|7C\"\n"),
         BYTES("\xe3\x82\xbd%2F%25.a: 1 -> \xe3\x83\x9d\n")},
        {BYTES(".encoding = \"Shift_JIS\"\na = \"\x83|7C\"\n"),
         BYTES(".encoding = \"UTF-8\"\na = \"\xe3\x83\x9d\"\n"),
         BYTES(".encoding: Shift_JIS -> UTF-8\n")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO got = {0};
        describe(rows[i].before, rows[i].after, &got);
        assert_span(buf_span(&got), rows[i].want);
    }
}

static void names_that_hosts_write(void **state)
{
    (void)state;
    static const char *const theirs[] = {
        "sched.swap.derivedName",
        "cleanShutdown",
        "SOFTPOWEROFF",
        "uuid.location",
        "vmotion.checkpointFBSize",
        "vmotion.checkpointSVGAPrimarySize",
        "vmotion.svga.mobMaxSize",
        "vmotion.svga.bc67",
        "monitor.phys_bits_used",
        "scsi0.pciSlotNumber",
        "pciBridge7.pciSlotNumber",
        "pciPassthru12.pciSlotNumber",
        "usb_xhci.pciSlotNumber",
        "ethernet3.generatedAddress",
        "ethernet0.generatedAddressOffset",
        "scsi1.sasWWID",
        "scsi0:15.redo",
        "usb:1.parent",
        "usb_xhci:4.deviceType",
        "migrate.hostLog",
        "numa.autosize.cookie",
        "numa.autosize.vcpu.maxPerVirtualNode",
        "hostCPUID.80000001",
        "guestCPUID.d",
        "guestOS.detailed.data",
        "vm.genidX",
        "toolsInstallManager.updateCounter",
        "tools.remindInstall",
        "extendedConfigFile",
        "vmci0.id",
        "checkpoint.vmState",
        "svga.guestBackedPrimaryAware",
        "evcCompatibilityMode",
        "replay.supported",
        "guestinfo.vmtools.buildNumber",
    };
    static const char *const others[] = {
        "",
        "memSize",
        "numvcpus",
        "uuid.bios",
        "pciPassthru0.id",
        "pciPassthru.use64bitMMIO",
        "ethernet0.address",
        "ethernet0.addressType",
        "scsi0.present",
        "scsi0:0.fileName",
        "usb.present",
        "usb_xhci.present",
        "hpet0.present",
        "cpuid.coresPerSocket",
        "migrate.encryptionMode",
        "numa.autosize",
        "numa.vcpu.maxPerVirtualNode",
        "snapshot.action",
        "tools.syncTime",
        "guestOS",
        "guestinfo.userdata",
        "vmxfs.saved.cleanShutdown",
        "a.very.long.name.that.goes.on.and.on.until.it.has.more.than.64.bytes.pciSlotNumber",
    };
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
        if (!vmx_is_written_by_host(span_of(theirs[i])))
            fail_msg("%s is not theirs", theirs[i]);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (vmx_is_written_by_host(span_of(others[i])))
            fail_msg("%s is theirs", others[i]);
    }
}

static void changes_of_a_host_alone(void **state)
{
    (void)state;
    static const struct {
        struct span after;
        bool by_host;
    } rows[] = {
        {BYTES("memSize=1 # MB\ncleanShutdown=TRUE\n"), false},
        {BYTES("memSize=1 # MB\ncleanShutdown = \"FALSE\"\nvmci0.id = \"5\"\n"), true},
        {BYTES("memSize=1 # MB\n"), true},
        {BYTES("memSize=1\ncleanShutdown = \"FALSE\"\n"), false},
        {BYTES("memSize=2 # MB\ncleanShutdown = \"FALSE\"\n"), false},
        {BYTES("memSize=1 # MB\ncleanShutdown = \"FALSE\"\n# by Bob\n"), false},
    };
    struct span before = SPAN_LITERAL("memSize=1 # MB\ncleanShutdown=TRUE\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        VMX_CHANGES_AUTO changes = {0};
        assert_int_equal(vmx_changes_between(before, rows[i].after, &changes), 0);
        assert_int_equal(vmx_changes_are_by_host(&changes), rows[i].by_host);
    }
}

static size_t columns_of(struct span text)
{
    size_t n = 0;
    while (text.n > 0) {
        size_t bytes = text_character(text);
        assert_true(bytes > 0 || (unsigned char)text.p[0] < 0x80);
        text = span_from(text, bytes ? bytes : 1);
        n++;
    }
    return n;
}

static void subject_of(struct span before, struct span after, struct span vm, struct buf *ret)
{
    VMX_CHANGES_AUTO changes = {0};
    assert_int_equal(vmx_changes_between(before, after, &changes), 0);
    assert_int_equal(vmx_changes_subject(&changes, vm, ret), 0);
    assert_true(columns_of(buf_span(ret)) <= 72);
    assert_true(safe_text_is(buf_span(ret)));
}

static void subjects(void **state)
{
    (void)state;
    static const struct {
        struct span vm, before, after;
        const char *want;
    } rows[] = {
        {BYTES("web"), BYTES("memSize = \"4096\"\n"), BYTES("memSize = \"8192\"\n"),
         "web: memSize 4096 -> 8192"},
        {BYTES("web"), BYTES(""), BYTES("numvcpus = \"2\"\n"), "web: numvcpus (unset) -> 2"},
        {BYTES("web"), BYTES("a = \"\"\nb = \"1\"\n"), BYTES(""),
         "web: a \"\" -> (unset) and 1 more"},
        {BYTES("web"), BYTES(""), BYTES("a = \"1\"\nb = \"1\"\nc = \"1\"\nd = \"1\"\n"),
         "web: a (unset) -> 1 and 3 more"},
        {BYTES("web"), BYTES(""), BYTES("cleanShutdown = \"TRUE\"\nmemSize = \"1\"\n"),
         "web: memSize (unset) -> 1 and 1 more"},
        {BYTES("web"), BYTES("# a\n"), BYTES("# b\n"), "web: text changed"},
        {BYTES("a\nb\xff\xc2\x9b"), BYTES("\xff = \"1\"\n"),
         BYTES("\xff = \"|0A\xe2\x80\xae\xe9|1B\"\n"), "a?b???: %FF 1 -> ??????"},
        {BYTES("web"), BYTES("token = \"(secret 1a2b3c4d)\"\n"),
         BYTES("token = \"(secret 5e6f7a8b)\"\n"),
         "web: token (secret 1a2b3c4d) -> (secret 5e6f7a8b)"},
        {BYTES("web"), BYTES("annotation = \"\"\n"),
         BYTES("annotation = \"The quick brown fox jumps over the lazy dog and on it goes\"\n"),
         "web: annotation \"\" -> The quick brown fox jumps over the lazy dog and..."},
        {BYTES("web"), BYTES("scsi0:0.fileName = \"/vmfs/volumes/datastore1/web/web.vmdk\"\n"),
         BYTES("scsi0:0.fileName = \"/vmfs/volumes/datastore1/web/web-000001.vmdk\"\n"),
         "web: scsi0:0.fileName .../web.vmdk -> .../web-000001.vmdk"},
        {BYTES("a-virtual-machine-with-a-long-name-that-goes-on-and-on"),
         BYTES("numa.autosize.vcpu.maxPerVirtualNode.more = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n"),
         BYTES("numa.autosize.vcpu.maxPerVirtualNode.more = "
               "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\nx=1\n"),
         "a-virtu...: numa.autosize.vcpu.maxPerVi... aaaa... -> bbbb... and 1 more"},
        {BYTES("a-virtual-machine-with-a-long-name-that-goes-on-and-on-and-on-and-on"), BYTES("#"),
         BYTES(""), "a-virtual-machine-with-a-long-name-that-goes-on-and-on-...: text changed"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO got = {0};
        subject_of(rows[i].before, rows[i].after, rows[i].vm, &got);
        assert_string_equal(got.data, rows[i].want);
    }
}

static void a_subject_of_anything(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (size_t i = 0; i < 5000; i++) {
        BUF_AUTO before = {0};
        BUF_AUTO after = {0};
        BUF_AUTO got = {0};
        random_text(&random, &before);
        random_text(&random, &after);
        for (size_t n = next_random(&random) % 30; n > 0; n--)
            assert_int_equal(
                buf_add_str(&after, "b = \"\xe3\x83\x9d\xe3\x83\x9d\"\nlong.name.c = a\n"), 0);
        subject_of(buf_span(&before), buf_span(&after), buf_span(&before), &got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs),
        cmocka_unit_test(names_that_hosts_write),
        cmocka_unit_test(changes_of_a_host_alone),
        cmocka_unit_test(subjects),
        cmocka_unit_test(a_subject_of_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
