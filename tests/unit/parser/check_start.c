/* SPDX-License-Identifier: MIT */
/* Rules that the last power-on answers: of a VM with a card, with a log and without. */
#include "parser/vm/vm_start.h"
#include "reports.h"

#define DEVICE(n, id, vendor, device)                                                              \
    "pciPassthru" n ".present = \"TRUE\"\npciPassthru" n ".id = \"" id "\"\npciPassthru" n         \
    ".vendorId = \"" vendor "\"\npciPassthru" n ".deviceId = \"" device "\"\n"
#define SYSTEM(n, uuid) "pciPassthru" n ".systemId = \"" uuid "\"\n"
#define GPU DEVICE("0", "00000:003:00.0", "0x10de", "0x1cb2") SYSTEM("0", UUID)
#define ARC DEVICE("1", "00000:134:00.0", "0x8086", "0x5690") SYSTEM("1", UUID)
#define NIC DEVICE("0", "00000:025:00.0", "0x8086", "0x1563") SYSTEM("0", UUID)
#define SIZE(gb) "pciPassthru.64bitMMIOSizeGB = \"" gb "\"\n"

#define LINE(text) "2026-03-01T10:00:01.000Z In(05) vmx - " text "\n"
#define FIRST LINE("Log for VMware ESX pid=1")
#define ON LINE("Transitioned vmx/execState/val to poweredOn")
#define BAR(address, at, size)                                                                     \
    LINE("PCIPassthru: Device " address " barIndex 1 type 3 realaddr " at " size " size)
#define GPU_BAR BAR("0000:03:00.0", "0xe0000000", "268435456")
#define HIGH_BAR BAR("0000:03:00.0", "0x3b800000000", "34393292800") /* 32 GiB and 32 MiB */
#define ARC_BAR BAR("0000:86:00.0", "0x3b800000000", "17179869184")

static void no_host(struct machine *m)
{
    m->around.host = NULL;
    m->around.vm = NULL;
}

static void no_list(struct machine *m)
{
    m->host.n_pci = 0;
}

static void other_host(struct machine *m)
{
    m->host.uuid = OTHER_UUID;
}

static void other_card(struct machine *m)
{
    m->pci[AT_GPU].device = 0x1eb8;
}

struct sample {
    void (*change)(struct machine *m);
    struct span text;
    const char *log;
    const char *severity, *found;
};

static void judged_as(const struct sample *sample, const char *rule, const char *command)
{
    PROFILES_AUTO profiles = {0};
    struct machine m;
    START_AUTO start;

    add_shipped(&profiles);
    machine_init(&m, &profiles);
    if (sample->change)
        sample->change(&m);
    assert_int_equal(vm_start_read(span_of(sample->log), &start), 0);
    m.around.start = sample->log[0] ? &start : NULL;
    reports_around(sample->text, &m.around, sample->severity, rule, sample->found, command);
}

