/* SPDX-License-Identifier: MIT */
#include "parse_support.h"

static const struct vmx_host_pci *at(const struct host_facts *facts, const char *address)
{
    struct vmx_pci pci;
    assert_true(vmx_pci_parse(span_of(address), &pci));
    const struct vmx_host_pci *found = vmx_host_find(&facts->host, &pci);
    if (!found)
        fail_msg("no %s", address);
    return found;
}

static void assert_dependent(const struct vmx_host_pci *pci, const char *want)
{
    BUF_AUTO text = {0};
    assert_int_equal(pci->has_dependent, want[0] != '\0');
    if (!pci->has_dependent)
        return;
    assert_int_equal(vmx_pci_add_address(&pci->dependent, &text), 0);
    assert_string_equal(text.data, want);
}

static void recorded_lists_are_read(void **state)
{
    static const struct {
        const char *file;
        size_t n;
    } files[] = {{"pci-6.5.txt", 6}, {"pci-7.0.txt", 4}, {"pci-8.0.txt", 6}};
    static const struct {
        size_t file;
        const char *address;
        long long vendor, device, class, spawned_bus;
        const char *vmkernel_name, *name, *owner;
        enum vmx_truth capable, enabled, active;
        const char *reset, *dependent; /* as the host's addresses are written; "" */
    } cases[] = {
        {0, "0000:00:00.0", 0x8086, 0x5918, 0x0600, 0, "",
         "Xeon E3-1200 v6/7th Gen Core Processor Host Bridge/DRAM Registers", "Unknown", VMX_NO,
         VMX_NOT_KNOWN, VMX_NOT_KNOWN, "", ""},
        {0, "0000:00:17.0", 0x8086, 0xa282, 0x0106, 0, "vmhba0",
         "200 Series PCH SATA controller [AHCI mode]", "VMkernel", VMX_YES, VMX_NO, VMX_NO,
         "Function reset", "0000:00:17.0"},
        {0, "0000:01:00.0", 0x10de, 0x1c81, 0x0300, 0, "", "GP107 [GeForce GTX 1050]",
         "VM Passthru", VMX_YES, VMX_YES, VMX_YES, "Function reset", "0000:01:00.0"},
        {0, "0000:01:00.1", 0x10de, 0x0fb9, 0x0403, 0, "",
         "GP107GL High Definition Audio Controller", "VMkernel", VMX_YES, VMX_YES, VMX_NO,
         "Function reset", "0000:01:00.1"},
        {1, "0000:02:00.0", 0x14e4, 0x165f, 0x0200, 0, "vmnic0",
         "NetXtreme BCM5720 Gigabit Ethernet", "VMkernel", VMX_YES, VMX_NO, VMX_NO,
         "Function reset", "0000:00:02.0"},
        {1, "0000:04:00.0", 0x10de, 0x1cb2, 0x0300, 0, "", "GP107GL [Quadro P600]", "VM Passthru",
         VMX_YES, VMX_YES, VMX_YES, "Bridge reset", "0000:00:03.0"},
        {2, "0000:85:04.0", 0x8086, 0x4fa4, 0x0604, 0x87, "", "", "VMkernel", VMX_NO, VMX_NO,
         VMX_NO, "", ""},
        {2, "0000:86:00.0", 0x8086, 0x5690, 0x0300, 0, "", "DG2 [Arc A770M]", "VMkernel", VMX_YES,
         VMX_YES, VMX_NO, "Function reset", "0000:85:01.0"},
    };
    for (size_t f = 0; f < 2 * sizeof(files) / sizeof(files[0]); f++) {
        BUF_AUTO text = {0};
        BUF_AUTO crlf = {0};
        FACTS_AUTO facts = new_facts();
        add_file(files[f / 2].file, &text);
        add_crlf(buf_span(&text), &crlf);
        assert_int_equal(parse_pci_list(buf_span(f % 2 ? &crlf : &text), facts), 0);
        assert_int_equal(facts->host.n_pci, files[f / 2].n);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            if (cases[i].file != f / 2)
                continue;
            const struct vmx_host_pci *p = at(facts, cases[i].address);
            assert_int_equal(p->vendor, cases[i].vendor);
            assert_int_equal(p->device, cases[i].device);
            assert_int_equal(p->class, cases[i].class);
            assert_int_equal(p->spawned_bus, cases[i].spawned_bus);
            assert_string_equal(p->vmkernel_name, cases[i].vmkernel_name);
            assert_string_equal(p->name, cases[i].name);
            assert_string_equal(p->owner, cases[i].owner);
            assert_int_equal(p->capable, cases[i].capable);
            assert_int_equal(p->enabled, cases[i].enabled);
            assert_int_equal(p->active, cases[i].active);
            assert_null(p->user);
            assert_string_equal(p->reset, cases[i].reset);
            assert_dependent(p, cases[i].dependent);
        }
    }
    (void)state;
}

