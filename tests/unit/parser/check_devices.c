/* SPDX-License-Identifier: MIT */
/* What people know about devices: their kinds, how many there may be, and who else has them. */
#include "samples.h"

#define PRESENT(n) "pciPassthru" n ".present = \"TRUE\"\n"
#define VERSION(n) "virtualHW.version = \"" n "\"\n"

/* ---- changes ---- */

static void no_host(struct machine *m)
{
    m->around.host = NULL;
    m->around.vm = NULL;
}

static void esxi_7(struct machine *m)
{
    m->host.version[0] = 7;
}

static void esxi_8(struct machine *m)
{
    m->host.version[0] = 8;
    m->host.version[2] = 0;
}

static void esxi_8_update_1(struct machine *m)
{
    m->host.version[0] = 8;
    m->host.version[2] = 1;
}

static void esxi_9(struct machine *m)
{
    m->host.version[0] = 9;
    m->host.version[2] = 0;
}

static void version_unknown(struct machine *m)
{
    m->host.version[0] = 0;
}

/* ---- SR-IOV ---- */

/* The NIC is the host's. */
#define ADAPTER PRESENT("0") "pciPassthru0.id = \"00000:025:00.0\"\n"
#define PF_ID "pciPassthru0.pfId = \"00000:025:00.0\"\n"
#define ZEROS "pciPassthru0.deviceId = \"0\"\npciPassthru0.vendorId = \"0\"\n"
#define FUNCTION "pciPassthru0.deviceId = \"0x1515\"\npciPassthru0.vendorId = \"0x8086\"\n"

static void adapters_share_their_functions(void **state)
{
    static const char *const files[] = {
        ADAPTER PF_ID ZEROS SYSTEM("0", "BYPASS"),
        ADAPTER PF_ID FUNCTION SYSTEM("0", "bypass"),
        ADAPTER ZEROS SYSTEM("0", "BYPASS"),
        ADAPTER PF_ID FUNCTION,
        PRESENT("0") PF_ID ZEROS SYSTEM("0", "BYPASS"),
    };
    static const char *const rules[] = {"device-id", "device-on-host", "device-system",
                                        "passthrough-enabled"};
    static const struct sample samples[] = {
        {NULL, BYTES(ADAPTER FUNCTION SYSTEM("0", UUID)), "FAIL", "device-on-host", NULL, NULL},
        {NULL, BYTES(ADAPTER ZEROS SYSTEM("0", UUID)), "FAIL", "passthrough-enabled", NULL, NULL},
        {NULL, BYTES(PRESENT("0") SYSTEM("0", "BYPASS")), "FAIL", "device-id", NULL, "-"},
        {NULL, BYTES(PRESENT("0") "pciPassthru0.id = \"00000:026:00.0\"\n" SYSTEM("0", "BYPASS")),
         "FAIL", "device-on-host", "not on this host", "-"},
        {no_host, BYTES(ADAPTER PF_ID ZEROS SYSTEM("0", "BYPASS")), "UNKNOWN", "device-on-host",
         NULL, "-"},
    };
    PROFILES_AUTO profiles = {0};
    struct machine m;
    (void)state;

    machine_init(&m, &profiles);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++)
            reports_around(span_of(files[i]), &m.around, "PASS", rules[k], NULL, "-");
    }
    JUDGED(samples);
}

/* ---- Dynamic DirectPath and virtual GPUs ---- */

#define DYNAMIC(devices) PRESENT("0") "pciPassthru0.allowedDevices = \"" devices "\"\n"
#define SIZE(gb) "pciPassthru.64bitMMIOSizeGB = \"" gb "\"\n"

