/* SPDX-License-Identifier: MIT */
#include "parser/vm/host.h"

#include "support.h"

#define NOTHING .name = "", .vmkernel_name = "", .owner = "", .reset = ""
#define PCI(domain, bus, slot, function, vendor_id, device_id, class_id, bus_behind)               \
    {.address = {(domain), (bus), (slot), (function)},                                             \
     .vendor = (vendor_id),                                                                        \
     .device = (device_id),                                                                        \
     .class = (class_id),                                                                          \
     .spawned_bus = (bus_behind),                                                                  \
     NOTHING}

/* Two Arc cards, one of each generation, a graphics card with four functions, and an Intel audio
 * device of the machine's own behind the same root port's switch. */
static struct vmx_host_pci machine[] = {
    PCI(1, 0x87, 0, 0, 0x8086, 0x4f90, 0x0403, 0),
    PCI(0, 0x80, 2, 0, 0x8086, 0x347a, 0x0604, 0x84),
    PCI(0, 0x84, 0, 0, 0x8086, 0x4fa0, 0x0604, 0x85),
    PCI(0, 0x85, 1, 0, 0x8086, 0x4fa4, 0x0604, 0x86),
    PCI(0, 0x85, 4, 0, 0x8086, 0x4fa4, 0x0604, 0x87),
    PCI(0, 0x86, 0, 0, 0x8086, 0x5690, 0x0300, 0),
    PCI(0, 0x87, 0, 0, 0x8086, 0x4f90, 0x0403, 0),
    PCI(0, 0x00, 0x1f, 3, 0x8086, 0xa2f0, 0x0403, 0),
    PCI(0, 0x00, 0x02, 0, 0x8086, 0x5912, 0x0300, 0),
    PCI(0, 0x80, 3, 0, 0x8086, 0x347b, 0x0604, 0x90),
    PCI(0, 0x90, 0, 0, 0x8086, 0xe2ff, 0x0604, 0x91),
    PCI(0, 0x91, 1, 0, 0x8086, 0xe2f0, 0x0604, 0x92),
    PCI(0, 0x91, 2, 0, 0x8086, 0xe2f1, 0x0604, 0x93),
    PCI(0, 0x93, 0, 0, 0x8086, 0xe2f7, 0x0403, 0),
    PCI(0, 0x92, 0, 0, 0x8086, 0xe20b, 0x0300, 0),
    PCI(0, 0x65, 0, 0, 0x10de, 0x1e84, 0x0300, 0),
    PCI(0, 0x65, 0, 1, 0x10de, 0x10f8, 0x0403, 0),
    PCI(0, 0x65, 0, 2, 0x10de, 0x1ad8, 0x0c03, 0),
    PCI(0, 0x65, 0, 3, 0x10de, 0x1ad9, 0x0c80, 0),
    /* the first card's addresses again, in another domain and without a way to the audio device */
    PCI(1, 0x84, 0, 0, 0x8086, 0x4fa0, 0x0604, 0x85),
    PCI(1, 0x85, 1, 0, 0x8086, 0x4fa4, 0x0604, 0x86),
    PCI(1, 0x86, 0, 0, 0x8086, 0x5690, 0x0300, 0),
    /* no switch of a card's: a machine's, with a card and an audio device behind its ports */
    PCI(0, 0xa0, 0, 0, 0x10b5, 0x8747, 0x0604, 0xa1),
    PCI(0, 0xa1, 8, 0, 0x10b5, 0x8747, 0x0604, 0xa2),
    PCI(0, 0xa1, 9, 0, 0x10b5, 0x8747, 0x0604, 0xa3),
    PCI(0, 0xa2, 0, 0, 0x8086, 0x56a0, 0x0300, 0),
    PCI(0, 0xa3, 0, 0, 0x8086, 0x4f90, 0x0403, 0),
};
static const struct vmx_host host = {.pci = machine, .n_pci = sizeof(machine) / sizeof(machine[0])};