static void audio_of_a_recorded_arc_card_is_found(void **state)
{
    BUF_AUTO text = {0};
    FACTS_AUTO facts = new_facts();
    add_file("pci-8.0.txt", &text);
    assert_int_equal(parse_pci_list(buf_span(&text), facts), 0);
    assert_ptr_equal(vmx_host_audio(&facts->host, at(facts, "0000:86:00.0")),
                     at(facts, "0000:87:00.0"));
    (void)state;
}

/* What is not said, or not as hosts say it, is not known. */
static void odd_values_are_not_known(void **state)
{
    static const char text[] =
        "0000:01:00.0\n"
        "   SubVendor ID: 0x1111\n"
        "   SubDevice ID: 0x2222\n"
        "   Device Class Name: 0x0300\n"
        "0000:02:00.0\n"
        "   Vendor ID: 10de\n"
        "   Device ID: 0x10000\n"
        "   Device Class: 0x\n"
        "   Spawned Bus: 0x100\n"
        "   Passthru Capable: maybe\n"
        "   Configured Owner: Unknown\n"
        "   Current Owner: VM Passthru\n"
        "   VMkernel Name: vmnic0: spare\n"
        "   VMkernel Name: vmnic1\n"
        "0000:03:00.0\n"
        "   Configured Owner: VM passthru\n"
        "   Current Owner: Somebody\n"
        "0000:04:00.0\n"
        "   Configured Owner: Unknown\n"
        "   Current Owner: Unknown\n";
    FACTS_AUTO facts = new_facts();
    assert_int_equal(parse_pci_list(span_of(text), facts), 0);
    assert_int_equal(facts->host.n_pci, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct vmx_host_pci *p = &facts->host.pci[i];
        assert_int_equal(p->vendor, -1);
        assert_int_equal(p->device, -1);
        assert_int_equal(p->class, -1);
        assert_int_equal(p->spawned_bus, 0);
        assert_int_equal(p->capable, VMX_NOT_KNOWN);
        assert_int_equal(p->enabled, VMX_NOT_KNOWN);
        assert_int_equal(p->active, i == 1 ? VMX_YES : VMX_NOT_KNOWN);
        assert_string_equal(p->vmkernel_name, i == 1 ? "vmnic0: spare" : "");
    }
    (void)state;
}

/* Nothing that follows a strange line is said of the device before it. */
static void strange_lines_end_a_block(void **state)
{
    static const char text[] =
        "   Vendor ID: 0x1111\n"
        "0000:01:00.0\n"
        "   no field\n"
        "   Vendor ID: 0x10de\n"
        "0000:zz:00.0\n"
        "   Device ID: 0x1111\n"
        "\n"
        "   Device Class: 0x0300\n"
        "02:00.0\n"
        "   Device ID: 0x1111\n"
        "00000:3:00.0\n"
        "   Device ID: 0x1111\n"
        "Errors: \n"
        "   Device ID: 0x1111";
    FACTS_AUTO facts = new_facts();
    assert_int_equal(parse_pci_list(span_of(text), facts), 0);
    assert_int_equal(facts->host.n_pci, 1);
    assert_int_equal(facts->host.pci[0].vendor, 0x10de);
    assert_int_equal(facts->host.pci[0].device, -1);
    assert_int_equal(facts->host.pci[0].class, -1);
    (void)state;
}

