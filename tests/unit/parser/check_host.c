/* SPDX-License-Identifier: MIT */
/* Rules that need a host: each where it is good and where it is bad, and without a host. */
#include "samples.h"

/* The outer profile, as recorded. */
#define OUTER "vmxfs.profile = \"nested-esxi\"\n"

/* ---- changes ---- */

static void powered_on(struct machine *m)
{
    m->vm.power = VMX_POWER_ON;
}

static void suspended(struct machine *m)
{
    m->vm.power = VMX_POWER_SUSPENDED;
}

static void power_unknown(struct machine *m)
{
    m->vm.power = VMX_POWER_UNKNOWN;
}

static void unregistered(struct machine *m)
{
    m->vm.power = VMX_POWER_UNKNOWN;
    m->vm.listed = VMX_NO;
}

static void vm_unknown(struct machine *m)
{
    m->around.vm = NULL;
}

static void no_host(struct machine *m)
{
    m->around.host = NULL;
    m->around.vm = NULL;
}

static void release(struct machine *m, unsigned a, unsigned b, unsigned c, unsigned long build)
{
    m->host.version[0] = a;
    m->host.version[1] = b;
    m->host.version[2] = c;
    m->host.build = build;
}

static void by_bridge(struct machine *m)
{
    m->pci[AT_ARC].reset = m->pci[AT_AMD].reset = "Bridge reset";
}

static void reset_unknown(struct machine *m)
{
    m->pci[AT_ARC].reset = "";
}

static void no_uuid(struct machine *m)
{
    m->host.uuid = "";
}

static void no_list(struct machine *m)
{
    m->host.n_pci = 0;
}

static void other_host(struct machine *m)
{
    m->host.uuid = OTHER_UUID;
}

static void nested(struct machine *m)
{
    m->host.nested = VMX_YES;
}

static void amd(struct machine *m)
{
    m->host.cpu = VMX_CPU_AMD;
}

static void disabled(struct machine *m)
{
    m->pci[AT_GPU].enabled = m->pci[AT_GPU].active = VMX_NO;
    m->pci[AT_GPU].owner = "VMkernel";
}

static void pending(struct machine *m)
{
    m->pci[AT_GPU].active = VMX_NO;
}

static void incapable(struct machine *m)
{
    m->pci[AT_GPU].capable = VMX_NO;
}

static void not_told(struct machine *m)
{
    m->pci[AT_GPU].capable = m->pci[AT_GPU].enabled = m->pci[AT_GPU].active = VMX_NOT_KNOWN;
}

static void only_card(struct machine *m)
{
    disabled(m);
    m->pci[AT_VGA].class = m->pci[AT_AMD].class = m->pci[AT_ARC].class = m->pci[AT_IGPU].class =
        0x0200;
}

static void audio_disabled(struct machine *m)
{
    m->pci[AT_GPU_AUDIO].enabled = VMX_NO;
}

static void audio_incapable(struct machine *m)
{
    m->pci[AT_GPU_AUDIO].capable = VMX_NO;
}

/* ---- the VM and the host ---- */

static void a_profile_is_for_a_vm_that_is_off(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(""), "PASS", "powered-off", NULL, "-"},
        {powered_on, BYTES(""), "NOTE", "powered-off", "powered on", "-"},
        {suspended, BYTES(""), "NOTE", "powered-off", "suspended", "-"},
    };
    static void (*const unknown[])(struct machine *m) = {power_unknown, unregistered, vm_unknown,
                                                         no_host};
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO report = {0};
    struct machine m;
    (void)state;

    JUDGED(samples);
    /* What was applied may run. */
    add_shipped(&profiles);
    machine_init(&m, &profiles);
    powered_on(&m);
    planned_around(small_vm, &m.around, "inner-guest", &text);
    run_around(buf_span(&text), &m.around, "D", &report);
    assert_null(strstr(report.data, "\tpowered-off\t"));
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        buf_clear(&report);
        machine_init(&m, &profiles);
        unknown[i](&m);
        run_around(small_vm, &m.around, "D", &report);
        assert_null(strstr(report.data, "\tpowered-off\t"));
    }
}

