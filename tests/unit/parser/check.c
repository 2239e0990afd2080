/* SPDX-License-Identifier: MIT */
#include "parser/check/check.h"

#include "reports.h"

#define ARC "device=03:00.0 vendor=8086 deviceid=5690 system=5aec7ae7-7d90-8511-435a-d094660b7768"

/* The outer profile, as recorded: all of it is to be set, and where memSize is missing it would be
 * refused, so that the commands are about the single settings. */
#define REFUSED "vmxfs.profile = \"nested-esxi\"\n"
#define ACTIVE REFUSED "memSize = \"8192\"\n"
#define A_CARD "pciPassthru0.present = \"TRUE\"\npciPassthru0.id = \"00000:003:00.0\"\n"

#define KIND(vendor, device)                                                                       \
    "pciPassthru0.vendorId = \"" vendor "\"\npciPassthru0.deviceId = \"" device "\"\n"

static const struct span bare = BYTES("memSize = \"8192\"\n");

static void applied(const char *line, struct span text, const struct vmx_profiles *profiles,
                    struct buf *ret)
{
    buf_clear(ret);
    planned(text, profiles, line, ret);
}

static void with(struct span text, const char *key, const char *value, struct buf *ret)
{
    BUF_AUTO out = {0};
    assert_int_equal(apply_set(text, span_of(key), span_of(value), &out), 0);
    buf_done(ret);
    *ret = out;
    out = (struct buf){0};
}

/* ---- form ---- */

static void each_line_has_four_columns_and_the_last_sums_up(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    size_t lines = 0;
    size_t n[5] = {0};
    (void)state;

    add_shipped(&profiles);
    struct vmx_check check =
        run(SPAN_LITERAL("memSize = \"1\t2\x01\"\na = \"1\nA = \"1\t2\"\na=2\n"), &profiles, "D",
            &report);
    const char *line = report.data;
    for (; *line != '#'; line = strchr(line, '\n') + 1) {
        size_t tabs = 0;
        for (const char *c = line; *c != '\n'; c++)
            tabs += *c == '\t';
        assert_int_equal(tabs, 3);
        lines++;
    }
    assert_int_equal(sscanf(line, "# %zu PASS, %zu WARN, %zu FAIL, %zu UNKNOWN, %zu NOTE\n", &n[0],
                            &n[1], &n[2], &n[3], &n[4]),
                     5);
    assert_int_equal(n[0] + n[1] + n[2] + n[3] + n[4], lines);
    assert_int_equal(n[0], check.count[VMX_PASS]);
    assert_int_equal(n[1], check.count[VMX_WARN]);
    assert_int_equal(n[2], check.count[VMX_FAIL]);
    assert_int_equal(n[3], check.count[VMX_UNKNOWN]);
    assert_int_equal(n[4], check.count[VMX_NOTE]);
    assert_int_equal(check.worst, VMX_FAIL);
    assert_string_equal(strchr(line, '\n'), "\n");
}

static void counting_needs_no_report(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    (void)state;

    add_shipped(&profiles);
    struct vmx_check a = run(bare, &profiles, "D", &report);
    struct vmx_check b = run(bare, &profiles, "D", NULL);
    assert_memory_equal(a.count, b.count, sizeof(a.count));
    assert_int_equal(a.worst, b.worst);
}

/* ---- the file ---- */

