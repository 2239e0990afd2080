/* SPDX-License-Identifier: MIT */
/* The worst that reports say of one card. */
#include "reports.h"

static void assert_card(const struct vmx_card_check *card, const char *want, long long memory_gb)
{
    char got[100];
    snprintf(got, sizeof(got), "%s %s", card->unfit ? "-" : vmx_severity_name(card->worst),
             card->rule);
    assert_string_equal(got, want);
    assert_int_equal(card->memory_gb, memory_gb);
}

static void a_card_that_no_vm_has(void **state)
{
    PROFILES_AUTO profiles = {0};
    static const struct {
        size_t at;
        enum vmx_truth nested, enabled, active;
        const char *reset, *want;
        long long gb;
    } cases[] = {
        {AT_GPU, VMX_NO, VMX_YES, VMX_YES, "Function reset", "PASS ", 2},
        {AT_GPU, VMX_NO, VMX_NO, VMX_NO, "Function reset", "PASS ", 2},
        {AT_GPU, VMX_NO, VMX_YES, VMX_NO, "Bridge reset", "WARN passthrough-enabled", 2},
        {AT_GPU, VMX_NO, VMX_YES, VMX_YES, "", "UNKNOWN gpu-reset", 2},
        {AT_GPU, VMX_NO, VMX_NO, VMX_NOT_KNOWN, "Function reset", "UNKNOWN gpu-console", 2},
        {AT_AMD, VMX_NO, VMX_YES, VMX_YES, "Bridge reset", "PASS ", 0},
        {AT_VGA, VMX_NO, VMX_NO, VMX_NO, "Function reset", "- ", 0},
        {AT_IGPU, VMX_YES, VMX_YES, VMX_YES, "Function reset", "- ", 0},
        {AT_IGPU, VMX_NO, VMX_YES, VMX_NO, "Function reset", "- ", 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct machine m;
        struct vmx_card_check card = {0};
        machine_init(&m, &profiles);
        m.host.nested = cases[i].nested;
        struct vmx_host_pci *pci = &m.pci[cases[i].at];
        pci->enabled = cases[i].enabled;
        pci->active = cases[i].active;
        pci->reset = cases[i].reset;
        assert_int_equal(vmx_check_card(&m.around, pci, &card), 0);
        assert_card(&card, cases[i].want, cases[i].gb);
    }
}

#define BLOCK(n, id, vendor, device, system)                                                       \
    "pciPassthru" n ".present = \"TRUE\"\npciPassthru" n ".id = \"" id "\"\npciPassthru" n         \
    ".vendorId = \"" vendor "\"\npciPassthru" n ".deviceId = \"" device "\"\npciPassthru" n        \
    ".systemId = \"" system "\"\n"
#define GPU BLOCK("0", "00000:003:00.0", "0x10de", "0x1cb2", UUID)
#define AUDIO BLOCK("1", "00000:003:00.1", "0x10de", "0x0fb9", UUID)
#define ELSEWHERE BLOCK("2", "00000:134:00.0", "0x8086", "0x5690", OTHER_UUID)
#define BRIDGE(n)                                                                                  \
    "pciBridge" n ".present = \"TRUE\"\npciBridge" n ".virtualDev = \"pcieRootPort\"\npciBridge" n \
    ".functions = \"8\"\n"
#define BRIDGES "pciBridge0.present = \"TRUE\"\n" BRIDGE("4") BRIDGE("5") BRIDGE("6") BRIDGE("7")
#define EFI                                                                                        \
    "memSize = \"8192\"\nfirmware = \"efi\"\npciPassthru.use64bitMMIO = \"TRUE\"\n"                \
    "pciPassthru.64bitMMIOSizeGB = \"128\"\n" BRIDGES
#define RESERVED EFI "sched.mem.min = \"8192\"\n"

static void a_card_of_a_vm(void **state)
{
    PROFILES_AUTO profiles = {0};
    static const struct {
        const char *text, *want;
    } cases[] = {
        /* what no command shows, where nothing is worse */
        {RESERVED GPU AUDIO, "UNKNOWN reserved-memory"},
        /* its own, before the VM's that is equal; what is worse of the VM */
        {RESERVED GPU, "WARN audio-function"},
        {RESERVED "mem.hotadd = \"TRUE\"\n" GPU, "WARN audio-function"},
        {RESERVED "mem.hotadd = \"TRUE\"\n" GPU AUDIO, "WARN memory-hot-add"},
        {EFI GPU, "FAIL memory-reservation"},
        /* nothing that is of another device */
        {RESERVED GPU AUDIO ELSEWHERE, "UNKNOWN reserved-memory"},
        {RESERVED GPU AUDIO ELSEWHERE BLOCK("3", "00000:134:00.0", "0x8086", "0x5690", UUID),
         "UNKNOWN reserved-memory"},
        {RESERVED GPU AUDIO BLOCK("4", "00000:003:00.0", "0x10de", "0x1cb2", UUID),
         "FAIL device-twice"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct machine m;
        struct vmx_card_check card = {0};
        DICT_AUTO dict = parsed(span_of(cases[i].text));
        machine_init(&m, &profiles);
        assert_int_equal(vmx_check_of_card(dict, &m.around, &m.pci[AT_GPU].address, &card), 0);
        assert_card(&card, cases[i].want, 2);
    }
}

static void vram_tells_the_memory_of_a_card(void **state)
{
    PROFILES_AUTO profiles = {0};
    struct machine m;
    struct vmx_card_check card = {0};
    DICT_AUTO dict = parsed(SPAN_LITERAL(
        RESERVED BLOCK("0", "00000:013:00.0", "0x1002", "0x73bf",
                       UUID) "vmxfs.profile = \"inner-guest device=0000:0d:00.0 vram=16\"\n"));
    (void)state;

    add_shipped(&profiles);
    machine_init(&m, &profiles);
    assert_int_equal(vmx_check_of_card(dict, &m.around, &m.pci[AT_AMD].address, &card), 0);
    assert_int_equal(card.memory_gb, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_that_no_vm_has),
        cmocka_unit_test(a_card_of_a_vm),
        cmocka_unit_test(vram_tells_the_memory_of_a_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
