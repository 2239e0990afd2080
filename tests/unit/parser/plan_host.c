/* SPDX-License-Identifier: MIT */
/* Profiles that are applied where there is a host to ask. */
#include "hosts.h"

/* What each test begins with: the profiles that are shipped, and a host that it may change. */
static struct vmx_profiles profiles;
static struct machine machine;

static int set_up(void **state)
{
    (void)state;
    add_shipped(&profiles);
    machine_init(&machine, &profiles);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vmx_profiles_done(&profiles);
    return 0;
}

#define GPU "nested-esxi device=0000:03:00.0"
#define ACTIVE "none [nested-esxi] inner-guest"
#define DRIFTED "none [nested-esxi!] inner-guest"

static void device_is(const struct buf *text, size_t n, const char *id, const char *vendor,
                      const char *device)
{
    const struct {
        const char *name, *value;
    } want[] = {{"id", id},
                {"vendorId", vendor},
                {"deviceId", device},
                {"systemId", UUID},
                {"present", "TRUE"}};
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        char key[60];
        snprintf(key, sizeof(key), "pciPassthru%zu.%s", n, want[i].name);
        value_is(text, key, want[i].value);
    }
}

/* Nothing is left to do. */
static void holds(const struct buf *text, const struct vmx_around *around, const char *line)
{
    BUF_AUTO again = {0};
    planned_around(buf_span(text), around, line, &again);
    assert_span(buf_span(&again), buf_span(text));
    state_is_around(buf_span(text), around, ACTIVE);
}

/* ---- what the host says ---- */

static void a_device_comes_with_all_its_functions(void **state)
{
    BUF_AUTO text = {0};
    BUF_AUTO restored = {0};
    static const struct span before =
        BYTES("memSize = \"8192\"\npciPassthru0.present = \"TRUE\"\npciPassthru2.id = \"x\"\n");
    (void)state;

    planned_around(before, &machine.around, GPU, &text);
    device_is(&text, 1, "00000:003:00.0", "0x10de", "0x1cb2");
    device_is(&text, 3, "00000:003:00.1", "0x10de", "0x0fb9");
    has_no(&text, "pciPassthru4.id");
    value_is(&text, "vmxfs.profile", GPU);
    holds(&text, &machine.around, "nested-esxi");
    holds(&text, &machine.around, GPU);
    planned_around(buf_span(&text), &machine.around, "none", &restored);
    assert_span(buf_span(&restored), before);
}

static void an_address_is_written_in_decimal(void **state)
{
    BUF_AUTO text = {0};
    (void)state;

    planned_around(small_vm, &machine.around, "inner-guest device=0d:00.0", &text);
    device_is(&text, 0, "00000:013:00.0", "0x1002", "0x73bf");
    has_no(&text, "pciPassthru1.id");
}

static void an_arcs_audio_comes_from_its_own_bus(void **state)
{
    BUF_AUTO text = {0};
    BUF_AUTO restored = {0};
    (void)state;

    planned_around(small_vm, &machine.around, "nested-esxi device=86:00.0", &text);
    device_is(&text, 0, "00000:134:00.0", "0x8086", "0x5690");
    device_is(&text, 1, "00000:135:00.0", "0x8086", "0x4f90");
    holds(&text, &machine.around, "nested-esxi");
    planned_around(buf_span(&text), &machine.around, "none", &restored);
    assert_span(buf_span(&restored), small_vm);
}

static void another_device_takes_the_place_of_all_functions(void **state)
{
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO restored = {0};
    (void)state;

    planned_around(small_vm, &machine.around, GPU, &a);
    planned_around(buf_span(&a), &machine.around, "nested-esxi device=0d:00.0", &b);
    device_is(&b, 0, "00000:013:00.0", "0x1002", "0x73bf");
    has_no(&b, "pciPassthru1.id");
    has_no(&b, "vmxfs.saved.pciPassthru1.id");
    holds(&b, &machine.around, "nested-esxi");
    planned_around(buf_span(&b), &machine.around, "none", &restored);
    assert_span(buf_span(&restored), small_vm);
}

static void another_device_forgets_what_was_said_of_the_first(void **state)
{
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    (void)state;

    planned(small_vm, &profiles, "nested-esxi vram=4 " NEW_DEVICE, &a);
    machine.host.uuid = OTHER_UUID;
    planned_around(buf_span(&a), &machine.around, "nested-esxi device=0d:00.0", &b);
    value_is(&b, "vmxfs.profile", "nested-esxi device=0000:0d:00.0");
    value_is(&b, "pciPassthru0.systemId", OTHER_UUID);
}