static const struct vmx_host_pci *at(const char *address)
{
    struct vmx_pci pci;
    assert_true(vmx_pci_parse(span_of(address), &pci));
    return vmx_host_find(&host, &pci);
}

static void find_goes_by_the_whole_address(void **state)
{
    assert_ptr_equal(at("0000:86:00.0"), &machine[5]);
    assert_ptr_equal(at("0001:86:00.0"), &machine[21]);
    assert_null(at("0002:86:00.0"));
    assert_null(at("0000:86:00.1"));
    assert_null(vmx_host_find(&(struct vmx_host){.pci = NULL}, &machine[0].address));
    (void)state;
}

static void graphics_cards_are_told_by_vendor_and_class(void **state)
{
    static const struct {
        long long vendor, class;
        bool want;
    } cases[] = {
        {0x10de, 0x0300, true},  {0x10de, 0x0302, true},  {0x1002, 0x0380, true},
        {0x8086, 0x0300, true},  {0x1a03, 0x0300, false}, {0x15ad, 0x0300, false},
        {0x10de, 0x0403, false}, {0x10de, 0x0301, false}, {-1, 0x0300, false},
        {0x10de, -1, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct vmx_host_pci pci = {.vendor = cases[i].vendor, .class = cases[i].class};
        assert_int_equal(vmx_host_is_gpu(&pci), cases[i].want);
    }
    (void)state;
}

static void audio_goes_with_its_card(void **state)
{
    static const struct {
        const char *gpu, *audio;
    } cases[] = {
        {"0000:65:00.0", "0000:65:00.1"}, {"0000:86:00.0", "0000:87:00.0"},
        {"0000:92:00.0", "0000:93:00.0"}, {"0000:00:02.0", NULL},
        {"0001:86:00.0", NULL},           {"0000:a2:00.0", NULL},
        {"0000:87:00.0", NULL}, /* no graphics card */
        {"0000:65:00.2", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct vmx_host_pci *want = cases[i].audio ? at(cases[i].audio) : NULL;
        if (vmx_host_audio(&host, at(cases[i].gpu)) != want)
            fail_msg("%s", cases[i].gpu);
    }
    (void)state;
}

/* Two bridges to one bus, a bridge to its own bus, a card whose parts hang off one port: nothing is
 * concluded from these. */
static void broken_trees_have_no_audio(void **state)
{
    static struct vmx_host_pci trees[][6] = {
        {PCI(0, 1, 0, 0, 0x8086, 0x4fa0, 0x0604, 2), PCI(0, 1, 1, 0, 0x8086, 0x4fa0, 0x0604, 2),
         PCI(0, 2, 1, 0, 0x8086, 0x4fa4, 0x0604, 3), PCI(0, 2, 4, 0, 0x8086, 0x4fa4, 0x0604, 4),
         PCI(0, 3, 0, 0, 0x8086, 0x5690, 0x0300, 0), PCI(0, 4, 0, 0, 0x8086, 0x4f90, 0x0403, 0)},
        {PCI(0, 1, 0, 0, 0x8086, 0x347a, 0x0604, 2), PCI(0, 9, 1, 0, 0x8086, 0x4fa0, 0x0604, 9),
         PCI(0, 2, 1, 0, 0x8086, 0x4fa4, 0x0604, 3), PCI(0, 2, 4, 0, 0x8086, 0x4fa4, 0x0604, 4),
         PCI(0, 3, 0, 0, 0x8086, 0x5690, 0x0300, 0), PCI(0, 4, 0, 0, 0x8086, 0x4f90, 0x0403, 0)},
        {PCI(0, 1, 0, 0, 0x8086, 0x4fa0, 0x0604, 300), PCI(0, 1, 1, 0, 0x8086, 0x4fa0, 0x0604, -1),
         PCI(0, 2, 1, 0, 0x8086, 0x4fa4, 0x0604, 3), PCI(0, 2, 4, 0, 0x8086, 0x4fa4, 0x0604, 4),
         PCI(0, 3, 0, 0, 0x8086, 0x5690, 0x0300, 0), PCI(0, 4, 0, 0, 0x8086, 0x4f90, 0x0403, 0)},
        {PCI(0, 1, 0, 0, 0x8086, 0x4fa0, 0x0604, 2), PCI(0, 1, 1, 0, 0x8086, 0x4fa0, 0x0604, 5),
         PCI(0, 2, 1, 0, 0x8086, 0x4fa4, 0x0604, 3), PCI(0, 5, 4, 0, 0x8086, 0x4fa4, 0x0604, 4),
         PCI(0, 3, 0, 0, 0x8086, 0x5690, 0x0300, 0), PCI(0, 4, 0, 0, 0x8086, 0x4f90, 0x0403, 0)},
        {PCI(0, 1, 0, 0, 0x8086, 0x4fa0, 0x0604, 2), PCI(0, 1, 1, 0, 0x8086, 0x4fa0, 0x0604, 9),
         PCI(0, 2, 1, 0, 0x10b5, 0x8747, 0x0604, 3), PCI(0, 2, 4, 0, 0x8086, 0x4fa4, 0x0604, 4),
         PCI(0, 3, 0, 0, 0x8086, 0x5690, 0x0300, 0), PCI(0, 4, 0, 0, 0x8086, 0x4f90, 0x0403, 0)},
        {PCI(0, 1, 0, 0, 0x8086, 0x4fa0, 0x0604, 2), PCI(0, 1, 1, 0, 0x8086, 0x4fa0, 0x0604, 9),
         PCI(0, 2, 1, 0, 0x8086, 0x4fa4, 0x0604, 3), PCI(0, 2, 4, 0, 0x10b5, 0x8747, 0x0604, 4),
         PCI(0, 3, 0, 0, 0x8086, 0x5690, 0x0300, 0), PCI(0, 4, 0, 0, 0x8086, 0x4f90, 0x0403, 0)},
        {PCI(0, 3, 1, 0, 0x8086, 0x4fa0, 0x0604, 3), PCI(0, 4, 1, 0, 0x8086, 0x4fa4, 0x0604, 4),
         PCI(0, 300, 1, 0, 0x8086, 0x4fa4, 0x0604, 300), PCI(0, 2, 4, 0, 0x8086, 0x4fa4, 0x0604, 9),
         PCI(0, 3, 0, 0, 0x8086, 0x5690, 0x0300, 0), PCI(0, 4, 0, 0, 0x8086, 0x4f90, 0x0403, 0)},
    };
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        const struct vmx_host tree = {.pci = trees[i], .n_pci = 6};
        if (vmx_host_audio(&tree, &trees[i][4]))
            fail_msg("%zu", i);
    }
    (void)state;
}

static void functions_are_the_slot_and_the_audio(void **state)
{
    static const struct {
        const char *address;
        size_t max, n;
        const char *want[4];
    } cases[] = {
        {"0000:65:00.0", 8, 4, {"0000:65:00.0", "0000:65:00.1", "0000:65:00.2", "0000:65:00.3"}},
        {"0000:65:00.2", 8, 4, {"0000:65:00.2", "0000:65:00.0", "0000:65:00.1", "0000:65:00.3"}},
        {"0000:65:00.0", 2, 2, {"0000:65:00.0", "0000:65:00.1"}},
        {"0000:86:00.0", 8, 2, {"0000:86:00.0", "0000:87:00.0"}},
        {"0000:86:00.0", 1, 1, {"0000:86:00.0"}},
        {"0000:86:00.0", 0, 0, {NULL}},
        {"0000:87:00.0", 8, 1, {"0000:87:00.0"}},
        {"0001:86:00.0", 8, 1, {"0001:86:00.0"}},
        {"0000:86:00.1", 8, 0, {NULL}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct vmx_host_pci *got[8] = {NULL};
        struct vmx_pci address;
        assert_true(vmx_pci_parse(span_of(cases[i].address), &address));
        assert_int_equal(vmx_host_functions(&host, &address, got, cases[i].max), cases[i].n);
        for (size_t k = 0; k < 8; k++)
            assert_ptr_equal(got[k], k < cases[i].n ? at(cases[i].want[k]) : NULL);
    }
    (void)state;
}

static void host_needs_what_it_stands_on(void **state)
{
    static const struct {
        long long class;
        const char *vmkernel_name, *reason;
    } cases[] = {
        {0x0106, "", "a storage controller"},
        {0x0108, "vmhba1", "vmhba1"},
        {0x0200, "", "a network adapter"},
        {0x0200, "vmnic0", "vmnic0"},
        {0x0c03, "", "a USB controller"},
        {0x0c05, "", NULL},
        {0x0604, "", "a bridge"},
        {0x0600, "", "a bridge"},
        {0x0300, "", NULL},
        {0x0302, "", NULL},
        {0x0403, "", NULL},
        {0x1200, "", NULL},
        {0x1200, "accel0", "accel0"},
        {-1, "", NULL},
        {0x00ff, "", NULL},
        {0x0700, "", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vmx_host_pci one = {.class = cases[i].class,
                                   .vmkernel_name = cases[i].vmkernel_name};
        const struct vmx_host alone = {.pci = &one, .n_pci = 1};
        const char *reason = vmx_host_needs(&alone, &one);
        assert_int_equal(reason != NULL, cases[i].reason != NULL);
        if (reason)
            assert_string_equal(reason, cases[i].reason);
    }
    (void)state;
}

/* The same class elsewhere is the machine's. */
static void usb_controllers_of_display_cards_are_their_own(void **state)
{
    assert_null(vmx_host_needs(&host, at("0000:65:00.2")));
    struct vmx_host_pci boot = *at("0000:65:00.2");
    boot.vmkernel_name = "vmhba32";
    assert_string_equal(vmx_host_needs(&host, &boot), "vmhba32");
    boot = *at("0000:65:00.2");
    boot.address.slot = 1;
    assert_string_equal(vmx_host_needs(&host, &boot), "a USB controller");
    (void)state;
}

static void builds_are_compared_within_a_version(void **state)
{
    static const struct {
        struct release {
            unsigned version[3];
            unsigned build;
        } a, b;
        bool want;
    } cases[] = {
        {{{7, 0, 3}, 21930508}, {{8, 0, 1}, 21495797}, true},
        {{{8, 0, 1}, 21495797}, {{7, 0, 3}, 21930508}, false},
        {{{7, 0, 3}, 19193900}, {{7, 0, 3}, 20328353}, true},
        {{{7, 0, 3}, 20328353}, {{7, 0, 3}, 20328353}, false},
        {{{7, 0, 3}, 24784741}, {{7, 0, 3}, 20328353}, false},
        {{{8, 0, 0}, 20513097}, {{8, 0, 1}, 0}, true},
        {{{6, 7, 0}, 20497097}, {{7, 0, 0}, 15843807}, true},
        {{{9, 0, 0}, 1}, {{8, 9, 9}, 2}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vmx_host known = {.build = cases[i].a.build};
        memcpy(known.version, cases[i].a.version, sizeof(known.version));
        bool got = vmx_host_is_before(&known, cases[i].b.version, cases[i].b.build);
        assert_int_equal(got, cases[i].want);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_goes_by_the_whole_address),
        cmocka_unit_test(graphics_cards_are_told_by_vendor_and_class),
        cmocka_unit_test(audio_goes_with_its_card),
        cmocka_unit_test(broken_trees_have_no_audio),
        cmocka_unit_test(functions_are_the_slot_and_the_audio),
        cmocka_unit_test(host_needs_what_it_stands_on),
        cmocka_unit_test(usb_controllers_of_display_cards_are_their_own),
        cmocka_unit_test(builds_are_compared_within_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