static void the_host_chooses_among_devices(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(VERSION("17") DYNAMIC("0x10de:0x1eb8")), "PASS", "dynamic-directpath", NULL,
         "-"},
        {NULL, BYTES(VERSION("16") DYNAMIC("0x10de:0x1eb8")), "FAIL", "dynamic-directpath",
         "needs 17", "-"},
        {NULL, BYTES(DYNAMIC("0x10de:0x1eb8")), "FAIL", "dynamic-directpath", NULL, "-"},
        {NULL, BYTES(DYNAMIC("0x10de:0x1eb8")), "PASS", "device-id", "chosen by the host", "-"},
        {NULL, BYTES(DYNAMIC("0x10de:0x1eb8")), "PASS", "device-system", NULL, "-"},
        {NULL, BYTES(DYNAMIC("0x10de:0x1eb8") SIZE("32")), "PASS", "mmio-size", "16 GB", "-"},
        {NULL, BYTES(DYNAMIC("0x10de:0x1eb8") SIZE("16")), "WARN", "mmio-size", "is 32",
         "echo 32 > DIR/pciPassthru.64bitMMIOSizeGB"},
        /* any of them may be chosen */
        {NULL, BYTES(DYNAMIC("0x10de:0x1cb2,0x10de:0x2331, 0x10de:0x1eb8") SIZE("32")), "WARN",
         "mmio-size", "80 GB on the cards is 256", NULL},
        {NULL, BYTES(DYNAMIC("0x10de:0x2331,0x10de:0x9999") SIZE("32")), "UNKNOWN", "mmio-size",
         NULL, "-"},
        {NULL, BYTES(DYNAMIC("x,,0x10de:0x1eb8") SIZE("32")), "PASS", "mmio-size", "16 GB", "-"},
        {no_host, BYTES(DYNAMIC("0x10de:0x1eb8") SIZE("32")), "PASS", "mmio-size", "16 GB", "-"},
    };
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    struct machine m;
    (void)state;

    JUDGED(samples);
    machine_init(&m, &profiles);
    /* A NIC is no card, and has no address to judge. */
    run_around(SPAN_LITERAL(DYNAMIC("0x8086:0x1563")), &m.around, "D", &report);
    assert_null(strstr(report.data, "\tmmio-"));
    assert_null(strstr(report.data, "\tdevice-on-host\t"));
    assert_null(strstr(report.data, "\tpassthrough-enabled\t"));
}

#define VGPU PRESENT("0") "pciPassthru0.vgpu = \"grid_t4-8q\"\n"
#define IOMMU "vvtd.enable = \"TRUE\"\n"
#define VMIOP(name) "pciPassthru.vmiop." name " = \"TRUE\"\n"

static void a_virtual_gpu_and_a_virtual_iommu(void **state)
{
    static const char command[] =
        "printf '%s\\n' 'pciPassthru.vmiop.allowViommu = \"TRUE\"' "
        "'pciPassthru.vmiop.enableViommu = \"TRUE\"' > DIR/.vmxfs/merge";
    static const struct sample samples[] = {
        {esxi_7, BYTES(VGPU IOMMU), "FAIL", "vgpu-iommu", "ESXi 7.x does not power on", "-"},
        {esxi_7, BYTES(VGPU IOMMU VMIOP("allowViommu") VMIOP("enableViommu")), "FAIL", "vgpu-iommu",
         NULL, "-"},
        {esxi_8, BYTES(VGPU IOMMU), "WARN", "vgpu-iommu", "SR-IOV", command},
        {esxi_8, BYTES(VGPU IOMMU VMIOP("allowViommu")), "WARN", "vgpu-iommu", NULL, command},
        {esxi_8, BYTES(VGPU IOMMU VMIOP("allowViommu") VMIOP("enableViommu")), "PASS", "vgpu-iommu",
         NULL, "-"},
        {esxi_9, BYTES(VGPU IOMMU), "WARN", "vgpu-iommu", NULL, command},
        {version_unknown, BYTES(VGPU IOMMU), "UNKNOWN", "vgpu-iommu", NULL, "-"},
        {no_host, BYTES(VGPU IOMMU), "UNKNOWN", "vgpu-iommu", "the host would tell", "-"},
        {NULL, BYTES(VGPU), "PASS", "device-id", "chosen by the host", "-"},
    };
    static const char *const quiet[] = {VGPU, GPU IOMMU};
    PROFILES_AUTO profiles = {0};
    struct machine m;
    (void)state;

    JUDGED(samples);
    machine_init(&m, &profiles);
    for (size_t i = 0; i < 2; i++) {
        BUF_AUTO report = {0};
        run_around(span_of(quiet[i]), &m.around, "D", &report);
        assert_null(strstr(report.data, "vgpu-iommu"));
    }
}