static void what_the_vm_has_already_is_completed(void **state)
{
    BUF_AUTO text = {0};
    BUF_AUTO restored = {0};
    static const struct span before = BYTES(
        "memSize = \"8192\"\npciPassthru4.id = \"0:3:0.1\"\npciPassthru4.vendorId = \"0x10DE\"\n"
        "pciPassthru4.systemId = \"" OTHER_UUID "\"\n");
    (void)state;

    planned_around(before, &machine.around, GPU, &text);
    device_is(&text, 0, "00000:003:00.0", "0x10de", "0x1cb2");
    value_is(&text, "pciPassthru4.id", "0:3:0.1");
    value_is(&text, "pciPassthru4.deviceId", "0x0fb9");
    value_is(&text, "pciPassthru4.systemId", UUID);
    planned_around(buf_span(&text), &machine.around, "none", &restored);
    assert_span(buf_span(&restored), before);
}

static void a_plan_shows_what_the_host_would_fill_in(void **state)
{
    BUF_AUTO diff = {0};
    DICT_AUTO dict = parsed(SPAN_LITERAL("a = \"1\"\n"));
    (void)state;

    add_profile(&profiles, "own", SPAN_LITERAL("profile.param.device = \"0000:0d:00.0\"\n"));
    assert_int_equal(vmx_plan_diff(dict, &machine.around, SPAN_LITERAL("own"), "x.vmx", &diff), 0);
    assert_non_null(strstr(diff.data,
                           "\n+pciPassthru0.id = \"00000:013:00.0\"\n"
                           "+pciPassthru0.deviceId = \"0x73bf\"\n"
                           "+pciPassthru0.vendorId = \"0x1002\"\n"
                           "+pciPassthru0.systemId = \"" UUID "\"\n"
                           "+pciPassthru0.present = \"TRUE\"\n"
                           "+vmxfs.profile = \"own\"\n"));
    machine.pci[AT_AMD].capable = VMX_NO;
    buf_clear(&diff);
    assert_int_equal(vmx_plan_diff(dict, &machine.around, SPAN_LITERAL("own"), "x.vmx", &diff), 0);
    assert_string_equal(diff.data,
                        "# refused: 0000:0d:00.0 cannot be passed to a VM: the host "
                        "says it is not capable of it\n");
}

/* ---- refusals ---- */

static void incapable(struct machine *m)
{
    m->pci[AT_GPU].capable = VMX_NO;
}

static void of_the_kernel(struct machine *m)
{
    m->pci[AT_GPU].enabled = m->pci[AT_GPU].active = VMX_NO;
    m->pci[AT_GPU].owner = "VMkernel";
}

static void audio_of_the_kernel(struct machine *m)
{
    m->pci[AT_GPU_AUDIO].enabled = VMX_NO;
    m->pci[AT_GPU_AUDIO].owner = "";
}

static void before_a_reboot(struct machine *m)
{
    m->pci[AT_GPU].active = VMX_NO;
}

static void used_by_another(struct machine *m)
{
    m->pci[AT_GPU].user = "/vmfs/volumes/1/b/b.vmx";
}

static void audio_used_by_another(struct machine *m)
{
    m->pci[AT_GPU_AUDIO].user = "/vmfs/volumes/1/b/b.vmx";
}

static void nested(struct machine *m)
{
    m->host.nested = VMX_YES;
}

static void as_it_is(struct machine *m)
{
    (void)m;
}

static void without_uuid(struct machine *m)
{
    m->host.uuid = "";
}

static const struct {
    void (*change)(struct machine *m);
    const char *line, *reason;
} refusals[] = {
    {as_it_is, "nested-esxi device=0000:44:00.0", "0000:44:00.0 is not on this host: .vmxfs/host"},
    {as_it_is, "nested-esxi device=0000:03:00.7", "0000:03:00.7 is not on this host"},
    {as_it_is, "nested-esxi device=02:00.0", "0000:02:00.0 cannot be passed to a VM"},
    {incapable, GPU, "0000:03:00.0 cannot be passed to a VM"},
    {of_the_kernel, GPU,
     "0000:03:00.0 belongs to VMkernel: echo 1 > '/mnt/.vmxfs/host/pci/0000:03:00.0/passthrough'"},
    {audio_of_the_kernel, GPU,
     "0000:03:00.1 belongs to the host: echo 1 > '/mnt/.vmxfs/host/pci/0000:03:00.1/passthrough'"},
    {as_it_is, "inner-guest device=19:00.0",
     "0000:19:00.0 belongs to VMkernel, and the host needs it: vmnic0"},
    {before_a_reboot, GPU, "0000:03:00.0 is to be passed through only after the host was restart"},
    {used_by_another, GPU, "0000:03:00.0 is used by /vmfs/volumes/1/b/b.vmx, which is powered on"},
    {audio_used_by_another, GPU, "0000:03:00.1 is used by"},
    {as_it_is, "nested-esxi device=00:02.0", "0000:00:02.0 is an integrated Intel GPU"},
    {nested, "inner-guest device=00:02.0", "0000:00:02.0 is an integrated Intel GPU"},
    {as_it_is, GPU " vendor=1002", "vendor=0x1002, but the host says 0x10de: leave it out"},
    {as_it_is, GPU " deviceid=1", "deviceid=0x0001, but the host says 0x1cb2"},
    {as_it_is, GPU " system=" OTHER_UUID, "but the host says " UUID},
    {without_uuid, GPU, "device=0000:03:00.0 needs system= too: the host does not say"},
};

