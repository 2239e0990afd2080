/* SPDX-License-Identifier: MIT */
/* Profiles, plans, checks and diffs with every allocation failing in turn. */
#include "failing.h"

#include "parser/check/check.h"
#include "parser/device/passed.h"
#include "parser/text/diff.h"
#include "parser/vm/passthrough.h"
#include "hosts.h"

static const struct vmx_profiles *shipped; /* read with enough memory */
static struct machine machine;

static const struct span bare = BYTES(
    "memSize = 8192\nvhv.enable = FALSE # x\nbad\n"
    "a = 1\nA = 1\nscsi0:0.fileName = \"x-000001.vmdk\"\n");

static int use(const struct vmx_dict *dict, const char *line, struct buf *out)
{
    EDITS_AUTO edits = {0};
    BUF_AUTO notes = {0};

    int r = vmx_plan_line(dict, NO_HOST(shipped), span_of(line), &edits, &notes, NULL);
    return r == 0 ? vmx_edits_apply(&edits, dict, out, NULL) : r;
}

static int apply_device(const struct vmx_dict *dict, struct buf *out)
{
    return use(dict,
               "nested-esxi cpu=amd device=03:00.0 vendor=10de deviceid=1c82 "
               "system=5aec7ae7-7d90-8511-435a-d094660b7768",
               out);
}

static int apply_other(const struct vmx_dict *dict, struct buf *out)
{
    return use(dict, "inner-guest mmio=64", out);
}

static int take_back(const struct vmx_dict *dict, struct buf *out)
{
    return use(dict, "none", out);
}

static int show(const struct vmx_dict *dict, struct buf *out)
{
    return vmx_plan_state(dict, NO_HOST(shipped), out);
}

static int show_plan(const struct vmx_dict *dict, struct buf *out)
{
    return vmx_plan_diff(dict, NO_HOST(shipped), SPAN_LITERAL("inner-guest"), "x.vmx", out);
}

static int follow(const struct vmx_dict *dict, struct buf *out)
{
    EDITS_AUTO edits = {0};

    int r = vmx_edits_set(&edits, SPAN_LITERAL("memSize"), SPAN_LITERAL("4096"));
    if (r == 0)
        r = vmx_plan_follow(dict, NO_HOST(shipped), &edits);
    return r == 0 ? vmx_edits_apply(&edits, dict, out, NULL) : r;
}

static int report(const struct vmx_dict *dict, struct buf *out)
{
    struct vmx_check check;
    return vmx_check_run(dict, NO_HOST(shipped), "DIR", "MNT", out, &check);
}

static int apply_from_host(const struct vmx_dict *dict, struct buf *out)
{
    EDITS_AUTO edits = {0};
    BUF_AUTO notes = {0};

    int r = vmx_plan_line(dict, &machine.around, SPAN_LITERAL("nested-esxi device=86:00.0"), &edits,
                          &notes, NULL);
    return r == 0 ? vmx_edits_apply(&edits, dict, out, NULL) : r;
}

static int refuse_from_host(const struct vmx_dict *dict, struct buf *out)
{
    EDITS_AUTO edits = {0};
    struct diag diag = {0};
    (void)out;

    int r = vmx_plan_line(dict, &machine.around, SPAN_LITERAL("nested-esxi device=19:00.0"), &edits,
                          NULL, &diag);
    return r == -EINVAL ? 0 : r;
}

static int report_with_host(const struct vmx_dict *dict, struct buf *out)
{
    static const struct span log = BYTES(
        "2026-03-01T10:00:01.000Z In(05) vmx - Log for VMware ESX pid=1\n"
        "2026-03-01T10:00:01.000Z In(05) vmx - PCIPassthru: Device 0000:86:00.0 barIndex 1 type 3 "
        "realaddr 0x3b800000000 size 17179869184\n");
    struct vmx_around around = machine.around;
    struct vmx_check check;
    START_AUTO start;
    bool needs = false;

    around.start = &start;
    return vm_start_read(log, &start)
        ?: vmx_check_needs_log(dict, &around, &needs)
        ?: vmx_check_run(dict, &around, "DIR", "MNT", out, &check);
}