/* Nothing is wrong with what only a profile or a device would mind. */
static void an_ordinary_vm_is_right_on_any_host(void **state)
{
    static const struct span text = BYTES(
        "virtualHW.version = \"10\"\nmemSize = \"4096\"\nmem.hotadd = \"TRUE\"\nvcpu.hotadd = "
        "\"TRUE\"\nvvtd.enable = \"TRUE\"\nvhv.enable = \"TRUE\"\nscsi0:0.fileName = "
        "\"a-000003.vmdk\"\nfirmware = \"bios\"\n");
    static void (*const changes[])(struct machine *m) = {powered_on, suspended,     amd,
                                                         nested,     power_unknown, unregistered,
                                                         other_host, no_list,       no_host};
    PROFILES_AUTO profiles = {0};
    struct machine m;
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        BUF_AUTO report = {0};
        machine_init(&m, &profiles);
        release(&m, 6, 5, 0, 5969303);
        changes[i](&m);
        if (run_around(text, &m.around, "D", &report).worst != VMX_PASS)
            fail_msg("%s", report.data);
    }
}

static void the_version_has_to_be_the_guides(void **state)
{
    static const struct {
        unsigned version[3];
        unsigned long build;
        enum vmx_truth nested;
        const char *severity, *found;
    } cases[] = {
        {{6, 7, 0}, 21000000, VMX_NO, "FAIL", "ESXi 6.7.0 build 21000000: too old"},
        {{7, 0, 3}, 19193899, VMX_NO, "FAIL", "7.0 Update 3c"},
        {{7, 0, 3}, 19193900, VMX_NO, "WARN", "7.0 Update 3g"},
        {{7, 0, 3}, 20328352, VMX_NO, "WARN", "7.0 Update 3g"},
        {{7, 0, 3}, 20328353, VMX_NO, "PASS", "ESXi 7.0.3 build 20328353"},
        {{7, 0, 3}, 21930508, VMX_NO, "PASS", NULL},
        {{8, 0, 0}, 20513097, VMX_NO, "WARN", "latest patch"},
        {{8, 0, 1}, 22088125, VMX_NO, "WARN", "latest patch"},
        {{8, 0, 2}, 22380479, VMX_NO, "NOTE", "the first 8.x could not do it"},
        {{8, 0, 3}, 24022510, VMX_NO, "NOTE", "latest patch"},
        {{9, 0, 0}, 24755229, VMX_NO, "NOTE", "tried with 7.0 Update 3g"},
        {{7, 0, 3}, 21930508, VMX_YES, "FAIL", "8.0 Update 1"},
        {{8, 0, 0}, 20513097, VMX_YES, "FAIL", "8.0 Update 1"},
        {{8, 0, 1}, 21495796, VMX_YES, "FAIL", "8.0 Update 1"},
        {{8, 0, 1}, 21495797, VMX_YES, "PASS", "nested"},
        {{8, 0, 2}, 22380479, VMX_YES, "PASS", "nested"},
        {{7, 0, 3}, 19193899, VMX_NOT_KNOWN, "FAIL", "too old"},
        {{8, 0, 1}, 21495797, VMX_NOT_KNOWN, "UNKNOWN", "nested?"},
        {{0, 0, 0}, 21495797, VMX_NO, "UNKNOWN", "the host would tell"},
        {{7, 0, 3}, 0, VMX_NO, "UNKNOWN", "the host would tell"},
    };
    PROFILES_AUTO profiles = {0};
    BUF_AUTO inner = {0};
    struct machine m;
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        machine_init(&m, &profiles);
        release(&m, cases[i].version[0], cases[i].version[1], cases[i].version[2], cases[i].build);
        m.host.nested = cases[i].nested;
        reports_around(SPAN_LITERAL(OUTER), &m.around, cases[i].severity, "esxi-version",
                       cases[i].found, "-");
    }
    reports(SPAN_LITERAL(OUTER), &profiles, "UNKNOWN", "esxi-version", "the host would tell", "-");
    /* The bug of 8.x is one of the outer hop. */
    machine_init(&m, &profiles);
    release(&m, 8, 0, 3, 24022510);
    planned_around(small_vm, &m.around, "inner-guest", &inner);
    reports_around(buf_span(&inner), &m.around, "PASS", "esxi-version", NULL, "-");
}

