/* SPDX-License-Identifier: MIT */
/* Devices that a profile adds. */
#include "profiles.h"

static void a_device_takes_the_next_free_block(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    (void)state;

    add_shipped(&profiles);
    planned(SPAN_LITERAL("memSize = \"8192\"\npcipassthru0.vgpu = \"x\"\n"
                         "pciPassthru2.id = \"00000:001:00.0\"\n"),
            &profiles,
            "inner-guest device=0000:65:1f.3 vendor=8086 deviceid=56A0 "
            "system=5aec7ae7-7d90-8511-435a-d094660b7768 vram=16",
            &text);
    value_is(&text, "pciPassthru1.id", "00000:101:31.3");
    value_is(&text, "pciPassthru1.vendorId", "0x8086");
    value_is(&text, "pciPassthru1.deviceId", "0x56a0");
    value_is(&text, "pciPassthru1.systemId", "5aec7ae7-7d90-8511-435a-d094660b7768");
    value_is(&text, "pciPassthru1.present", "TRUE");
    value_is(&text, "vmxfs.profile",
             "inner-guest device=0000:65:1f.3 vendor=0x8086 deviceid=0x56a0 "
             "system=5aec7ae7-7d90-8511-435a-d094660b7768 vram=16");
}

static void a_device_that_is_there_is_completed(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO restored = {0};
    const struct span before = SPAN_LITERAL(
        "memSize = \"8192\"\npciPassthru3.id = \"0:101:0.0\"\npciPassthru3.vendorId = \"0x10DE\"\n"
        "pciPassthru3.deviceId = \"0x1c82\"\npciPassthru3.pciSlotNumber = \"256\"\n");
    (void)state;

    add_shipped(&profiles);
    planned(before, &profiles,
            "inner-guest device=65:00.0 system=5aec7ae7-7d90-8511-435a-d094660b7768", &text);
    value_is(&text, "pciPassthru3.id", "0:101:0.0");
    value_is(&text, "pciPassthru3.systemId", "5aec7ae7-7d90-8511-435a-d094660b7768");
    value_is(&text, "pciPassthru3.present", "TRUE");
    has_no(&text, "pciPassthru0.id");
    planned(buf_span(&text), &profiles, "none", &restored);
    assert_span(buf_span(&restored), before);
}

/* Also where they have no quotes: they are none of the profile's. */
static void facts_of_a_device_that_are_there_stay_as_they_are(void **state)
{
    static const struct span before = SPAN_LITERAL(
        "memSize = \"8192\"\npciPassthru3.id = 0:101:0.0\npciPassthru3.vendorId = 0x10DE\n"
        "pciPassthru3.deviceId = 0x1c82\npciPassthru3.systemId = s # c\n");
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    BUF_AUTO again = {0};
    BUF_AUTO restored = {0};
    (void)state;

    add_shipped(&profiles);
    planned(before, &profiles, "inner-guest device=65:00.0", &text);
    assert_non_null(strstr(text.data,
                           "\npciPassthru3.id = \"00000:101:00.0\"\n"
                           "pciPassthru3.vendorId = 0x10DE\n"));
    planned(buf_span(&text), &profiles, "inner-guest device=65:00.0", &again);
    assert_span(buf_span(&again), buf_span(&text));
    planned(buf_span(&again), &profiles, "none", &restored);
    assert_span(buf_span(&restored), before);
}

static void another_device_replaces_ours(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO restored = {0};
    struct diag diag = {0};
    (void)state;

    add_shipped(&profiles);
    planned(small_vm, &profiles, "nested-esxi " NEW_DEVICE, &a);
    edited(&a, "pciPassthru0.pciSlotNumber", "256", &b);
    assert_int_equal(plan(buf_span(&b), &profiles, "nested-esxi device=04:00.0", &c, NULL, &diag),
                     -EINVAL);
    assert_non_null(strstr(diag.text, "deviceid=, vendor="));
    assert_null(strstr(diag.text, "system="));
    planned(buf_span(&b), &profiles, "nested-esxi device=04:00.0 vendor=1002 deviceid=73bf", &c);
    value_is(&c, "pciPassthru0.id", "00000:004:00.0");
    value_is(&c, "pciPassthru0.vendorId", "0x1002");
    has_no(&c, "pciPassthru0.pciSlotNumber");
    has_no(&c, "pciPassthru1.id");
    planned(buf_span(&c), &profiles, "none", &restored);
    assert_span(buf_span(&restored), small_vm);
}

static void what_the_host_added_to_a_device_goes_with_it(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO restored = {0};
    (void)state;

    add_shipped(&profiles);
    planned(small_vm, &profiles, "nested-esxi " NEW_DEVICE, &a);
    edited(&a, "PCIPassthru0.pciSlotNumber", "256", &b);
    edited(&b, "pciPassthru0.msiEnabled", "FALSE", &c);
    planned(buf_span(&c), &profiles, "none", &restored);
    assert_span(buf_span(&restored), small_vm);
}

static void a_block_that_is_another_device_now_stays(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO restored = {0};
    BUF_AUTO notes = {0};
    (void)state;

    add_shipped(&profiles);
    planned(small_vm, &profiles, "nested-esxi " NEW_DEVICE, &a);
    edited(&a, "pciPassthru0.id", "00000:007:00.0", &b);
    assert_int_equal(plan(buf_span(&b), &profiles, "none", &restored, &notes, NULL), 0);
    value_is(&restored, "pciPassthru0.id", "00000:007:00.0");
    value_is(&restored, "pciPassthru0.vendorId", "0x10de");
    value_is(&restored, "pciPassthru0.present", "TRUE");
    has_no(&restored, "vmxfs.saved.pciPassthru0.vendorId");
    assert_string_equal(notes.data,
                        "pciPassthru0.id is another device now: all of it stays as it is\n");
}

static void a_changed_id_is_repaired_in_its_block(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    (void)state;

    add_shipped(&profiles);
    planned(small_vm, &profiles, "nested-esxi " NEW_DEVICE, &a);
    edited(&a, "pciPassthru0.id", "00000:007:00.0", &b);
    planned(buf_span(&b), &profiles, "nested-esxi", &c);
    assert_span(buf_span(&c), buf_span(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_takes_the_next_free_block),
        cmocka_unit_test(a_device_that_is_there_is_completed),
        cmocka_unit_test(facts_of_a_device_that_are_there_stay_as_they_are),
        cmocka_unit_test(another_device_replaces_ours),
        cmocka_unit_test(what_the_host_added_to_a_device_goes_with_it),
        cmocka_unit_test(a_block_that_is_another_device_now_stays),
        cmocka_unit_test(a_changed_id_is_repaired_in_its_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