static void the_file_itself_is_judged(void **state)
{
    static const struct {
        struct span text;
        const char *severity, *rule, *found, *command;
    } cases[] = {
        {BYTES("a = \"1\n\nb = \"2\"\nc d\n"), "FAIL", "malformed-lines", "line 1, 4", "-"},
        {BYTES("\xef\xbb\xbf"
               "a\n"),
         "FAIL", "malformed-lines", "line 1", "-"},
        {BYTES("a = \"1\"\n"), "PASS", "malformed-lines", NULL, "-"},
        {BYTES("Net.a = \"1\"\nb = \"2\"\nnet.A = \"it's\"\n"), "FAIL", "duplicate-keys",
         "net.A occurs 2 times: lines 1, 3", "echo 'it'\\''s' > DIR/net.A"},
        {BYTES("a/b = \"\"\na/b = \"\"\n"), "FAIL", "duplicate-keys", NULL, "echo '' > DIR/a%2Fb"},
        {BYTES("a = \"-n\"\na = \"-n\"\n"), "FAIL", "duplicate-keys", NULL,
         "printf '%s\\n' -n > DIR/a"},
        {BYTES("a = \"x|0Ay\"\na = \"x|0Ay\"\n"), "FAIL", "duplicate-keys", NULL, "-"},
        {BYTES("a = \"1\"\n"), "PASS", "duplicate-keys", NULL, "-"},
        {BYTES(".encoding = \"klingon\"\n"), "WARN", "encoding", "klingon", "-"},
        {BYTES(".encoding = \"utf8\"\n"), "PASS", "encoding", "UTF-8", "-"},
        {BYTES("encryption.data = \"x\"\n"), "WARN", "encrypted", NULL, "-"},
        {BYTES("numvcpus = \"none\"\n"), "WARN", "setting-values", "numvcpus wants", "-"},
        {BYTES("memSize = \"8192\"\n"), "PASS", "setting-values", NULL, "-"},
        {BYTES("a = \"1\"\nsata0.present = TRUE # c\n"), "WARN", "unquoted-values",
         "sata0.present has no quotes: line 2", "echo TRUE > DIR/sata0.present"},
        {BYTES("a =\n"), "WARN", "unquoted-values", "a has no quotes: line 1", "echo '' > DIR/a"},
        {BYTES("a = x|0Ay\n"), "WARN", "unquoted-values", NULL, "-"},
        {BYTES("a = \"1\"\n"), "PASS", "unquoted-values", NULL, "-"},
        {BYTES("\xef\xbb\xbf"
               "a = \"1\"\n"),
         "WARN", "byte-order-mark", "begins with a byte order mark", "-"},
    };
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        reports(cases[i].text, &profiles, cases[i].severity, cases[i].rule, cases[i].found,
                cases[i].command);
    assert_int_equal(buf_add_str(&text, "# x\n"), 0);
    for (size_t i = 0; i < 256; i++)
        assert_int_equal(buf_add_char(&text, 'k'), 0);
    assert_int_equal(buf_add_str(&text, " = 1\n"), 0);
    reports(buf_span(&text), &profiles, "WARN", "long-names", "line 2", "-");
}

static void an_image_that_is_gone_is_cleared(void **state)
{
    static const struct span suspended = BYTES("checkpoint.vmState = \"a-1.vmss\"\n");
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    struct vmx_around around = {.profiles = &profiles};
    (void)state;

    run_around(suspended, &around, "D", &report);
    assert_null(strstr(report.data, "suspend-image"));
    around.image_gone = true;
    reports_around(suspended, &around, "WARN", "suspend-image", "a-1.vmss",
                   "echo '' > DIR/checkpoint.vmState");
}

static void names_that_look_like_slips_are_told(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    (void)state;

    const struct vmx_check check =
        run(SPAN_LITERAL("memSize = \"4096\"\nmemSzie = \"4096\"\nmyOwn = \"x\"\n"
                         "ethernet0.adressType = \"generated\"\n"),
            &profiles, "DIR", &report);
    assert_non_null(strstr(report.data,
                           "NOTE\t"
                           "unknown-setting\tmemSzie: no setting of VMware's is "
                           "known by this name; was memSize meant?\t-\n"));
    assert_non_null(strstr(report.data, "NOTE\tunknown-setting\tethernet0.adressType: "));
    assert_int_equal(check.count[VMX_NOTE], 2);
    assert_int_equal(check.worst, VMX_PASS);
}