static void what_the_host_does_not_let_go_is_refused(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        BUF_AUTO text = {0};
        struct diag diag = {.text = "accepted"};
        machine_init(&machine, &profiles);
        refusals[i].change(&machine);
        int r = plan_around(small_vm, &machine.around, refusals[i].line, &text, NULL, &diag);
        if (r != -EINVAL || !strstr(diag.text, refusals[i].reason))
            fail_msg("%zu, \"%s\": %d, %s", i, refusals[i].line, r, diag.text);
    }
}

static void own_use(struct machine *m)
{
    m->pci[AT_GPU].user = m->vm.path;
}

static void unknown_path(struct machine *m)
{
    m->pci[AT_GPU].user = "/vmfs/volumes/1/b/b.vmx";
    m->vm.path = NULL;
}

static void nothing_is_known(struct machine *m)
{
    m->pci[AT_GPU].capable = m->pci[AT_GPU].enabled = m->pci[AT_GPU].active = VMX_NOT_KNOWN;
    m->host.nested = VMX_NOT_KNOWN;
}

static void what_is_not_known_is_no_reason_to_refuse(void **state)
{
    static const struct {
        void (*change)(struct machine *m);
        const char *line;
    } cases[] = {
        {as_it_is, "inner-guest device=00:02.0"},
        {as_it_is, GPU " vendor=10de deviceid=1cb2 system=" UUID},
        {as_it_is, GPU " system=BYPASS"},
        {own_use, GPU},
        {unknown_path, GPU},
        {nothing_is_known, GPU},
        {without_uuid, GPU " system=" UUID},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO text = {0};
        machine_init(&machine, &profiles);
        cases[i].change(&machine);
        planned_around(small_vm, &machine.around, cases[i].line, &text);
    }
}

static void a_host_without_a_list_is_none_to_ask(void **state)
{
    BUF_AUTO text = {0};
    struct diag diag = {.text = ""};
    (void)state;

    machine.host.n_pci = 0;
    assert_int_equal(plan_around(small_vm, &machine.around, GPU, &text, NULL, &diag), -EINVAL);
    assert_non_null(strstr(diag.text, "needs deviceid=, vendor=, system= too"));
    planned_around(small_vm, &machine.around, "nested-esxi " NEW_DEVICE, &text);
}

/* ---- afterwards ---- */

/* Whatever becomes of the host, what was applied holds and can be applied again. */
static void what_was_applied_goes_on_holding(void **state)
{
    static void (*const changes[])(struct machine *m) = {
        as_it_is, incapable,       of_the_kernel,         audio_of_the_kernel, before_a_reboot,
        nested,   used_by_another, audio_used_by_another, nothing_is_known,    without_uuid};
    BUF_AUTO text = {0};
    BUF_AUTO drifted = {0};
    (void)state;

    planned_around(small_vm, &machine.around, GPU, &text);
    edited(&text, "vvtd.enable", NULL, &drifted);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        BUF_AUTO repaired = {0};
        machine_init(&machine, &profiles);
        changes[i](&machine);
        holds(&text, &machine.around, "nested-esxi");
        holds(&text, &machine.around, GPU);
        planned_around(buf_span(&drifted), &machine.around, "nested-esxi", &repaired);
        value_is(&repaired, "vvtd.enable", "TRUE");
        state_is_around(buf_span(&repaired), &machine.around, ACTIVE);
    }
    machine_init(&machine, &profiles);
    machine.pci[AT_GPU].address.bus = machine.pci[AT_GPU_AUDIO].address.bus = 0x55;
    holds(&text, &machine.around, "nested-esxi");
    machine.host.n_pci = 0;
    holds(&text, &machine.around, "nested-esxi");
    holds(&text, NO_HOST(&profiles), "nested-esxi");
    holds(&text, NO_HOST(&profiles), GPU);
}

