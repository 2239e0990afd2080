/* SPDX-License-Identifier: MIT */
/*
 * Every rule about the file, on an outer and an inner VM with which nothing is wrong, and on the
 * same with one thing wrong: with a host and without, with the profile active and set up by hand.
 */
#include "reports.h"

#define BRIDGE(n)                                                                                  \
    "pciBridge" n ".present = \"TRUE\"\npciBridge" n ".virtualDev = \"pcieRootPort\"\n"

static const struct span vm = BYTES(
    ".encoding = \"UTF-8\"\nhostCPUID.0 = \"0000000d68747541444d416369746e65\"\nvirtualHW.version "
    "= \"19\"\nfirmware = \"efi\"\nmemSize = \"16384\"\n"
    "numvcpus = \"4\"\nscsi0:0.fileName = \"x.vmdk\"\npciBridge0.present = \"TRUE\"\n" BRIDGE("4")
        BRIDGE("5") BRIDGE("6") BRIDGE("7"));

/* Of which hop the rule is, and whether it judges a VM without a profile, too. */
enum { OUTER = 1, INNER = 2, ANY = 4 };

/* One setting that makes the rule bad (NULL: its absence). */
static const struct {
    const char *rule, *key, *value, *severity;
    int hops;
} wrongs[] = {
    {"encoding", ".encoding", "klingon", "WARN", OUTER | INNER | ANY},
    {"encrypted", "encryption.data", "x", "WARN", OUTER | INNER | ANY},
    {"setting-values", "ethernet0.present", "perhaps", "WARN", OUTER | INNER | ANY},
    {"virtual-iommu", "vvtd.enable", NULL, "FAIL", OUTER},
    {"nested-virtualization", "vhv.enable", "FALSE", "FAIL", OUTER},
    {"nested-passthrough", "vhv.allowPassthru", NULL, "FAIL", OUTER | ANY},
    {"amd-iommu", "amd.iommu.supportsPcip", NULL, "FAIL", OUTER},
    {"mmio-64bit", "pciPassthru.use64bitMMIO", "FALSE", "FAIL", OUTER | INNER},
    {"mmio-size", "pciPassthru.64bitMMIOSizeGB", "16", "WARN", OUTER | INNER | ANY},
    {"memory-reservation", "sched.mem.min", "8192", "FAIL", OUTER | INNER | ANY},
    {"memory-reservation", "memSize", "8192", "FAIL", OUTER | INNER | ANY},
    {"memory-pinned", "sched.mem.pin", NULL, "WARN", OUTER | INNER},
    {"hardware-version", "virtualHW.version", "13", "WARN", OUTER},
    {"hardware-version-amd", "virtualHW.version", "18", "WARN", OUTER},
    {"firmware", "firmware", "bios", "WARN", OUTER | INNER | ANY},
    {"memory-size", "memSize", "8188", "WARN", OUTER},
    {"cpu-count", "numvcpus", "1", "WARN", OUTER},
    {"memory-hot-add", "mem.hotadd", "TRUE", "WARN", OUTER | INNER | ANY},
    {"cpu-hot-add", "vcpu.hotadd", "TRUE", "WARN", OUTER | INNER | ANY},
    {"pci-bridges", "pciBridge6.present", NULL, "WARN", OUTER | INNER | ANY},
    {"snapshots", "scsi0:0.fileName", "x-000001.vmdk", "WARN", OUTER | INNER | ANY},
    {"device-present", "pciPassthru0.present", "FALSE", "FAIL", OUTER | INNER},
    {"device-id", "pciPassthru0.id", "0000:8a:00.0", "FAIL", OUTER | INNER | ANY},
    {"requires-memsize", "memSize", NULL, "FAIL", OUTER | INNER},
};

enum { WRONGS = sizeof(wrongs) / sizeof(wrongs[0]) };

/* A VM as the guide has it, with the profile recorded in it or not. */
static void good_vm(const struct machine *m, int hop, bool recorded, struct buf *ret)
{
    struct machine with_device = *m;
    with_device.around.host = &with_device.host;
    with_device.around.vm = &with_device.vm;
    /* An Arc without audio, so that one setting takes the only device away. */
    with_device.host.n_pci = AT_UPSTREAM;
    with_device.pci[AT_NIC] = m->pci[AT_ARC];
    with_device.host.pci = with_device.pci;
    planned_around(vm, &with_device.around,
                   hop == OUTER ? "nested-esxi cpu=amd mmio=32 device=86:00.0"
                                : "inner-guest mmio=32 device=86:00.0",
                   ret);
    DICT_AUTO dict = parsed(buf_span(ret));
    EDITS_AUTO edits = {0};
    BUF_AUTO text = {0};
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        struct span name = vmx_dict_name(dict, vmx_dict_key_extent(dict, i));
        if (!recorded && span_starts_with(name, SPAN_LITERAL("vmxfs.")))
            assert_int_equal(vmx_edits_remove(&edits, name), 0);
    }
    assert_int_equal(vmx_edits_apply(&edits, dict, &text, NULL), 0);
    buf_clear(ret);
    assert_int_equal(buf_add(ret, buf_span(&text)), 0);
}