/* Whatever is wrong with it. What is wrong on the host can be mended there. */
static void nothing_mends_an_encrypted_vm(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO report = {0};
    struct machine m;
    (void)state;

    add_shipped(&profiles);
    machine_init(&m, &profiles);
    m.pci[AT_GPU].enabled = m.pci[AT_GPU].active = VMX_NO;
    m.around.image_gone = true;
    assert_int_equal(buf_add_str(&text,
                                 "memSize = 4096\nmemsize = \"8192\"\n"
                                 "sched.mem.max = \"1\"\nvhv.enable = \"TRUE\"\n"
                                 "mem.hotadd = \"TRUE\"\nvcpu.hotadd = \"TRUE\"\n"
                                 "checkpoint.vmState = \"a-1.vmss\"\n"
                                 "pciPassthru0.present = \"TRUE\"\n"
                                 "pciPassthru0.id = \"00000:003:00.0\"\n"
                                 "pciPassthru1.present = \"TRUE\"\n"
                                 "pciPassthru1.id = \"0000:0d:00.0\"\n"),
                     0);
    run_around(buf_span(&text), &m.around, "DIR", &report);
    assert_non_null(strstr(report.data, "> DIR/"));
    buf_clear(&report);
    assert_int_equal(buf_add_str(&text,
                                 "vmxfs.profile = \"nested-esxi\"\n"
                                 "encryption.data = \"x\"\n"),
                     0);
    run_around(buf_span(&text), &m.around, "DIR", &report);
    assert_null(strstr(report.data, "> DIR/"));
    assert_non_null(
        strstr(report.data, "\techo 1 > MNT/.vmxfs/host/pci/0000:03:00.0/passthrough\n"));
}

static void a_hostile_file_makes_no_hostile_report(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO report = {0};
    (void)state;

    for (size_t i = 0; i < 4000; i++)
        assert_int_equal(buf_addf(&text,
                                  "k%zu = 1\nK%zu = 1\nx\nscsi%zu.present = what\n"
                                  "pciPassthru%zu.present = TRUE\n",
                                  i, i, i, i),
                         0);
    run(buf_span(&text), &profiles, "D", &report);
    if (report.len > 48 * 1024)
        fail_msg("%zu bytes", report.len);
}

static void a_directory_is_quoted_for_the_shell(void **state)
{
    static const struct {
        const char *dir, *command;
    } cases[] = {{".", "echo TRUE > ./vvtd.enable"},
                 {"/mnt/a b/it's.vmx", "echo TRUE > '/mnt/a b/it'\\''s.vmx/vvtd.enable'"},
                 {"~/$x", "echo TRUE > '~/$x/vvtd.enable'"},
                 {"a\nb", "echo TRUE > \"$(printf 'a\\012b/vvtd.enable')\""}};
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO report = {0};
        run(SPAN_LITERAL(REFUSED), &profiles, cases[i].dir, &report);
        const char *line = find_line(&report, "FAIL", "virtual-iommu");
        assert_non_null(line);
        const char *tail = line + strcspn(line, "\n") - strlen(cases[i].command);
        assert_memory_equal(tail, cases[i].command, strlen(cases[i].command));
        assert_int_equal(tail[-1], '\t');
    }
}

/* ---- profiles ---- */

static void what_a_profile_sets_is_judged_where_it_is_active(void **state)
{
#define APPLY "echo nested-esxi > DIR/passthrough-profile"
    static const struct {
        const char *severity, *rule, *command, *refused;
    } cases[] = {
        {"FAIL", "virtual-iommu", APPLY, "echo TRUE > DIR/vvtd.enable"},
        {"FAIL", "nested-virtualization", APPLY, "echo TRUE > DIR/vhv.enable"},
        {"FAIL", "nested-passthrough", APPLY, "echo TRUE > DIR/vhv.allowPassthru"},
        {"FAIL", "mmio-64bit", APPLY, "echo TRUE > DIR/pciPassthru.use64bitMMIO"},
        {"FAIL", "memory-reservation", APPLY, "-"},
        {"WARN", "memory-pinned", APPLY, "echo TRUE > DIR/sched.mem.pin"},
        {"UNKNOWN", "amd-iommu", "-", "-"},
        {"WARN", "firmware", "-", "-"},
        {"WARN", "hardware-version", "-", "-"},
        {"WARN", "cpu-count", "echo 2 > DIR/numvcpus", "echo 2 > DIR/numvcpus"},
        {"UNKNOWN", "mmio-size", "-", "-"},
        {"FAIL", "device-present", "-", "-"},
        {"UNKNOWN", "esxi-version", "-", "-"},
    };
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    (void)state;

    add_shipped(&profiles);
    run(bare, &profiles, "D", &report);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char rule[40];
        reports(SPAN_LITERAL(ACTIVE), &profiles, cases[i].severity, cases[i].rule, NULL,
                cases[i].command);
        reports(SPAN_LITERAL(REFUSED), &profiles, cases[i].severity, cases[i].rule, NULL,
                cases[i].refused);
        snprintf(rule, sizeof(rule), "\t%s\t", cases[i].rule);
        assert_null(strstr(report.data, rule));
    }
    assert_non_null(find_line(&report, "PASS", "profile"));
    reports(SPAN_LITERAL(ACTIVE), &profiles, "PASS", "requires-memsize", NULL, "-");
    reports(SPAN_LITERAL(ACTIVE), &profiles, "PASS", "memory-size", NULL, "-");
