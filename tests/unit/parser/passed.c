/* SPDX-License-Identifier: MIT */
#include "parser/device/passed.h"

#include "support.h"

static void a_device_counts_if_it_is_present(void **state)
{
    static const struct {
        struct span text;
        const char *want; /* each device, and "again" behind one that was there before */
    } cases[] = {
        {BYTES(""), ""},
        {BYTES("pciPassthru0.id = \"00000:066:00.0\"\n"), ""},
        {BYTES("pciPassthru0.id = \"00000:066:00.0\"\npciPassthru0.present = \"FALSE\"\n"), ""},
        {BYTES("PCIPASSTHRU7.ID = \"0:66:0.1\"\npcipassthru7.Present = \"true\"\n"),
         "0000:42:00.1;"},
        {BYTES("pciPassthru1.present = \"TRUE\"\npciPassthru1.id = \"00000:066:00.0\"\n"
               "pciPassthru0.present = \"TRUE\"\npciPassthru0.id = \"00000:013:00.0\"\n"
               "pciPassthru2.present = \"TRUE\"\npciPassthru2.id = \"0:66:0.0\"\n"),
         "0000:42:00.0;0000:0d:00.0;0000:42:00.0 again;"},
        {BYTES("pciPassthru0.present = \"TRUE\"\npciPassthru0.vgpu = \"grid_p40-4q\"\n"
               "pciPassthru1.present = \"TRUE\"\npciPassthru1.vgpu = \"grid_p40-4q\"\n"
               "pciPassthru2.present = \"TRUE\"\npciPassthru2.vgpu = \"grid_p40-8q\"\n"),
         "grid_p40-4q;grid_p40-4q again;grid_p40-8q;"},
        {BYTES("pciPassthru0.present = \"TRUE\"\npciPassthru0.allowedDevices = \"0x10de:0x1e87\"\n"
               "pciPassthru1.present = \"TRUE\"\npciPassthru1.id = \"0000:65:00.0\"\n"),
         "-;0000:41:00.0;"},
        {BYTES("pciPassthru0.present = \"TRUE\"\npciPassthru0.id = \"0000:d0:00.0\"\n"), "-;"},
        {BYTES("pciPassthru.present = \"TRUE\"\npciPassthru0.present = \"maybe\"\n"), ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        DICT_AUTO dict = parsed(cases[i].text);
        PASSED_AUTO passed = {0};
        BUF_AUTO got = {0};
        assert_int_equal(buf_reserve(&got, 0), 0);
        assert_int_equal(vmx_passed_find(dict, &passed), 0);
        for (size_t k = 0; k < passed.n; k++) {
            const struct vmx_passed_device *d = &passed.items[k];
            int r = d->vgpu.len > 0  ? buf_add(&got, buf_span(&d->vgpu))
                    : d->has_address ? vmx_pci_add_address(&d->address, &got)
                                     : buf_add_char(&got, '-');
            assert_int_equal(r, 0);
            if (!vmx_passed_is_first(&passed, k))
                assert_int_equal(buf_add_str(&got, " again"), 0);
            assert_int_equal(buf_add_char(&got, ';'), 0);
        }
        assert_string_equal(got.data, cases[i].want);
    }
    (void)state;
}

static void a_device_is_of_the_kind_that_its_block_says(void **state)
{
    static const struct {
        struct span block;
        enum device_kind kind;
    } cases[] = {
        {BYTES("pciPassthru0.id = \"00000:066:00.0\"\n"), DEVICE_FIXED},
        {BYTES("pciPassthru0.pfId = \"00000:066:00.0\"\n"), DEVICE_SRIOV},
        {BYTES("pciPassthru0.pfId = \"\"\npciPassthru0.vgpu = \"\"\n"), DEVICE_FIXED},
        {BYTES("pciPassthru0.systemId = \"bypass\"\n"), DEVICE_SRIOV},
        {BYTES("pciPassthru0.systemId = \"5aec7ae7-7d90-8511-435a-d094660b7768\"\n"), DEVICE_FIXED},
        {BYTES("pciPassthru0.allowedDevices = \"0x10de:0x1eb8\"\n"), DEVICE_DYNAMIC},
        {BYTES("pciPassthru0.vgpu = \"grid_t4-8q\"\npciPassthru0.systemId = \"BYPASS\"\n"),
         DEVICE_VGPU},
        {BYTES("pciPassthru1.vgpu = \"grid_t4-8q\"\n"), DEVICE_FIXED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO text = {0};
        PASSED_AUTO passed = {0};
        assert_int_equal(buf_add_str(&text, "pciPassthru0.present = \"TRUE\"\n"), 0);
        assert_int_equal(buf_add(&text, cases[i].block), 0);
        DICT_AUTO dict = parsed(buf_span(&text));
        assert_int_equal(vmx_passed_find(dict, &passed), 0);
        assert_int_equal(passed.n, 1);
        assert_int_equal(passed.items[0].kind, cases[i].kind);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_counts_if_it_is_present),
        cmocka_unit_test(a_device_is_of_the_kind_that_its_block_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