static void another_device_at_the_address_is_not_taken_for_it(void **state)
{
    BUF_AUTO text = {0};
    BUF_AUTO again = {0};
    (void)state;

    planned_around(small_vm, &machine.around, GPU, &text);
    machine.pci[AT_GPU].device = 0x1563;
    machine.pci[AT_GPU].enabled = VMX_NO;
    holds(&text, &machine.around, "nested-esxi");
    machine.pci[AT_GPU].enabled = VMX_YES;
    planned_around(buf_span(&text), &machine.around, "nested-esxi", &again);
    value_is(&again, "pciPassthru0.deviceId", "0x1563");
}

static void drift_is_seen_and_mended_without_the_host_too(void **state)
{
    static const struct {
        const char *key, *value;
    } drifts[] = {{"pciPassthru0.deviceId", "0x0001"}, {"pciPassthru0.systemId", OTHER_UUID},
                  {"pciPassthru1.id", NULL},           {"pciPassthru1.vendorId", NULL},
                  {"pciPassthru1.present", "FALSE"},   {"pciPassthru0.id", "00000:009:00.0"}};
    BUF_AUTO text = {0};
    (void)state;

    planned_around(small_vm, &machine.around, GPU, &text);
    for (size_t i = 0; i < 2 * sizeof(drifts) / sizeof(drifts[0]); i++) {
        const struct vmx_around *around = i % 2 ? &machine.around : NO_HOST(&profiles);
        BUF_AUTO drifted = {0};
        BUF_AUTO mended = {0};
        BUF_AUTO restored = {0};
        edited(&text, drifts[i / 2].key, drifts[i / 2].value, &drifted);
        state_is_around(buf_span(&drifted), around, DRIFTED);
        planned_around(buf_span(&drifted), around, "nested-esxi", &mended);
        device_is(&mended, 0, "00000:003:00.0", "0x10de", "0x1cb2");
        device_is(&mended, 1, "00000:003:00.1", "0x10de", "0x0fb9");
        state_is_around(buf_span(&mended), around, ACTIVE);
        planned_around(buf_span(&mended), around, "none", &restored);
        assert_span(buf_span(&restored), small_vm);
    }
}

/* One function's block was made another's, which has its own. */
static void functions_that_were_mixed_up_are_told_apart(void **state)
{
    static const char *const ids[][2] = {{"pciPassthru0.id", "00000:003:00.1"},
                                         {"pciPassthru1.id", "00000:003:00.0"}};
    BUF_AUTO text = {0};
    (void)state;

    planned_around(small_vm, &machine.around, GPU, &text);
    for (size_t i = 0; i < 4; i++) {
        const struct vmx_around *around = i % 2 ? &machine.around : NO_HOST(&profiles);
        BUF_AUTO mixed = {0};
        BUF_AUTO mended = {0};
        edited(&text, ids[i / 2][0], ids[i / 2][1], &mixed);
        planned_around(buf_span(&mixed), around, "nested-esxi", &mended);
        assert_span(buf_span(&mended), buf_span(&text));
    }
}

static void on_another_host_it_is_bound_anew(void **state)
{
    BUF_AUTO text = {0};
    BUF_AUTO bound = {0};
    BUF_AUTO by_hand = {0};
    BUF_AUTO restored = {0};
    (void)state;

    planned_around(small_vm, &machine.around, GPU, &text);
    machine.host.uuid = OTHER_UUID;
    machine.pci[AT_GPU].enabled = VMX_NO;
    state_is_around(buf_span(&text), &machine.around, ACTIVE);
    planned_around(buf_span(&text), &machine.around, "nested-esxi", &bound);
    value_is(&bound, "pciPassthru0.systemId", OTHER_UUID);
    value_is(&bound, "pciPassthru1.systemId", OTHER_UUID);
    holds(&bound, &machine.around, "nested-esxi");
    /* Somebody was faster. */
    edited(&text, "pciPassthru0.systemId", OTHER_UUID, &by_hand);
    edited(&by_hand, "pciPassthru1.systemId", OTHER_UUID, &text);
    state_is_around(buf_span(&text), &machine.around, DRIFTED);
    buf_clear(&bound);
    planned_around(buf_span(&text), &machine.around, "nested-esxi", &bound);
    holds(&bound, &machine.around, "nested-esxi");
    planned_around(buf_span(&bound), &machine.around, "none", &restored);
    assert_span(buf_span(&restored), small_vm);
}