/* ---- how many ---- */

static void add_devices(const char *version, size_t n, struct buf *ret)
{
    assert_int_equal(buf_addf(ret, "virtualHW.version = \"%s\"\n", version), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_addf(ret,
                                  "pciPassthru%zu.present = \"TRUE\"\n"
                                  "pciPassthru%zu.id = \"00001:%03zu:%02zu.0\"\n",
                                  i, i, i / 32, i % 32),
                         0);
}

static void there_are_as_many_as_the_version_allows(void **state)
{
    static const struct {
        const char *version;
        void (*host)(struct machine *m);
        size_t most;
    } rows[] = {
        {"13", esxi_8, 16},          {"19", esxi_8, 16},
        {"20", esxi_8, 32},          {"20", esxi_8_update_1, 64},
        {"20", version_unknown, 64}, {"20", no_host, 64},
        {"21", esxi_8, 128},         {"22", esxi_9, 128},
        {"12", esxi_8, 128}, /* not known */
    };
    PROFILES_AUTO profiles = {0};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct machine m;
        machine_init(&m, &profiles);
        rows[i].host(&m);
        for (size_t more = 0; more < 2; more++) {
            BUF_AUTO text = {0};
            add_devices(rows[i].version, rows[i].most + more, &text);
            reports_around(buf_span(&text), &m.around, more ? "FAIL" : "PASS", "device-count",
                           rows[i].version, "-");
        }
    }
}

static void any_number_is_judged(void **state)
{
    PROFILES_AUTO profiles = {0};
    struct machine m;
    (void)state;

    machine_init(&m, &profiles);
    for (size_t n = 40; n < 2000; n += 1900) {
        BUF_AUTO text = {0};
        BUF_AUTO report = {0};
        BUF_AUTO worse = {0};
        add_devices("21", n, &text);
        struct vmx_check one = run_around(buf_span(&text), &m.around, "D", NULL);
        assert_int_equal(one.count[VMX_FAIL], 2 * n + 1 + (n > 128));
        char key[40];
        snprintf(key, sizeof(key), "pciPassthru%zu.id", n - 1);
        edited(&text, key, "none", &worse);
        struct vmx_check two = run_around(buf_span(&worse), &m.around, "D", &report);
        assert_int_equal(two.count[VMX_PASS], one.count[VMX_PASS] - 1);
        assert_true((find_line(&report, "FAIL", "device-id") != NULL) == (n <= 128));
        assert_true(report.len < 128 * 1024);
    }
}

/* ---- who else has it ---- */

#define AGAIN DEVICE("7", "00000:003:00.0", "0x10de", "0x1cb2") SYSTEM("7", UUID)

static void nothing_is_passed_twice(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(GPU GPU_AUDIO), "PASS", "device-twice", NULL, "-"},
        {NULL, BYTES(GPU GPU_AUDIO AGAIN), "FAIL", "device-twice",
         "0000:03:00.0 is both pciPassthru0 and pciPassthru7", "-"},
        {no_host, BYTES(AGAIN GPU), "FAIL", "device-twice", NULL, "-"},
    };
    /* These share what they name, or name nothing, or are not there. */
    static const char *const quiet[] = {
        ADAPTER SYSTEM("0", "BYPASS") PRESENT("1") "pciPassthru1.id = \"00000:025:00.0\"\n" SYSTEM(
            "1", "BYPASS"),
        ADAPTER PF_ID PRESENT("1") "pciPassthru1.id = \"00000:025:00.0\"\n"
                                   "pciPassthru1.pfId = \"00000:025:00.0\"\n",
        DYNAMIC("0x10de:0x1eb8") PRESENT("1") "pciPassthru1.allowedDevices = \"0x10de:0x1eb8\"\n",
        VGPU PRESENT("1") "pciPassthru1.vgpu = \"grid_t4-8q\"\n",
        GPU "pciPassthru7.present = \"FALSE\"\npciPassthru7.id = \"00000:003:00.0\"\n",
    };
    PROFILES_AUTO profiles = {0};
    struct machine m;
    (void)state;

    JUDGED(samples);
    machine_init(&m, &profiles);
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
        BUF_AUTO report = {0};
        run_around(span_of(quiet[i]), &m.around, "D", &report);
        if (find_line(&report, "FAIL", "device-twice"))
            fail_msg("%s", report.data);
    }
}