static void what_no_command_shows_is_unknown(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(GPU), "UNKNOWN", "reserved-memory", "RMRR", "-"},
        {NULL, BYTES(GPU), "UNKNOWN", "above-4g-decoding", NULL, "-"},
        {NULL, BYTES(GPU), "UNKNOWN", "bar-size", NULL, "-"},
        {no_host, BYTES(GPU), "UNKNOWN", "reserved-memory", NULL, "-"},
        {no_host, BYTES(GPU), "UNKNOWN", "above-4g-decoding", NULL, "-"},
        {no_host, BYTES(GPU), "UNKNOWN", "bar-size", NULL, "-"},
    };
    (void)state;
    JUDGED(samples);
}

/* ---- AMD ---- */

static void an_amd_host_needs_its_own_setting(void **state)
{
#define OWN "vmxfs.profile = \"own\"\n"
#define SET "amd.iommu.supportsPcip = \"TRUE\"\n"
    static const struct sample samples[] = {
        {amd, BYTES(OUTER), "FAIL", "amd-iommu", "missing",
         "echo TRUE > DIR/amd.iommu.supportsPcip"},
        {amd, BYTES(OUTER "amd.iommu.supportsPcip = \"FALSE\"\n"), "FAIL", "amd-iommu", NULL, NULL},
        {amd, BYTES(OUTER SET), "PASS", "amd-iommu", NULL, "-"},
        {no_host, BYTES(OUTER), "UNKNOWN", "amd-iommu", "the host would tell", "-"},
        {no_host, BYTES(OUTER SET), "PASS", "amd-iommu", NULL, "-"},
        {amd, BYTES(OUTER "virtualHW.version = \"18\"\n"), "WARN", "hardware-version-amd",
         "needs 19", "-"},
        {amd, BYTES(OUTER "virtualHW.version = \"19\"\n"), "PASS", "hardware-version-amd", NULL,
         "-"},
    };
    PROFILES_AUTO profiles = {0};
    PROFILES_AUTO own = {0};
    BUF_AUTO text = {0};
    BUF_AUTO report = {0};
    struct machine m;
    (void)state;

    JUDGED(samples);
    add_shipped(&profiles);
    machine_init(&m, &profiles);
    run_around(small_vm, &m.around, "D", &report);
    assert_null(strstr(report.data, "amd"));
    /* Whatever the profile was told, or whether it knows at all. */
    amd(&m);
    planned_around(small_vm, &m.around, "nested-esxi cpu=intel", &text);
    reports_around(buf_span(&text), &m.around, "FAIL", "amd-iommu", "the host's CPU is AMD's",
                   "echo TRUE > DIR/amd.iommu.supportsPcip");
    add_profile(&own, "own", SPAN_LITERAL("vvtd.enable = \"TRUE\"\n"));
    m.around.profiles = &own;
    reports_around(SPAN_LITERAL(OWN), &m.around, "FAIL", "amd-iommu", NULL, NULL);
    reports_around(SPAN_LITERAL(OWN SET), &m.around, "PASS", "amd-iommu", NULL, NULL);
    m.around.profiles = &profiles;
    buf_clear(&text);
    planned_around(small_vm, &m.around, "inner-guest", &text);
    buf_clear(&report);
    run_around(buf_span(&text), &m.around, "D", &report);
    assert_null(strstr(report.data, "amd"));
#undef SET
#undef OWN
}

/* ---- devices ---- */