#undef APPLY
}

static void without_a_profile_and_a_device_the_file_is_judged(void **state)
{
    static const struct span odd = BYTES(
        "memSize = \"4096\"\nsched.mem.min = \"0\"\nmem.hotadd = \"TRUE\"\nvcpu.hotadd = "
        "\"TRUE\"\nscsi0:0.fileName = \"a-000001.vmdk\"\nvvtd.enable = \"TRUE\"\nfirmware = "
        "\"bios\"\nvirtualHW.version = \"4\"\nvhv.enable = \"TRUE\"\n"
        "pciPassthru.64bitMMIOSizeGB = \"1\"\n");
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    (void)state;

    add_shipped(&profiles);
    struct vmx_check check = run(odd, &profiles, "D", &report);
    if (check.worst != VMX_PASS || check.count[VMX_PASS] != 8)
        fail_msg("%s", report.data);
}

/* A rule that a profile and a device have in common. */
static void what_the_profile_says_is_said_once(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    (void)state;

    add_shipped(&profiles);
    run(SPAN_LITERAL(ACTIVE A_CARD "pciPassthru0.vendorId = \"0x10de\"\n"), &profiles, "D",
        &report);
    for (const char *const *rule =
             (const char *const[]){"firmware", "mmio-64bit", "memory-reservation", NULL};
         *rule; rule++) {
        char field[40];
        snprintf(field, sizeof(field), "\t%s\t", *rule);
        const char *first = strstr(report.data, field);
        assert_non_null(first);
        assert_null(strstr(first + 1, field));
    }
}

static void an_active_profile_is_judged_alone(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO report = {0};
    (void)state;

    add_shipped(&profiles);
    applied("inner-guest", bare, &profiles, &text);
    run(buf_span(&text), &profiles, "D", &report);
    assert_non_null(find_line(&report, "PASS", "profile"));
    assert_null(strstr(report.data, "\tvirtual-iommu\t"));
    assert_null(strstr(report.data, "\tpowered-off\t"));
    assert_non_null(find_line(&report, "PASS", "memory-reservation"));
}

static void drift_is_mended_by_the_profile(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO drifted = {0};
    (void)state;

    add_shipped(&profiles);
    applied("nested-esxi", bare, &profiles, &text);
    assert_int_equal(apply_remove(buf_span(&text), SPAN_LITERAL("vhv.enable"), &drifted), 0);
    reports(buf_span(&drifted), &profiles, "FAIL", "profile", "no longer holds",
            "echo nested-esxi > DIR/passthrough-profile");
    reports(buf_span(&drifted), &profiles, "FAIL", "nested-virtualization", "vhv.enable is missing",
            "echo nested-esxi > DIR/passthrough-profile");
    reports(SPAN_LITERAL("vmxfs.profile = \"gone\"\n"), &profiles, "FAIL", "profile",
            "no such profile", "-");
    reports(SPAN_LITERAL("vmxfs.profile = \"nested-esxi\"\n"), &profiles, "FAIL", "profile",
            "refused", "-");
}

static void amd_is_judged_where_it_is_known(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO amd = {0};
    BUF_AUTO intel = {0};
    BUF_AUTO report = {0};
    (void)state;

    add_shipped(&profiles);
    with(SPAN_LITERAL(REFUSED), "hostCPUID.0", "0000000d68747541444d416369746e65", &amd);
    reports(buf_span(&amd), &profiles, "FAIL", "amd-iommu", NULL,
            "echo TRUE > DIR/amd.iommu.supportsPcip");
    reports(buf_span(&amd), &profiles, "WARN", "hardware-version-amd", "needs 19", "-");
    with(SPAN_LITERAL(REFUSED), "hostCPUID.0", "0000000d756e65476c65746e49656e69", &intel);
    run(buf_span(&intel), &profiles, "D", &report);
    assert_null(strstr(report.data, "amd"));
}