static int report_of_card(const struct vmx_dict *dict, struct buf *out)
{
    struct vmx_card_check card;
    (void)out;
    return vmx_check_of_card(dict, &machine.around, &machine.pci[AT_ARC].address, &card);
}

static int find_passed(const struct vmx_dict *dict, struct buf *out)
{
    PASSED_AUTO passed = {0};
    (void)dict;
    (void)out;
    DICT_AUTO with_two = NULL;
    return vmx_dict_parse(SPAN_LITERAL("pciPassthru0.present = TRUE\npciPassthru0.id = 0:3:0.0\n"
                                       "pciPassthru1.present = TRUE\npciPassthru1.vgpu = x\n"),
                          &with_two)
               ?: vmx_passed_find(with_two, &passed);
}

/* What goes along, and what is in the way. */
static int decide_passthrough(const struct vmx_dict *dict, struct buf *out)
{
    const struct vmx_passthrough on = {.on = true};
    const struct vmx_passthrough off = {.on = false};
    struct vmx_passthrough_plan plan = {0};
    BUF_AUTO why = {0};
    (void)dict;
    (void)out;

    int r = vmx_passthrough_decide(&machine.host, &machine.pci[AT_GPU].address, &off, &plan, &why);
    vmx_passthrough_plan_done(&plan);
    r = r ?: vmx_passthrough_decide(&machine.host, &machine.pci[AT_NIC].address, &on, &plan, &why);
    return r == -EBUSY ? 0 : r;
}

static int read_profile(const struct vmx_dict *dict, struct buf *out)
{
    PROFILES_AUTO profiles = {0};
    struct vmx_profile *profile = NULL;
    (void)dict;
    (void)out;

    int r = vmx_profile_parse("nested-esxi", vmx_profile_text(shipped->items[0]), &profile, NULL);
    if (r == 0) {
        r = vmx_profiles_add(&profiles, profile);
        if (r != 0)
            vmx_profile_free(profile);
    }
    return r;
}

static int compare(const struct vmx_dict *dict, struct buf *out)
{
    return vmx_diff(vmx_dict_text(dict), SPAN_LITERAL("memSize = 1\nb\n"), "a", "b", out);
}

static void for_a_bare_and_an_applied_file(void **state)
{
    static int (*const calls[])(const struct vmx_dict *, struct buf *) = {
        apply_device,     apply_other,      take_back,      show,         show_plan,
        follow,           report,           compare,        read_profile, apply_from_host,
        refuse_from_host, report_with_host, report_of_card, find_passed,  decide_passthrough};
    PROFILES_AUTO profiles = {0};
    BUF_AUTO applied = {0};
    BUF_AUTO changed = {0};
    (void)state;

    until_failure = SIZE_MAX;
    add_shipped(&profiles);
    shipped = &profiles;
    planned(bare, &profiles,
            "nested-esxi device=03:00.0 vendor=10de deviceid=1c82 "
            "system=5aec7ae7-7d90-8511-435a-d094660b7768",
            &applied);
    assert_int_equal(
        apply_set(buf_span(&applied), SPAN_LITERAL("vvtd.enable"), SPAN_LITERAL("FALSE"), &changed),
        0);
    machine_init(&machine, &profiles);
    machine.host.uuid = OTHER_UUID;
    machine.host.cpu = VMX_CPU_AMD;
    machine.vm.power = VMX_POWER_ON;
    machine.pci[AT_GPU_AUDIO].enabled = VMX_NO;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (calls[i] != take_back) /* nothing to do, and nothing to allocate for it */
            check_failures_on(bare, calls[i]);
        check_failures_on(buf_span(&changed), calls[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(for_a_bare_and_an_applied_file)};
    until_failure = SIZE_MAX;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