static void a_device_has_to_be_on_the_host(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(GPU), "PASS", "device-on-host", "pciPassthru0 is 0000:03:00.0, Quadro P600",
         "-"},
        {NULL, BYTES(DEVICE("0", "00000:009:00.0", "0x10de", "0x1cb2")), "FAIL", "device-on-host",
         "0000:09:00.0, which is not on this host", "-"},
        {NULL, BYTES(DEVICE("0", "0000:86:00.0", "0x8086", "0x5690")), "FAIL", "device-on-host",
         "0000:56:00.0, which is not on this host: it was meant in hex",
         "echo 00000:134:00.0 > DIR/pciPassthru0.id"},
        {NULL, BYTES(DEVICE("0", "0000:86:00.0", "0x8086", "0x5691")), "FAIL", "device-on-host",
         "choose another one", "-"},
        {NULL, BYTES(DEVICE("0", "00000:003:00.0", "0x1002", "0x1cb2")), "FAIL", "device-on-host",
         "is 0000:03:00.0 1002:1cb2, but the host has 10de:1cb2", "-"},
        {NULL, BYTES(DEVICE("0", "00000:003:00.0", "0x10de", "0x0001")), "FAIL", "device-on-host",
         NULL, "-"},
        {NULL, BYTES("pciPassthru0.present = \"TRUE\"\npciPassthru0.id = \"00000:003:00.0\"\n"),
         "PASS", "device-on-host", NULL, "-"},
        {no_list, BYTES(GPU), "UNKNOWN", "device-on-host", NULL, "-"},
        {no_host, BYTES(GPU), "UNKNOWN", "device-on-host", "0000:03:00.0", "-"},
    };
    (void)state;
    JUDGED(samples);
}

static void a_device_has_to_be_bound_to_this_host(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(GPU), "PASS", "device-system", UUID, "-"},
        {other_host, BYTES(GPU), "FAIL", "device-system", "this one is " OTHER_UUID,
         "echo " OTHER_UUID " > DIR/pciPassthru0.systemId"},
        {NULL, BYTES(DEVICE("0", "00000:003:00.0", "0x10de", "0x1cb2")), "FAIL", "device-system",
         "missing", "echo " UUID " > DIR/pciPassthru0.systemId"},
        {NULL, BYTES(DEVICE("0", "00000:003:00.0", "0x10de", "0x1cb2") SYSTEM("0", "BYPASS")),
         "PASS", "device-system", "no host", "-"},
        /* The other way round it would be another host's device. */
        {other_host, BYTES(DEVICE("0", "00000:003:00.0", "0x10de", "0x1cb3") SYSTEM("0", UUID)),
         "FAIL", "device-system", NULL, "-"},
        {no_uuid, BYTES(GPU), "UNKNOWN", "device-system", NULL, "-"},
        {no_host, BYTES(GPU), "UNKNOWN", "device-system", NULL, "-"},
        {no_host, BYTES(DEVICE("0", "00000:003:00.0", "0x10de", "0x1cb2")), "FAIL", "device-system",
         "uuid get", "-"},
    };
    (void)state;
    JUDGED(samples);
}

static void the_host_has_to_let_it_go(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(GPU), "PASS", "passthrough-enabled", NULL, "-"},
        {disabled, BYTES(GPU), "FAIL", "passthrough-enabled", "not enabled",
         "echo 1 > MNT/.vmxfs/host/pci/0000:03:00.0/passthrough"},
        {pending, BYTES(GPU), "WARN", "passthrough-enabled", "rebooted", "-"},
        {incapable, BYTES(GPU), "FAIL", "passthrough-enabled", "cannot be passed", "-"},
        {NULL, BYTES(DEVICE("0", "00000:025:00.0", "0x8086", "0x1563")), "FAIL",
         "passthrough-enabled", "needs it: vmnic0", "-"},
        {not_told, BYTES(GPU), "UNKNOWN", "passthrough-enabled", NULL, "-"},
        {no_list, BYTES(GPU), "UNKNOWN", "passthrough-enabled", NULL, "-"},
        {no_host, BYTES(GPU), "UNKNOWN", "passthrough-enabled", NULL, "-"},
    };
    (void)state;
    JUDGED(samples);
}

/* ---- graphics cards ---- */