static void a_profile_of_ones_own_is_judged_too(void **state)
{
    static const struct span text = BYTES("memSize = \"8192\"\nvmxfs.profile = \"own\"\n");
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_profile(&profiles, "own",
                SPAN_LITERAL("svga.vramSize_x = \"5\"\n[require]\nnumvcpus <= \"4\"\n"
                             "[advise]\nnumvcpus != \"3\"\nmemSize = \"8192\"\n"));
    reports(text, &profiles, "FAIL", "svga-vramsize-x", "is missing, 5 is needed",
            "echo 5 > DIR/svga.vramSize_x");
    reports(text, &profiles, "FAIL", "requires-numvcpus", "missing; required: numvcpus <= \"4\"",
            "echo 4 > DIR/numvcpus");
    reports(text, &profiles, "PASS", "cpu-count", NULL, "-");
    reports(text, &profiles, "PASS", "memory-size", "memSize is 8192", "-");
}

static void only_a_profile_for_devices_wants_one(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO report = {0};
    BUF_AUTO with_device = {0};
    (void)state;

    add_shipped(&profiles);
    add_profile(&profiles, "own", SPAN_LITERAL("numvcpus = \"4\"\n"));
    run(SPAN_LITERAL("numvcpus = \"4\"\nvmxfs.profile = \"own\"\n"), &profiles, "D", &report);
    assert_null(strstr(report.data, "device-present"));
    run(SPAN_LITERAL("pciPassthru0.present = \"TRUE\"\nvmxfs.profile = \"own\"\n"), &profiles, "D",
        &with_device);
    assert_non_null(strstr(with_device.data, "PASS\tdevice-present"));
}

/* ---- the guide ---- */

static void the_guide_is_judged(void **state)
{
    static const struct {
        struct span text;
        const char *severity, *rule, *found, *command;
    } cases[] = {
        {BYTES(A_CARD "mem.hotadd = \"TRUE\"\n"), "WARN", "memory-hot-add", NULL,
         "echo FALSE > DIR/mem.hotadd"},
        {BYTES(A_CARD "vcpu.hotadd = true\n"), "WARN", "cpu-hot-add", NULL,
         "echo FALSE > DIR/vcpu.hotadd"},
        {BYTES(A_CARD "vcpu.hotadd = \"FALSE\"\n"), "PASS", "cpu-hot-add", NULL, "-"},
        {BYTES(A_CARD "scsi0:0.fileName = \"a-000002.vmdk\"\n"), "WARN", "snapshots", "scsi0:0",
         "-"},
        {BYTES(A_CARD "scsi0:0.fileName = \"a-00002.vmdk\"\n"), "PASS", "snapshots", NULL, "-"},
        {BYTES(A_CARD "pciBridge0.present = \"TRUE\"\npciBridge4.present = \"TRUE\"\n"
                      "pciBridge5.present = \"TRUE\"\npciBridge6.present = \"TRUE\"\n"),
         "WARN", "pci-bridges", "missing: pciBridge7",
         "printf '%s\\n' 'pciBridge7.present = \"TRUE\"' "
         "'pciBridge7.virtualDev = \"pcieRootPort\"' 'pciBridge7.functions = \"8\"' "
         "> DIR/.vmxfs/merge"},
        {BYTES(REFUSED "pciPassthru.64bitMMIOSizeGB = \"8\"\n"), "WARN", "mmio-size",
         "the default is 16", "echo 16 > DIR/pciPassthru.64bitMMIOSizeGB"},
        {BYTES(A_CARD KIND("0x10de", "0x1B38")), "WARN", "mmio-size",
         "32 GiB of 64-bit MMIO; the rule for 24 GB on the cards is 64",
         "echo 64 > DIR/pciPassthru.64bitMMIOSizeGB"},
        {BYTES(A_CARD KIND("0x8086", "0x5690")), "PASS", "mmio-size",
         "the rule for 16 GB on the cards is 32", "-"},
        {BYTES(A_CARD KIND("0x10de", "0x0001")), "UNKNOWN", "mmio-size", "vram=GB", "-"},
        {BYTES(A_CARD KIND("0x8086", "0x5690")), "WARN", "mmio-64bit", "may need more than fits",
         "echo TRUE > DIR/pciPassthru.use64bitMMIO"},
        {BYTES(A_CARD KIND("0x8086", "0x5690") "pciPassthru.use64bitMMIO = \"TRUE\"\n"), "PASS",
         "mmio-64bit", "is TRUE", "-"},
        {BYTES(A_CARD KIND("0x10de", "0x1cb2")), "PASS", "mmio-64bit", "fit below 4 GiB", "-"},
        {BYTES(A_CARD KIND("0x10de", "0x0001")), "UNKNOWN", "mmio-64bit", "more than 3 GB", "-"},
        {BYTES(A_CARD KIND("0x10de", "0x1cb2")), "WARN", "firmware", "is missing; advised", "-"},
        {BYTES(A_CARD KIND("0x10de", "0x1cb2") "firmware = \"EFI\"\n"), "PASS", "firmware", NULL,
         "-"},
    };
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        reports(cases[i].text, &profiles, cases[i].severity, cases[i].rule, cases[i].found,
                cases[i].command);
}