static void a_start_with_the_device_answers_what_no_command_does(void **state)
{
    static const char *const rules[] = {"reserved-memory", "above-4g-decoding", "bar-size"};
    static const struct sample samples[] = {
        {NULL, BYTES(GPU), FIRST GPU_BAR ON, "PASS", "\tstarted on 2026-03-01"},
        {no_host, BYTES(GPU), FIRST GPU_BAR ON, "PASS", "\tstarted on 2026-03-01"},
        {no_list, BYTES(GPU), FIRST GPU_BAR ON, "PASS", "\tstarted on 2026-03-01"},
        {NULL, BYTES(GPU ARC), FIRST GPU_BAR ARC_BAR ON, "PASS", "\tstarted on 2026-03-01"},
        {NULL, BYTES(GPU), "", "UNKNOWN", "no command"},
        {NULL, BYTES(GPU), FIRST ON, "UNKNOWN", "no command"},
        {NULL, BYTES(GPU), FIRST, "UNKNOWN", "no command"},
        {NULL, BYTES(GPU), GPU_BAR ON, "UNKNOWN", "no command"},
        {NULL, BYTES(GPU), FIRST ARC_BAR ON, "UNKNOWN", "no command"},
        {NULL, BYTES(GPU ARC), FIRST GPU_BAR ON, "UNKNOWN", "no command"},
        {other_host, BYTES(GPU), FIRST GPU_BAR ON, "UNKNOWN", "no command"},
        {other_card, BYTES(GPU), FIRST GPU_BAR ON, "UNKNOWN", "no command"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (size_t k = 0; k < 3; k++)
            judged_as(&samples[i], rules[k], "-");
    }
}

static void a_power_on_that_failed_shows_what_it_saw(void **state)
{
    static const struct sample failed = {NULL, BYTES(GPU), FIRST GPU_BAR, "UNKNOWN", "no command"};
    static const struct sample high = {NULL, BYTES(GPU), FIRST HIGH_BAR, "PASS",
                                       "a BAR is above 4"};
    static const struct sample size = {NULL, BYTES(GPU), FIRST HIGH_BAR, "PASS", "have 32800 MiB"};
    (void)state;

    judged_as(&failed, "reserved-memory", "-");
    judged_as(&failed, "above-4g-decoding", "-");
    judged_as(&high, "above-4g-decoding", "-");
    judged_as(&size, "bar-size", "-");
}

static void the_window_is_judged_by_what_was_seen(void **state)
{
#define SET(gb) "echo " gb " > DIR/pciPassthru.64bitMMIOSizeGB"
#define PAGES LINE("PCIPassthru: total number of pages needed (4206594) exceeds limit (917504)")
    static const struct {
        struct sample sample;
        const char *command;
    } cases[] = {
        {{NULL, BYTES(GPU SIZE("1")), FIRST GPU_BAR ON, "PASS", "shows that the cards need none"},
         "-"},
        {{NULL, BYTES(GPU SIZE("32")), FIRST HIGH_BAR ON, "PASS", "the cards need 32"}, "-"},
        {{NULL, BYTES(GPU SIZE("31")), FIRST HIGH_BAR ON, "WARN", "31 GiB"}, SET("64")},
        {{NULL, BYTES(GPU ARC SIZE("47")), FIRST HIGH_BAR ARC_BAR ON, "WARN", "need 48"},
         SET("64")},
        {{NULL, BYTES(GPU SIZE("16")), FIRST PAGES, "WARN", "2026-03-01 shows"}, SET("32")},
        {{NULL, BYTES(GPU SIZE("32")), FIRST PAGES, "PASS", "need 32"}, "-"},
        /* What the rule says, where the log is of other cards. */
        {{NULL, BYTES(GPU ARC SIZE("16")), FIRST HIGH_BAR ON, "WARN", "the rule for 18 GB"},
         SET("64")},
        {{NULL, BYTES(GPU SIZE("1")), "", "WARN", "the rule for 2 GB"}, SET("4")},
    };
    static const struct sample none = {NULL, BYTES(GPU), FIRST GPU_BAR ON, "PASS", "fit below 4"};
    static const struct sample large = {NULL, BYTES(GPU), FIRST HIGH_BAR, "WARN", "may need more"};
    static const struct sample pages = {NULL, BYTES(GPU), FIRST PAGES, "WARN", "may need more"};
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        judged_as(&cases[i].sample, "mmio-size", cases[i].command);
    judged_as(&none, "mmio-64bit", "-");
    judged_as(&large, "mmio-64bit", "echo TRUE > DIR/pciPassthru.use64bitMMIO");
    judged_as(&pages, "mmio-64bit", "echo TRUE > DIR/pciPassthru.use64bitMMIO");
#undef SET
#undef PAGES
}

/* A card that runs has only advice left, and advice is never the worst. */
static void a_vm_that_has_started_passes(void **state)
{
    static const struct span text =
        BYTES(GPU DEVICE("1", "00000:003:00.1", "0x10de", "0x0fb9") SYSTEM(
            "1",
            UUID) "memSize = \"8192\"\nsched.mem.min = \"8192\"\nfirmware = \"efi\"\n"
                  "pciBridge0.present = \"TRUE\"\npciBridge4.present = "
                  "\"TRUE\"\npciBridge5.present = \"TRUE\"\n"
                  "pciBridge6.present = \"TRUE\"\npciBridge7.present = \"TRUE\"\n");
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    struct machine m;
    START_AUTO start;
    (void)state;

    machine_init(&m, &profiles);
    assert_int_equal(vm_start_read(SPAN_LITERAL(FIRST GPU_BAR ON), &start), 0);
    m.around.start = &start;
    struct vmx_check check = run_around(text, &m.around, "D", &report);
    if (check.worst != VMX_PASS || check.count[VMX_NOTE] == 0)
        fail_msg("%s", report.data);
}

/* Reading a log costs: only reports on graphics cards have a use for it. */
static void only_a_card_needs_a_log(void **state)
{
    static const struct {
        struct span text;
        bool needs, needs_without_host;
    } cases[] = {
        {BYTES(GPU), true, true},
        {BYTES(ARC), true, true},
        {BYTES(NIC), false, false},
        {BYTES("pciPassthru0.present = \"TRUE\"\npciPassthru0.id = \"00000:003:00.0\"\n"), true,
         false},
        {BYTES("memSize = \"4096\"\n"), false, false},
    };
    PROFILES_AUTO profiles = {0};
    struct machine m;
    (void)state;

    machine_init(&m, &profiles);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        DICT_AUTO dict = parsed(cases[i].text);
        bool needs = !cases[i].needs;
        assert_int_equal(vmx_check_needs_log(dict, &m.around, &needs), 0);
        assert_int_equal(needs, cases[i].needs);
        assert_int_equal(vmx_check_needs_log(dict, NO_HOST(&profiles), &needs), 0);
        assert_int_equal(needs, cases[i].needs_without_host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_with_the_device_answers_what_no_command_does),
        cmocka_unit_test(a_power_on_that_failed_shows_what_it_saw),
        cmocka_unit_test(the_window_is_judged_by_what_was_seen),
        cmocka_unit_test(a_vm_that_has_started_passes),
        cmocka_unit_test(only_a_card_needs_a_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