static void cards_are_judged(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(OUTER IGPU), "FAIL", "integrated-gpu", "cannot be passed on", "-"},
        {NULL, BYTES(OUTER GPU), "PASS", "integrated-gpu", NULL, "-"},
        {no_host, BYTES(OUTER IGPU), "FAIL", "integrated-gpu", NULL, "-"},
        {no_host, BYTES(OUTER GPU), "PASS", "integrated-gpu", NULL, "-"},
        {NULL, BYTES(RADEON), "NOTE", "gpu-reset", "may hang", "-"},
        {NULL, BYTES(ARC), "NOTE", "gpu-reset", "by \"Function reset\"", "-"},
        {by_bridge, BYTES(ARC), "NOTE", "gpu-reset", "/etc/vmware/passthru.map", "-"},
        {by_bridge, BYTES(RADEON), "NOTE", "gpu-reset", "by now: Bridge reset", "-"},
        {reset_unknown, BYTES(ARC), "UNKNOWN", "gpu-reset", "Reset Method", "-"},
        {no_host, BYTES(RADEON), "NOTE", "gpu-reset", NULL, "-"},
        {no_host, BYTES(ARC), "UNKNOWN", "gpu-reset", "the host would tell", "-"},
        {NULL, BYTES(GPU), "NOTE", "gpu-tested", "10de:1cb2: untested", "-"},
        {NULL, BYTES(ARC), "PASS", "gpu-tested", NULL, "-"},
        {no_host, BYTES(ARC), "PASS", "gpu-tested", NULL, "-"},
        /* The host knows a card that the file only names. */
        {NULL, BYTES("pciPassthru0.present = \"TRUE\"\npciPassthru0.id = \"00000:013:00.0\"\n"),
         "NOTE", "gpu-reset", NULL, "-"},
        {NULL, BYTES(GPU), "PASS", "gpu-console", "not used by the host", "-"},
        {only_card, BYTES(GPU), "NOTE", "gpu-console", "the only card", "-"},
        {disabled, BYTES(GPU), "NOTE", "gpu-console", "no command shows", "-"},
        {no_host, BYTES(GPU), "UNKNOWN", "gpu-console", "the host would tell", "-"},
    };
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    struct machine m;
    (void)state;

    JUDGED(samples);
    /* A network adapter is no card, whoever made it. */
    add_shipped(&profiles);
    machine_init(&m, &profiles);
    run_around(SPAN_LITERAL(DEVICE("0", "00000:025:00.0", "0x8086", "0x1563")), &m.around, "D",
               &report);
    assert_null(strstr(report.data, "\tgpu-"));
    assert_null(strstr(report.data, "\taudio-function\t"));
}

static void an_integrated_gpu_is_not_passed_on_by_a_nested_host(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO report = {0};
    struct machine m;
    (void)state;

    add_shipped(&profiles);
    machine_init(&m, &profiles);
    planned_around(small_vm, &m.around, "inner-guest device=00:02.0", &text);
    run_around(buf_span(&text), &m.around, "D", &report);
    assert_null(strstr(report.data, "\tintegrated-gpu\t"));
    nested(&m);
    reports_around(buf_span(&text), &m.around, "FAIL", "integrated-gpu", NULL, "-");
}

static void the_audio_has_to_come_along(void **state)
{
#define MERGE(id, device)                                                                          \
    "printf '%s\\n' 'pciPassthru1.id = \"" id "\"' 'pciPassthru1.deviceId = \"" device             \
    "\"' 'pciPassthru1.vendorId = \"0x10de\"' 'pciPassthru1.systemId = \"" UUID                    \
    "\"' 'pciPassthru1.present = \"TRUE\"' > DIR/.vmxfs/merge"
    static const struct sample samples[] = {
        {NULL, BYTES(GPU GPU_AUDIO), "PASS", "audio-function", "pciPassthru1 is the audio", "-"},
        {NULL, BYTES(GPU), "WARN", "audio-function", "0000:03:00.1, the audio of pciPassthru0",
         MERGE("00000:003:00.1", "0x0fb9")},
        {NULL, BYTES(ARC ARC_AUDIO), "PASS", "audio-function", NULL, "-"},
        {NULL, BYTES(ARC), "WARN", "audio-function", "0000:87:00.0", NULL},
        {NULL, BYTES(RADEON), "PASS", "audio-function", "no audio function", "-"},
        {audio_disabled, BYTES(GPU), "WARN", "audio-function", "enable its passthrough", "-"},
        {audio_incapable, BYTES(GPU), "PASS", "audio-function", "could be passed", "-"},
        {no_uuid, BYTES(GPU), "WARN", "audio-function", NULL, "-"},
        {no_host, BYTES(GPU), "UNKNOWN", "audio-function", "the host would tell", "-"},
        {no_host, BYTES(GPU GPU_AUDIO), "PASS", "audio-function", NULL, "-"},
    };
    (void)state;
    JUDGED(samples);
#undef MERGE
}

/* ---- commands mend ---- */