static void other_runs(struct machine *m)
{
    m->pci[AT_GPU].user = "/vmfs/volumes/1/other/other.vmx";
    m->pci[AT_NIC].user = "/vmfs/volumes/1/other/other.vmx";
}

static void a_running_vm_has_it(void **state)
{
    static const struct sample samples[] = {
        {other_runs, BYTES(GPU), "NOTE", "device-shared",
         "0000:03:00.0, which /vmfs/volumes/1/other/other.vmx has", "-"},
    };
    PROFILES_AUTO profiles = {0};
    struct machine m;
    (void)state;

    JUDGED(samples);
    for (size_t i = 0; i < 4; i++) {
        BUF_AUTO report = {0};
        machine_init(&m, &profiles);
        if (i == 1)
            m.pci[AT_GPU].user = m.vm.path;
        if (i >= 2)
            other_runs(&m);
        if (i == 2)
            m.around.vm = NULL;
        run_around(i == 3 ? SPAN_LITERAL(ADAPTER SYSTEM("0", "BYPASS")) : SPAN_LITERAL(GPU),
                   &m.around, "D", &report);
        assert_null(strstr(report.data, "device-shared"));
    }
}

/* ---- after a change of the hardware ---- */

static void disk_at_gpu(struct machine *m)
{
    m->pci[AT_GPU].vendor = 0x144d;
    m->pci[AT_GPU].device = 0xa80a;
    m->pci[AT_GPU].class = 0x0108;
    m->pci[AT_GPU].vmkernel_name = "";
}

static void disk_kept(struct machine *m)
{
    disk_at_gpu(m);
    m->pci[AT_GPU].enabled = m->pci[AT_GPU].active = VMX_NO;
    m->pci[AT_GPU].vmkernel_name = "vmhba1";
}

static void passthrough_goes_by_address(void **state)
{
    static const struct sample samples[] = {
        {disk_at_gpu, BYTES(GPU), "FAIL", "device-on-host",
         "0000:03:00.0 10de:1cb2, but the host has 144d:a80a there: it is passed to VMs and the "
         "host needs it, perhaps to boot: a storage controller",
         "-"},
        {disk_kept, BYTES(GPU), "FAIL", "device-on-host", "the controller of its boot disk", "-"},
    };
    PROFILES_AUTO profiles = {0};
    (void)state;

    JUDGED(samples);
    for (size_t i = 0; i < 2; i++) {
        BUF_AUTO report = {0};
        struct machine m;
        machine_init(&m, &profiles);
        (i ? disk_kept : disk_at_gpu)(&m);
        run_around(SPAN_LITERAL(GPU), &m.around, "D", &report);
        /* Nothing offers to enable what is there now, or judges it as a card. */
        assert_null(strstr(report.data, "\tpassthrough-enabled\t"));
        assert_null(strstr(report.data, "\tgpu-"));
        assert_null(strstr(report.data, "host/pci"));
    }
}

/* ---- memory ---- */

static void memory_is_not_limited(void **state)
{
    static const struct sample samples[] = {
        {NULL, BYTES(GPU "memSize = \"4096\"\nsched.mem.max = \"2048\"\n"), "WARN", "memory-limit",
         "2048, below memSize 4096", "echo 4096 > DIR/sched.mem.max"},
        {NULL, BYTES(GPU "memSize = \"4096\"\nsched.mem.max = \"4096\"\n"), "PASS", "memory-limit",
         NULL, "-"},
        {NULL, BYTES(GPU "memSize = \"4096\"\nsched.mem.max = \"-1\"\n"), "PASS", "memory-limit",
         NULL, "-"},
        {NULL, BYTES(GPU "memSize = \"4096\"\nsched.mem.max = \"unlimited\"\n"), "PASS",
         "memory-limit", NULL, "-"},
        {NULL, BYTES(GPU "memSize = \"4096\"\n"), "PASS", "memory-limit", NULL, "-"},
    };
    (void)state;
    JUDGED(samples);
}