static void judged(const struct machine *m, int hop, bool recorded)
{
    BUF_AUTO good = {0};
    BUF_AUTO report = {0};

    good_vm(m, hop, recorded, &good);
    run_around(buf_span(&good), &m->around, "D", &report);
    for (size_t i = 0; i < WRONGS; i++) {
        BUF_AUTO bad = {0};
        if (!(wrongs[i].hops & hop) || !(recorded || wrongs[i].hops & ANY))
            continue;
        if (!find_line(&report, "PASS", wrongs[i].rule))
            fail_msg("%s is not good in:\n%s", wrongs[i].rule, report.data);
        edited(&good, wrongs[i].key, wrongs[i].value, &bad);
        reports_around(buf_span(&bad), &m->around, wrongs[i].severity, wrongs[i].rule, NULL, NULL);
    }
    if (recorded)
        assert_null(find_line(&report, "FAIL", "profile"));
}

static void each_rule_is_judged_both_ways(void **state)
{
    PROFILES_AUTO profiles = {0};
    struct machine m;
    (void)state;

    add_shipped(&profiles);
    for (int i = 0; i < 8; i++) {
        machine_init(&m, &profiles);
        m.host.cpu = VMX_CPU_AMD;
        if (i & 1)
            m.around.host = NULL;
        judged(&m, i & 2 ? INNER : OUTER, i & 4);
    }
}

static void with_nothing_wrong_only_what_nobody_tells_is_left(void **state)
{
    static const char *const untold[] = {"reserved-memory", "above-4g-decoding", "bar-size"};
    PROFILES_AUTO profiles = {0};
    BUF_AUTO good = {0};
    BUF_AUTO report = {0};
    struct machine m;
    (void)state;

    add_shipped(&profiles);
    machine_init(&m, &profiles);
    planned_around(vm, &m.around, "nested-esxi mmio=32 device=86:00.0", &good);
    struct vmx_check check = run_around(buf_span(&good), &m.around, "D", &report);
    if (check.count[VMX_WARN] + check.count[VMX_FAIL] != 0 || check.count[VMX_UNKNOWN] != 3)
        fail_msg("%s", report.data);
    for (size_t i = 0; i < 3; i++)
        assert_non_null(find_line(&report, "UNKNOWN", untold[i]));
}

static void what_waits_for_a_value_that_is_gone_is_a_warning(void **state)
{
    static const struct span before = BYTES("memSize = \"4096\"\nold = \"x\"\n");
    static const struct span changed = BYTES("memSize = \"6144\"\nold = \"x\"\n");
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    EDITS_AUTO edits = {0};
    NEXT_AUTO next = {0};
    DICT_AUTO dict = parsed(before);
    const struct vmx_around around = {.profiles = &profiles, .next = &next};
    (void)state;

    assert_int_equal(
        vmx_edits_parse(SPAN_LITERAL("memSize = \"8192\"\n-old\n"), "UTF-8", &edits, NULL), 0);
    assert_int_equal(vmx_next_add(&next, &edits, dict, SPAN_LITERAL("ada"),
                                  SPAN_LITERAL("2026-11-29T10:30:05Z"), NULL),
                     0);
    run_around(before, &around, "DIR", &report);
    assert_null(strstr(report.data, "\tpending\t"));
    reports_around(changed, &around, "WARN", "pending", "memSize waits since 2026-11-29T10:30:05Z",
                   "echo 'memSize = \"8192\"' > DIR/.vmxfs/next");
    buf_clear(&report);
    run_around(changed, &around, "DIR", &report);
    assert_null(strstr(report.data, "4096"));
    assert_null(strstr(report.data, "old"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_is_judged_both_ways),
        cmocka_unit_test(with_nothing_wrong_only_what_nobody_tells_is_left),
        cmocka_unit_test(what_waits_for_a_value_that_is_gone_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