static void the_profile_mends_what_it_made(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO bound = {0};
    struct machine m;
    (void)state;

    add_shipped(&profiles);
    machine_init(&m, &profiles);
    m.pci[AT_GPU_AUDIO].capable = VMX_NO;
    planned_around(small_vm, &m.around, "nested-esxi device=03:00.0", &text);
    m.pci[AT_GPU_AUDIO].capable = VMX_YES;
    reports_around(buf_span(&text), &m.around, "WARN", "audio-function", NULL,
                   "echo nested-esxi > DIR/passthrough-profile");
    other_host(&m);
    reports_around(buf_span(&text), &m.around, "FAIL", "device-system", NULL,
                   "echo nested-esxi > DIR/passthrough-profile");
    /* One that was told the host it is bound to. */
    planned(small_vm, &profiles, "nested-esxi " NEW_DEVICE, &bound);
    m.pci[AT_GPU].device = 0x1c82;
    reports_around(buf_span(&bound), &m.around, "FAIL", "device-system", NULL,
                   "echo nested-esxi system= > DIR/passthrough-profile");
    /* Nothing mends a device that is another one here. */
    m.pci[AT_GPU].device = 0x1563;
    m.pci[AT_GPU].enabled = VMX_NO;
    reports_around(buf_span(&bound), &m.around, "FAIL", "device-system", NULL, "-");
}

static void commands_mend_until_none_is_left(void **state)
{
    static const struct span texts[] = {
        BYTES("memSize = \"4096\"\nmem.hotadd = \"TRUE\"\n" GPU),
        BYTES("memSize = 4096\r\nMEMSIZE = \"4096\"\r\nvcpu.hotadd = \"TRUE\"\r\n"
              "pciPassthru0.id = \"0000:0d:00.0\"\r\npciPassthru0.present = \"TRUE\""),
        BYTES("memSize = \"4096\"\n" ARC SYSTEM("0", OTHER_UUID)),
    };
    static const char *const lines[] = {"none", "nested-esxi", "inner-guest",
                                        "nested-esxi mmio=8 device=03:00.0",
                                        "inner-guest device=86:00.0"};
    static void (*const changes[])(struct machine *m) = {
        powered_on, other_host, disabled, audio_disabled, amd, nested, no_list, pending};
    enum { CHANGES = sizeof(changes) / sizeof(changes[0]) };
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < 3 * 5 * CHANGES; i++) {
        BUF_AUTO text = {0};
        BUF_AUTO report = {0};
        struct machine m;
        machine_init(&m, &profiles);
        planned_around(texts[i % 3], &m.around, lines[i / 3 % 5], &text);
        changes[i / 15](&m);
        m.pci[AT_ARC_AUDIO].enabled = m.pci[AT_ARC_AUDIO].active = VMX_NO;
        mend_all(&text, &m.around, &m);
        run_around(buf_span(&text), &m.around, "D", &report);
        for (const char *const *rule = (const char *const[]){"profile", "duplicate-keys",
                                                             "powered-off", "mmio-64bit", NULL};
             *rule; rule++)
            assert_null(find_line(&report, "FAIL", *rule));
        if (changes[i / 15] == other_host)
            assert_null(find_line(&report, "FAIL", "device-system"));
        if (changes[i / 15] != pending)
            assert_null(find_line(&report, "FAIL", "passthrough-enabled"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_for_a_vm_that_is_off),
        cmocka_unit_test(an_ordinary_vm_is_right_on_any_host),
        cmocka_unit_test(the_version_has_to_be_the_guides),
        cmocka_unit_test(what_no_command_shows_is_unknown),
        cmocka_unit_test(an_amd_host_needs_its_own_setting),
        cmocka_unit_test(a_device_has_to_be_on_the_host),
        cmocka_unit_test(a_device_has_to_be_bound_to_this_host),
        cmocka_unit_test(the_host_has_to_let_it_go),
        cmocka_unit_test(cards_are_judged),
        cmocka_unit_test(an_integrated_gpu_is_not_passed_on_by_a_nested_host),
        cmocka_unit_test(the_audio_has_to_come_along),
        cmocka_unit_test(the_profile_mends_what_it_made),
        cmocka_unit_test(commands_mend_until_none_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