static void vram_is_what_the_profile_was_told(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    (void)state;

    add_shipped(&profiles);
    applied("nested-esxi " ARC, bare, &profiles, &text);
    reports(buf_span(&text), &profiles, "WARN", "mmio-size", "16 GB on the cards is 32",
            "echo nested-esxi mmio=32 > DIR/passthrough-profile");
    applied("nested-esxi vram=40 mmio=128 " ARC, bare, &profiles, &text);
    reports(buf_span(&text), &profiles, "PASS", "mmio-size", "40 GB on the cards is 128", "-");
}

static void devices_are_judged(void **state)
{
#define BLOCK(id, vendor)                                                                          \
    "pciPassthru0.present = \"TRUE\"\npciPassthru0.id = \"" id                                     \
    "\"\npciPassthru0.vendorId = "                                                                 \
    "\"" vendor "\"\n"
    static const struct {
        struct span text;
        const char *severity, *rule, *found, *command;
    } cases[] = {
        {BYTES(BLOCK("0000:0d:00.0", "0x10de")), "FAIL", "device-id", "decimal",
         "echo 00000:013:00.0 > DIR/pciPassthru0.id"},
        {BYTES(BLOCK("what", "0x10de")), "FAIL", "device-id", "decimal", "-"},
        {BYTES(BLOCK("00000:013:00.0", "0x10de")), "PASS", "device-id", NULL, "-"},
        {BYTES("pciPassthru0.present = \"TRUE\"\n"), "FAIL", "device-id", "no id", "-"},
        {BYTES("pciPassthru0.present = \"TRUE\"\npciPassthru0.allowedDevices = \"x\"\n"), "PASS",
         "device-id", NULL, "-"},
        {BYTES(BLOCK("00000:013:00.0", "0x10de")), "FAIL", "device-system", "uuid get", "-"},
        {BYTES(BLOCK("00000:013:00.0", "0x10de") "pciPassthru0.systemId = \"x\"\n"), "UNKNOWN",
         "device-system", "host x", "-"},
        {BYTES(REFUSED BLOCK("00000:000:02.0", "0x8086")), "FAIL", "integrated-gpu", NULL, "-"},
        {BYTES(REFUSED BLOCK("00000:000:02.0", "0x10de")), "PASS", "integrated-gpu", NULL, "-"},
        {BYTES(REFUSED BLOCK("00000:000:02.0", "0x8086") "pciPassthru0.class = \"0x0200\"\n"),
         "PASS", "integrated-gpu", NULL, "-"},
        {BYTES(BLOCK("00000:003:00.0", "0x1002")), "NOTE", "gpu-reset", NULL, "-"},
        {BYTES(BLOCK("00000:003:00.0", "4098")), "PASS", "device-present", NULL, "-"},
        {BYTES(BLOCK("00000:003:00.0", "0x10de")), "NOTE", "gpu-tested", "untested", "-"},
        {BYTES(BLOCK("00000:003:00.0", "0x8086") "pciPassthru0.deviceId = \"0x5690\"\n"), "PASS",
         "gpu-tested", NULL, "-"},
        {BYTES(BLOCK("00000:003:00.0", "0x10de")), "UNKNOWN", "audio-function", NULL, "-"},
        {BYTES(BLOCK("00000:003:00.0", "0x10de") "pciPassthru1.present = \"TRUE\"\n"
                                                 "pciPassthru1.id = \"00000:003:00.1\"\n"),
         "PASS", "audio-function", NULL, "-"},
        {BYTES(REFUSED "pciPassthru0.present = \"FALSE\"\npciPassthru0.id = \"x\"\n"), "FAIL",
         "device-present", NULL, "-"},
    };
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        reports(cases[i].text, &profiles, cases[i].severity, cases[i].rule, cases[i].found,
                cases[i].command);
}