/* ---- advice ---- */

static void geforce(struct machine *m)
{
    m->pci[AT_GPU].name = "GA102 [GeForce RTX 3090]";
}

static void apu(struct machine *m)
{
    m->pci[AT_VGA] = (struct vmx_host_pci){
        {0, 13, 0, 2},     0x1022, 0x15df, 0x1080, 0, "PSP", "", .owner = "VMkernel", .reset = "",
        .capable = VMX_YES};
}

static void esxi_6(struct machine *m)
{
    m->host.version[0] = 6;
}

static void inner(struct machine *m)
{
    m->host.nested = VMX_YES;
}

static void nothing(struct machine *m)
{
    (void)m;
}

static void advice_is_given_where_it_applies(void **state)
{
    static const struct sample samples[] = {
        {geforce, BYTES(GPU), "NOTE", "hypervisor-cpuid-v0", "Code 43", "-"},
        {geforce, BYTES(GPU "hypervisor.cpuid.v0 = \"FALSE\"\n"), "NOTE", "hypervisor-cpuid-v0",
         "breaks 7.x", "-"},
        {NULL, BYTES(RADEON "hypervisor.cpuid.v0 = \"FALSE\"\n"), "NOTE", "hypervisor-cpuid-v0",
         "which only old drivers", "-"},
        {NULL, BYTES(GPU "svga.present = \"FALSE\"\n"), "NOTE", "svga-present", NULL, "-"},
        {NULL, BYTES(GPU), "NOTE", "pci-hot-plug", "enablePCIEHotplug", "-"},
        {apu, BYTES(RADEON), "NOTE", "amd-apu", "pciPassthru0 is part of an AMD processor", "-"},
    };
    static const struct {
        void (*change)(struct machine *m);
        const char *text, *rule;
    } quiet[] = {
        {nothing, GPU, "hypervisor-cpuid-v0"},
        {geforce, RADEON, "hypervisor-cpuid-v0"},
        {geforce, "hypervisor.cpuid.v0 = \"FALSE\"\n", "hypervisor-cpuid-v0"},
        {no_host, GPU, "hypervisor-cpuid-v0"},
        {nothing, GPU "svga.present = \"TRUE\"\n", "svga-present"},
        {nothing, "svga.present = \"FALSE\"\n", "svga-present"},
        {esxi_6, GPU, "pci-hot-plug"},
        {inner, GPU, "pci-hot-plug"},
        {no_host, GPU, "pci-hot-plug"},
        {nothing, ADAPTER SYSTEM("0", "BYPASS"), "pci-hot-plug"},
        {nothing, RADEON, "amd-apu"},
        {apu, GPU, "amd-apu"},
    };
    PROFILES_AUTO profiles = {0};
    (void)state;

    JUDGED(samples);
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
        BUF_AUTO report = {0};
        struct machine m;
        machine_init(&m, &profiles);
        quiet[i].change(&m);
        run_around(span_of(quiet[i].text), &m.around, "D", &report);
        if (strstr(report.data, quiet[i].rule))
            fail_msg("row %zu:\n%s", i, report.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapters_share_their_functions),
        cmocka_unit_test(the_host_chooses_among_devices),
        cmocka_unit_test(a_virtual_gpu_and_a_virtual_iommu),
        cmocka_unit_test(there_are_as_many_as_the_version_allows),
        cmocka_unit_test(any_number_is_judged),
        cmocka_unit_test(nothing_is_passed_twice),
        cmocka_unit_test(a_running_vm_has_it),
        cmocka_unit_test(passthrough_goes_by_address),
        cmocka_unit_test(memory_is_not_limited),
        cmocka_unit_test(advice_is_given_where_it_applies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