static void lists_of_no_host_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "Unknown command or namespace hardware pci\n",
        "   Address: 0000:01:00.0\n",
        "0000:01:00.0\n0000:02:00.0\n0000:01:00.0\n",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FACTS_AUTO facts = new_facts();
        assert_int_equal(parse_pci_list(span_of(cases[i]), facts), -EBADMSG);
        assert_int_equal(facts->host.n_pci, 0);
    }
    (void)state;
}

static void devices_are_bounded(void **state)
{
    BUF_AUTO text = {0};
    FACTS_AUTO facts = new_facts();
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(buf_addf(&text, "0000:%02x:%02x.%x\n", i >> 8, i >> 3 & 31, i & 7), 0);
    assert_int_equal(parse_pci_list(buf_span(&text), facts), 0);
    assert_int_equal(facts->host.n_pci, 4096);
    assert_int_equal(buf_add_str(&text, "0000:ff:00.0\n"), 0);
    FACTS_AUTO more = new_facts();
    assert_int_equal(parse_pci_list(buf_span(&text), more), -EBADMSG);
    assert_int_equal(more->host.n_pci, 0);
    (void)state;
}

static void dependent_devices_are_read_in_decimal(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"PCI 0:232:0:0", "0000:e8:00.0"},
        {"PCI 10:133:4:1", "000a:85:04.1"},
        {"PCI 0:256:0:0", ""},
        {"PCI 0:e8:0:0", ""},
        {"PCI 0:1:0:8", ""},
        {"PCI 0:1:32:0", ""},
        {"PCI 0:1:0.0", ""},
        {"PCI 1:0:0", ""},
        {"PCI 0:1:0:0:0", ""},
        {"PCI 0:1:0:0 ", "0000:01:00.0"},
        {"0:1:0:0", ""},
        {"PCI ", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO text = {0};
        FACTS_AUTO facts = new_facts();
        assert_int_equal(buf_addf(&text, "0000:01:00.0\n   Dependent Device: %s\n", cases[i].text),
                         0);
        assert_int_equal(parse_pci_list(buf_span(&text), facts), 0);
        assert_dependent(&facts->host.pci[0], cases[i].want);
    }
    (void)state;
}

static void passthrough_list_adds_to_what_is_known(void **state)
{
    static const char list[] =
        "0000:01:00.0\n"
        "   Configured Owner: VMkernel\n"
        "0000:02:00.0\n"
        "   Configured Owner: VM Passthru\n"
        "0000:03:00.0\n"
        "0000:04:00.0\n"
        "0000:05:00.0\n"
        "0000:06:00.0\n"
        "   Configured Owner: VMkernel\n";
    static const char text[] =
        "Device ID     Enabled\r\n"
        "------------  -------\r\n"
        "0000:01:00.0     true\r\n"
        "0000:02:00.0    false\r\n"
        "0000:03:00.0    false\r\n"
        "0000:04:00.0    maybe\n"
        "04:00.0          true\n"
        "0000:05:00.0     true  true\n"
        "0000:06:00.0\n"
        "0000:42:00.0     true\n";
    static const enum vmx_truth want[] = {VMX_YES,       VMX_YES,       VMX_NO,
                                          VMX_NOT_KNOWN, VMX_NOT_KNOWN, VMX_NO};
    FACTS_AUTO facts = new_facts();
    assert_int_equal(parse_pci_passthru(span_of(text), facts), 0);
    assert_int_equal(parse_pci_list(span_of(list), facts), 0);
    assert_int_equal(parse_pci_passthru(span_of(text), facts), 0);
    for (size_t i = 0; i < facts->host.n_pci; i++)
        assert_int_equal(facts->host.pci[i].enabled, want[i]);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_lists_are_read),
        cmocka_unit_test(audio_of_a_recorded_arc_card_is_found),
        cmocka_unit_test(odd_values_are_not_known),
        cmocka_unit_test(strange_lines_end_a_block),
        cmocka_unit_test(lists_of_no_host_are_refused),
        cmocka_unit_test(devices_are_bounded),
        cmocka_unit_test(dependent_devices_are_read_in_decimal),
        cmocka_unit_test(passthrough_list_adds_to_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