static void a_device_needs_a_reservation_whatever_the_profile(void **state)
{
    static const struct span text = BYTES(
        "memSize = \"4096\"\nsched.mem.min = \"0\"\nvhv.enable = \"TRUE\"\n"
        "pciPassthru0.present = \"TRUE\"\n");
    PROFILES_AUTO nothing = {0};
    BUF_AUTO report = {0};
    (void)state;

    reports(text, &nothing, "FAIL", "memory-reservation", "\"0\", memSize is \"4096\"",
            "echo 4096 > DIR/sched.mem.min");
    reports(text, &nothing, "FAIL", "nested-passthrough", NULL,
            "echo TRUE > DIR/vhv.allowPassthru");
    run(SPAN_LITERAL("memSize = \"4096\"\n"), &nothing, "D", &report);
    assert_null(strstr(report.data, "memory-reservation"));
}

/* ---- commands mend ---- */

static void commands_mend_until_none_is_left(void **state)
{
    static const struct span texts[] = {
        BYTES("memSize = \"4096\"\nmem.hotadd = \"TRUE\"\n"
              "pciPassthru4.present = \"TRUE\"\npciPassthru4.id = \"00000:004:00.0\"\n"),
        BYTES("memSize = 4096\r\nMEMSIZE = \"4096\"\r\nvcpu.hotadd = \"TRUE\"\r\n"
              "hostCPUID.0 = \"0000000d68747541444d416369746e65\"\r\n"
              "pciPassthru0.id = \"0000:0d:00.0\"\r\npciPassthru0.present = \"TRUE\"\r\n"
              "pciPassthru0.vendorId = \"0x10de\"\r\npciPassthru0.deviceId = \"0x2684\""),
    };
    static const char *const lines[] = {"none", "nested-esxi", "inner-guest",
                                        ("nested-esxi mmio=8 " ARC)};
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < 8; i++) {
        BUF_AUTO text = {0};
        planned(texts[i % 2], &profiles, lines[i / 2], &text);
        if (i >= 2)
            with(buf_span(&text), "pciPassthru.use64bitMMIO", "FALSE", &text);
        assert_true(mend_all(&text, NO_HOST(&profiles), NULL) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_has_four_columns_and_the_last_sums_up),
        cmocka_unit_test(counting_needs_no_report),
        cmocka_unit_test(the_file_itself_is_judged),
        cmocka_unit_test(an_image_that_is_gone_is_cleared),
        cmocka_unit_test(names_that_look_like_slips_are_told),
        cmocka_unit_test(nothing_mends_an_encrypted_vm),
        cmocka_unit_test(a_hostile_file_makes_no_hostile_report),
        cmocka_unit_test(a_directory_is_quoted_for_the_shell),
        cmocka_unit_test(what_a_profile_sets_is_judged_where_it_is_active),
        cmocka_unit_test(without_a_profile_and_a_device_the_file_is_judged),
        cmocka_unit_test(what_the_profile_says_is_said_once),
        cmocka_unit_test(an_active_profile_is_judged_alone),
        cmocka_unit_test(drift_is_mended_by_the_profile),
        cmocka_unit_test(amd_is_judged_where_it_is_known),
        cmocka_unit_test(a_profile_of_ones_own_is_judged_too),
        cmocka_unit_test(only_a_profile_for_devices_wants_one),
        cmocka_unit_test(the_guide_is_judged),
        cmocka_unit_test(vram_is_what_the_profile_was_told),
        cmocka_unit_test(devices_are_judged),
        cmocka_unit_test(a_device_needs_a_reservation_whatever_the_profile),
        cmocka_unit_test(commands_mend_until_none_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
