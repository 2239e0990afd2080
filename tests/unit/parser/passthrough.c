/* SPDX-License-Identifier: MIT */
/* Which functions are switched together, which are not, and why. */
#include "parser/vm/passthrough.h"

#include "support.h"

/* dependent: ITSELF, an address, or NULL: the host names none. */
#define ITSELF ""
static const struct row {
    const char *address;
    long long vendor, device, class, behind;
    const char *dependent, *vmkernel_name;
    enum vmx_truth capable, enabled;
    const char *user;
} rows[] = {
    /* on the board; one that names the root of all buses, as no host was seen to do */
    {"0000:00:00.0", 0x8086, 0x3ec2, 0x0600, 0, NULL, "", VMX_NO, VMX_NO, NULL},
    {"0000:00:02.0", 0x8086, 0x3e98, 0x0300, 0, "0000:00:00.0", "", VMX_YES, VMX_NO, NULL},
    {"0000:00:14.0", 0x8086, 0xa36d, 0x0c03, 0, "0000:00:00.0", "", VMX_YES, VMX_NO, NULL},
    {"0000:00:1f.0", 0x8086, 0xa305, 0x0601, 0, ITSELF, "", VMX_NO, VMX_NO, NULL},
    {"0000:00:1f.2", 0x8086, 0xa352, 0x0106, 0, ITSELF, "vmhba0", VMX_YES, VMX_NO, NULL},
    {"0000:00:1f.3", 0x8086, 0xa348, 0x0403, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    /* a card of four functions; one from which the host boots; one whose last cannot go */
    {"0000:65:00.0", 0x10de, 0x1e87, 0x0300, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    {"0000:65:00.1", 0x10de, 0x10f8, 0x0403, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    {"0000:65:00.2", 0x10de, 0x1ad8, 0x0c03, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    {"0000:65:00.3", 0x10de, 0x1ad9, 0x0c80, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    {"0000:66:00.0", 0x10de, 0x1e87, 0x0300, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    {"0000:66:00.2", 0x10de, 0x1ad8, 0x0c03, 0, ITSELF, "vmhba32", VMX_YES, VMX_NO, NULL},
    {"0000:67:00.0", 0x10de, 0x1e87, 0x0302, 0, ITSELF, "", VMX_YES, VMX_YES, "a/a.vmx"},
    {"0000:67:00.1", 0x10de, 0x10f8, 0x0403, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    {"0000:67:00.3", 0x10de, 0x1ad9, 0x0c80, 0, ITSELF, "", VMX_NO, VMX_NO, NULL},
    /* an Arc, whose audio device is on a bus of its own */
    {"0000:80:02.0", 0x8086, 0x347a, 0x0604, 0x84, NULL, "", VMX_NO, VMX_NO, NULL},
    {"0000:84:00.0", 0x8086, 0x4fa0, 0x0604, 0x85, NULL, "", VMX_NO, VMX_NO, NULL},
    {"0000:85:01.0", 0x8086, 0x4fa4, 0x0604, 0x86, NULL, "", VMX_NO, VMX_NO, NULL},
    {"0000:85:04.0", 0x8086, 0x4fa4, 0x0604, 0x87, NULL, "", VMX_NO, VMX_NO, NULL},
    {"0000:86:00.0", 0x8086, 0x5690, 0x0300, 0, "0000:85:01.0", "", VMX_YES, VMX_YES, NULL},
    {"0000:87:00.0", 0x8086, 0x4f90, 0x0403, 0, "0000:85:04.0", "", VMX_YES, VMX_YES, NULL},
    /* reset together: all behind a bridge, below another bridge, too, which can go and does not */
    {"0000:80:03.0", 0x8086, 0x347b, 0x0604, 0x90, NULL, "", VMX_NO, VMX_NO, NULL},
    {"0000:90:00.0", 0x1000, 0x0097, 0x0480, 0, "0000:80:03.0", "", VMX_YES, VMX_NO, NULL},
    {"0000:90:01.0", 0x10b5, 0x8747, 0x0604, 0x91, NULL, "", VMX_YES, VMX_NO, NULL},
    {"0000:91:00.0", 0x1415, 0x9501, 0x0700, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    {"0000:91:01.0", 0x1415, 0x9501, 0x0700, 0, ITSELF, "", VMX_NO, VMX_NO, NULL},
    {"0001:91:00.0", 0x1415, 0x9501, 0x0700, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    /* reset together: two that depend on a third, which brings along its other function */
    {"0000:a0:00.0", 0x8086, 0x4940, 0x0b40, 0, "0000:a2:00.0", "", VMX_YES, VMX_NO, NULL},
    {"0000:a1:00.0", 0x8086, 0x4940, 0x0b40, 0, "0000:a2:00.0", "", VMX_YES, VMX_NO, NULL},
    {"0000:a2:00.0", 0x8086, 0x4940, 0x0b40, 0, ITSELF, "", VMX_YES, VMX_NO, NULL},
    {"0000:a2:00.1", 0x8086, 0x4940, 0x0b40, 0, ITSELF, "", VMX_YES, VMX_NOT_KNOWN, NULL},
    /* one that depends on what the host does not list, one of two ports, one that a VM has */
    {"0000:b0:00.0", 0x8086, 0x4940, 0x0b40, 0, "0000:e8:00.0", "", VMX_YES, VMX_NO, NULL},
    {"0000:b1:00.0", 0x8086, 0x4940, 0x0b40, 0, "0000:e8:00.0", "", VMX_YES, VMX_NO, NULL},
    {"0000:c0:00.0", 0x8086, 0x1521, 0x0200, 0, ITSELF, "vmnic0", VMX_YES, VMX_NO, NULL},
    {"0000:c0:00.1", 0x8086, 0x1521, 0x0200, 0, ITSELF, "", VMX_YES, VMX_YES, "b/b.vmx"},
    {"0000:c1:00.0", 0x8086, 0x1521, 0x0200, 0, ITSELF, "vmnic2", VMX_YES, VMX_NO, "c/c.vmx"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
static struct vmx_host_pci machine[ROWS];
static const struct vmx_host host = {.pci = machine, .n_pci = ROWS};

static struct vmx_pci address_of(const char *text)
{
    struct vmx_pci pci;
    assert_true(vmx_pci_parse(span_of(text), &pci));
    return pci;
}

static int set_up(void **state)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        machine[i] = (struct vmx_host_pci){
            .address = address_of(row->address),
            .vendor = row->vendor,
            .device = row->device,
            .class = row->class,
            .spawned_bus = row->behind,
            .name = "",
            .vmkernel_name = row->vmkernel_name,
            .owner = "",
            .reset = "",
            .capable = row->capable,
            .enabled = row->enabled,
            .active = row->enabled,
            .user = row->user,
            .has_dependent = row->dependent != NULL,
        };
        if (row->dependent)
            machine[i].dependent = address_of(row->dependent[0] ? row->dependent : row->address);
    }
    (void)state;
    return 0;
}

struct named {
    const char *address;
};

static bool is_named(void *ctx, const struct vmx_pci *address)
{
    const char *name = ((const struct named *)ctx)->address;
    const struct vmx_pci pci = address_of(name);
    return vmx_pci_eq(&pci, address);
}

/* line: "1 alone force", as people write it. */
static struct vmx_passthrough how(const char *line, struct named *named)
{
    return (struct vmx_passthrough){
        .on = line[0] == '1',
        .force = strstr(line, "force") != NULL,
        .alone = strstr(line, "alone") != NULL,
        .is_named = named->address ? is_named : NULL,
        .ctx = named,
    };
}

static void assert_list(const char *address, const struct vmx_host_pci *const *items, size_t n,
                        const char *want)
{
    BUF_AUTO text = {0};
    assert_int_equal(buf_reserve(&text, 0), 0);
    assert_int_equal(vmx_passthrough_add_addresses(items, n, &text), 0);
    if (strcmp(text.data, want) != 0)
        fail_msg("%s: %s, not %s", address, text.data, want);
}

static void what_belongs_together_is_switched_together(void **state)
{
    static const struct {
        const char *address, *line, *change, *keep, *named;
    } cases[] = {
        {"0000:65:00.0", "1", "0000:65:00.0, 0000:65:00.1, 0000:65:00.2, 0000:65:00.3", "", NULL},
        {"0000:65:00.2", "1", "0000:65:00.2, 0000:65:00.0, 0000:65:00.1, 0000:65:00.3", "", NULL},
        {"0000:65:00.2", "1 alone", "0000:65:00.2", "", NULL},
        {"0000:66:00.0", "1 alone", "0000:66:00.0", "", NULL},
        {"0000:66:00.0", "1 force", "0000:66:00.0, 0000:66:00.2", "", NULL},
        {"0000:67:00.0", "1 force", "0000:67:00.1", "", NULL},
        {"0000:67:00.0", "1 alone", "", "", NULL},
        {"0000:00:02.0", "1", "0000:00:02.0", "", NULL},
        {"0000:00:14.0", "1 force", "0000:00:14.0", "", NULL},
        {"0000:00:1f.3", "1 alone", "0000:00:1f.3", "", NULL},
        {"0000:00:1f.2", "1 alone force", "0000:00:1f.2", "", NULL},
        {"0000:86:00.0", "1", "", "", NULL},
        {"0000:86:00.0", "0", "0000:86:00.0, 0000:87:00.0", "", NULL},
        {"0000:86:00.0", "0 alone", "0000:86:00.0", "", NULL},
        {"0000:86:00.0", "0", "0000:86:00.0", "0000:87:00.0", "0000:87:00.0"},
        {"0000:86:00.0", "0", "0000:86:00.0, 0000:87:00.0", "", "0000:86:00.0"},
        {"0000:87:00.0", "0", "0000:87:00.0", "", NULL},
        {"0000:90:00.0", "1", "0000:90:00.0, 0000:91:00.0", "", NULL},
        {"0000:91:00.0", "1", "0000:91:00.0", "", NULL},
        {"0000:a0:00.0", "1", "0000:a0:00.0, 0000:a1:00.0, 0000:a2:00.0, 0000:a2:00.1", "", NULL},
        {"0000:a2:00.0", "1", "0000:a2:00.0, 0000:a0:00.0, 0000:a1:00.0, 0000:a2:00.1", "", NULL},
        {"0000:a2:00.1", "0", "0000:a2:00.1", "", NULL},
        {"0000:b0:00.0", "1", "0000:b0:00.0", "", NULL},
        {"0000:c0:00.1", "0 force", "0000:c0:00.1", "", NULL},
        {"0000:c0:00.0", "0", "", "0000:c0:00.1", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct named named = {cases[i].named};
        const struct vmx_passthrough line = how(cases[i].line, &named);
        const struct vmx_pci address = address_of(cases[i].address);
        struct vmx_passthrough_plan plan = {0};
        BUF_AUTO why = {0};
        if (vmx_passthrough_decide(&host, &address, &line, &plan, &why) != 0)
            fail_msg("%s %s: %s", cases[i].address, cases[i].line, why.data);
        assert_int_equal(why.len, 0);
        assert_list(cases[i].address, plan.change, plan.n_change, cases[i].change);
        assert_list(cases[i].address, plan.keep, plan.n_keep, cases[i].keep);
        vmx_passthrough_plan_done(&plan);
    }
    (void)state;
}

static void all_that_is_in_the_way_is_named(void **state)
{
    static const struct {
        const char *address, *line;
        int r;
        const char *why;
    } cases[] = {
        {"0000:66:00.0", "1", -EBUSY,
         "the host needs 0000:66:00.2 (vmhba32); write \"1 alone\" to take just this one, or "
         "\"1 force\" to take them all nevertheless"},
        {"0000:66:00.2", "1 alone", -EBUSY,
         "the host needs it (vmhba32); write \"1 force\" to take it away nevertheless"},
        {"0000:67:00.1", "1", -EBUSY,
         "a/a.vmx has 0000:67:00.0 and is powered on; write \"1 alone\" to take just this one, or "
         "\"1 force\" to take them all nevertheless"},
        {"0000:67:00.0", "0", -EBUSY,
         "a/a.vmx has it and is powered on; write \"0 force\" to take it away nevertheless"},
        {"0000:67:00.0", "0 alone", -EBUSY,
         "a/a.vmx has it and is powered on; write \"0 force\" to take it away nevertheless"},
        {"0000:00:14.0", "1", -EBUSY,
         "the host needs it (a USB controller); write \"1 force\" to take it away nevertheless"},
        {"0000:00:1f.3", "1", -EBUSY,
         "the host needs 0000:00:1f.2 (vmhba0); write \"1 alone\" to take just this one, or "
         "\"1 force\" to take them all nevertheless"},
        {"0000:00:1f.2", "1", -EBUSY,
         "the host needs 0000:00:1f.2 (vmhba0); write \"1 force\" to take them all away "
         "nevertheless, or \"1 alone force\" just this one"},
        {"0000:c0:00.0", "1", -EBUSY,
         "the host needs 0000:c0:00.0 (vmnic0); b/b.vmx has 0000:c0:00.1 and is powered on; write "
         "\"1 force\" to take them all away nevertheless, or \"1 alone force\" just this one"},
        {"0000:c1:00.0", "1", -EBUSY,
         "the host needs it (vmnic2); c/c.vmx has it and is powered on; write \"1 force\" to take "
         "it away nevertheless"},
        {"0000:91:01.0", "1 force", -EOPNOTSUPP,
         "the host says that the device is not capable of passthrough"},
        {"0000:ff:00.0", "1", -ENODEV, "the host has no such device"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct named named = {NULL};
        const struct vmx_passthrough line = how(cases[i].line, &named);
        const struct vmx_pci address = address_of(cases[i].address);
        struct vmx_passthrough_plan plan = {0};
        BUF_AUTO why = {0};
        assert_int_equal(vmx_passthrough_decide(&host, &address, &line, &plan, &why), cases[i].r);
        assert_string_equal(why.data, cases[i].why);
        assert_null(plan.change);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_belongs_together_is_switched_together),
        cmocka_unit_test(all_that_is_in_the_way_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