static void a_block_of_ours_goes_as_a_whole(void **state)
{
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO restored = {0};
    BUF_AUTO notes = {0};
    (void)state;

    planned_around(small_vm, &machine.around, GPU, &a);
    edited(&a, "pciPassthru1.pciSlotNumber", "256", &b);
    edited(&b, "pciPassthru0.systemId", OTHER_UUID, &a);
    assert_int_equal(plan_around(buf_span(&a), &machine.around, "none", &restored, &notes, NULL),
                     0);
    assert_span(buf_span(&restored), small_vm);
    assert_int_equal(notes.len, 0);
}

static void a_setting_follows_with_a_device_too(void **state)
{
    BUF_AUTO text = {0};
    BUF_AUTO after = {0};
    EDITS_AUTO edits = {0};
    (void)state;

    planned_around(small_vm, &machine.around, GPU, &text);
    DICT_AUTO dict = parsed(buf_span(&text));
    machine.pci[AT_GPU].capable = VMX_NO;
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("memSize"), SPAN_LITERAL("4096")), 0);
    assert_int_equal(vmx_plan_follow(dict, &machine.around, &edits), 0);
    assert_int_equal(vmx_edits_apply(&edits, dict, &after, NULL), 0);
    value_is(&after, "sched.mem.min", "4096");
    state_is_around(buf_span(&after), &machine.around, ACTIVE);
}

/* ---- cpu=auto ---- */

static void cpu_auto_asks_the_host(void **state)
{
    static const struct {
        enum vmx_cpu host;
        const char *line, *cpuid;
        bool amd;
    } cases[] = {
        {VMX_CPU_AMD, "nested-esxi", "", true},
        {VMX_CPU_AMD, "nested-esxi", "0000000d756e65476c65746e49656e69", true},
        {VMX_CPU_AMD, "nested-esxi cpu=intel", "", false},
        {VMX_CPU_INTEL, "nested-esxi", "0000000d68747541444d416369746e65", false},
        {VMX_CPU_INTEL, "nested-esxi cpu=amd", "", true},
        {VMX_CPU_UNKNOWN, "nested-esxi", "0000000d68747541444d416369746e65", true},
        {VMX_CPU_UNKNOWN, "nested-esxi", "", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO before = {0};
        BUF_AUTO text = {0};
        machine.host.cpu = cases[i].host;
        assert_int_equal(
            buf_addf(&before, "memSize = \"8192\"\nhostCPUID.0 = \"%s\"\n", cases[i].cpuid), 0);
        planned_around(buf_span(&before), &machine.around, cases[i].line, &text);
        if (cases[i].amd)
            value_is(&text, "amd.iommu.supportsPcip", "TRUE");
        else
            has_no(&text, "amd.iommu.supportsPcip");
        holds(&text, &machine.around, "nested-esxi");
    }
}

static void what_the_host_decided_stays_without_it(void **state)
{
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    (void)state;

    machine.host.cpu = VMX_CPU_AMD;
    planned_around(small_vm, &machine.around, "nested-esxi", &a);
    holds(&a, NO_HOST(&profiles), "nested-esxi");
    edited(&a, "amd.iommu.supportsPcip", NULL, &b);
    state_is(buf_span(&b), &profiles, DRIFTED);
    planned(buf_span(&a), &profiles, "nested-esxi cpu=intel", &c);
    has_no(&c, "amd.iommu.supportsPcip");
    buf_clear(&b);
    planned(small_vm, &profiles, "nested-esxi cpu=amd", &b);
    buf_clear(&c);
    planned(buf_span(&b), &profiles, "nested-esxi cpu=", &c);
    has_no(&c, "amd.iommu.supportsPcip");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_device_comes_with_all_its_functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_is_written_in_decimal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_arcs_audio_comes_from_its_own_bus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_device_takes_the_place_of_all_functions, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_device_forgets_what_was_said_of_the_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_vm_has_already_is_completed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_shows_what_the_host_would_fill_in, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_host_does_not_let_go_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_no_reason_to_refuse, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_host_without_a_list_is_none_to_ask, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_applied_goes_on_holding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_device_at_the_address_is_not_taken_for_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(drift_is_seen_and_mended_without_the_host_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(functions_that_were_mixed_up_are_told_apart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(on_another_host_it_is_bound_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_block_of_ours_goes_as_a_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_setting_follows_with_a_device_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cpu_auto_asks_the_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_host_decided_stays_without_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
