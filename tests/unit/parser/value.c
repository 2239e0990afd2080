/* SPDX-License-Identifier: MIT */
#include "parser/document/value.h"

#include "support.h"

static void accepts(const char *key, const char *value, bool want)
{
    struct diag diag = {.text = ""};
    int r = vmx_value_check(span_of(key), span_of(value), &diag);
    if ((r == 0) != want || (r != 0 && (r != -EINVAL || !strstr(diag.text, key))))
        fail_msg("%s = \"%s\": %d %s", key, value, r, diag.text);
}

static void right_values_are_accepted(void **state)
{
    static const struct {
        const char *key, *value;
    } cases[] = {
        {"displayName", "any # text = \"\n"},
        {"memSize", "4"},
        {"MEMSIZE", "8192"},
        {"memSize", "0x1000"},
        {"numvcpus", "960"},
        {"cpuid.coresPerSocket", "960"},
        {"pciPassthru.vmiop.allowViommu", "true"},
        {"numvcpus", ""},
        {"virtualHW.version", "21"},
        {"firmware", "EFI"},
        {"firmware", ""},
        {"guestOS", "vmkernel8"},
        {"vhv.enable", "true"},
        {"vhv.enable", "1"},
        {"vhv.enable", "Yes"},
        {"vhv.enable", ""},
        {"scsi12.present", "FALSE"},
        {"sata0:1.startConnected", "TRUE"},
        {"uuid.bios", "56 4d 20 2e e7 51 21 3a-cf 1f 8c a4 85 aa 04 9b"},
        {"ethernet0.address", "00:50:56:AB:cd:01"},
        {"ethernet0.generatedAddress", ""},
        {"ethernet10.virtualDev", "somethingNew4"},
        {"ethernet0.pciSlotNumber", "-1"},
        {"pciPassthru.64bitMMIOSizeGB", "1024"},
        {"pciPassthru0.id", "00000:101:00.0"},
        {"pciPassthru0.id", "0:66:0.0"},
        {"pciPassthru0.id", "06:00.0"},
        {"pciPassthru0.id", "0d:00.0"},
        {"pciPassthru0.id", "768"},
        {"pciPassthru0.id", ""},
        {"pciPassthru15.deviceId", "0x1c82"},
        {"pciPassthru0.deviceId", "10c9"},
        {"pciPassthru0.deviceId", "-29614"},
        {"pciPassthru0.systemId", "BYPASS"},
        {".encoding", "windows-949-2000"},
        {"sched.mem.min", "0"},
        {"xmemSize", "none"},
        {"pciPassthru.id", "none"},
        {"pciPassthruX.id", "none"},
        {"vmxfs.saved.pciPassthru0.present", "- TRUE"},
        {"guestinfo.gpu.present", "maybe"},
        {"vmci0.id", "-2126079221"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        accepts(cases[i].key, cases[i].value, true);
}

static void wrong_values_are_refused_with_what_is_wanted(void **state)
{
    static const struct {
        const char *key, *value;
    } cases[] = {
        {"memSize", ""},
        {"memSize", "0"},
        {"memSize", "8190"},
        {"memSize", "-4"},
        {"memSize", "8192MB"},
        {"memSize", " 8192"},
        {"memSize", "99999999999999999999"},
        {"memsize", "0x"},
        {"numvcpus", "0"},
        {"numvcpus", "961"},
        {"pciPassthru.vmiop.enableViommu", "SR-IOV"},
        {"numvcpus", "+"},
        {"virtualHW.version", ""},
        {"virtualHW.version", "vmx-14"},
        {"firmware", "uefi"},
        {"guestOS", "Windows 7"},
        {"guestOS", ""},
        {"guestOS", "other\"s"},
        {"guestOS", "'other'"},
        {"guestOS", "other\tguest"},
        {"guestOS", "other\nguest"},
        {"guestOS", "other\x01"},
        {"guestOS", "other\x7f"},
        {"guestOS", "other\xc2\x9b"},
        {"vhv.enable", "maybe"},
        {"vhv.enable", "TRUE "},
        {"scsi0.present", "2"},
        {"uuid.bios", "56 4d"},
        {"uuid.bios", "56 4d 20 2e e7 51 21 3a-cf 1f 8c a4 85 aa 04 9x"},
        {"ethernet0.address", "00:50:56:ab:cd"},
        {"ethernet0.address", "005056abcd01"},
        {"ethernet0.virtualDev", "two words"},
        {"scsi0.virtualDev", "\"pvscsi\""},
        {"sound.virtualDev", "hd audio"},
        {"pciBridge4.virtualDev", "pcieRootPort\r"},
        {"pciPassthru.64bitMMIOSizeGB", "0"},
        {"pciPassthru0.id", "0000:0d:00.0"},
        {"pciPassthru0.id", "00000:256:00.0"},
        {"pciPassthru0.id", "00000:001:32.0"},
        {"pciPassthru0.id", "00000:001:00.8"},
        {"pciPassthru0.id", "1:2:3:4.0"},
        {"pciPassthru0.id", "01:00"},
        {"pciPassthru0.deviceId", "0x"},
        {"pciPassthru0.deviceId", "GPU"},
        {"pciPassthru0.vendorId", "0x100000"},
        {".encoding", "klingon"},
        {"sched.mem.min", "all"},
        {"scsi0.pciSlotNumber", "-2"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        accepts(cases[i].key, cases[i].value, false);
}

static void what_the_file_holds_is_no_matter_for_the_message(void **state)
{
    char value[2000];
    struct diag diag = {.text = ""};
    (void)state;

    memset(value, 'x', sizeof(value));
    assert_int_equal(
        vmx_value_check(SPAN_LITERAL("memSize"), (struct span){value, sizeof(value)}, &diag),
        -EINVAL);
    assert_true(strlen(diag.text) < sizeof(diag.text));
    assert_int_equal(vmx_value_check(SPAN_LITERAL("memSize"), SPAN_LITERAL("\0"), NULL), -EINVAL);
    assert_int_equal(vmx_value_check(SPAN_LITERAL(""), SPAN_LITERAL(""), NULL), 0);
}

static void a_message_holds_no_secret(void **state)
{
    static const char *const keys[] = {"RemoteDisplay.vnc.enabled", "REMOTEDISPLAY.vnc.Enabled"};
    (void)state;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct diag diag = {.text = ""};
        assert_int_equal(vmx_value_check(span_of(keys[i]), SPAN_LITERAL("hunter2"), &diag),
                         -EINVAL);
        assert_non_null(strstr(diag.text, " wants TRUE or FALSE"));
        assert_null(strstr(diag.text, "hunter2"));
    }
}

static void booleans_are_read_as_vmware_reads_them(void **state)
{
    static const char *const yes[] = {"TRUE", "true", "1", "yes", "Y", "t", "on"};
    static const char *const no[] = {"FALSE", "False", "0", "no", "n", "F", "OFF"};
    static const char *const neither[] = {"", "2", "TRUE ", "truee", "01"};
    bool truth;
    (void)state;

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        truth = false;
        assert_true(vmx_value_bool(span_of(yes[i]), &truth));
        assert_true(truth);
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        truth = true;
        assert_true(vmx_value_bool(span_of(no[i]), &truth));
        assert_false(truth);
    }
    for (size_t i = 0; i < sizeof(neither) / sizeof(neither[0]); i++)
        assert_false(vmx_value_bool(span_of(neither[i]), &truth));
}

static void integers_are_whole(void **state)
{
    static const struct {
        const char *text;
        bool good;
        long long number;
    } cases[] = {
        {"0", true, 0},
        {"-5", true, -5},
        {"+5", true, 5},
        {"0x1F", true, 31},
        {"9223372036854775807", true, 9223372036854775807LL},
        {"9223372036854775808", false, 0},
        {"0x8000000000000000", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"0x", false, 0},
        {"1.5", false, 0},
        {"1 ", false, 0},
        {"--1", false, 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        long long number = 77;
        bool good = vmx_value_int(span_of(cases[i].text), &number);
        if (good != cases[i].good || number != (good ? cases[i].number : 77))
            fail_msg("\"%s\": %d %lld", cases[i].text, good, number);
    }
}

static void the_same_is_what_vmware_takes_for_the_same(void **state)
{
    static const struct {
        const char *key, *a, *b;
        bool same;
    } cases[] = {
        {"vhv.enable", "TRUE", "1", true},
        {"vhv.enable", "TRUE", "FALSE", false},
        {"vhv.enable", "maybe", "MAYBE", false},
        {"displayName", "a", "A", false},
        {"memSize", "8192", "+8192", true},
        {"memSize", "8192", "", false},
        {"firmware", "efi", "EFI", true},
        {"pciPassthru0.id", "0:3:0.0", "00000:003:00.0", true},
        {"pciPassthru0.id", "0:3:0.0", "00000:003:00.1", false},
        {"pciPassthru0.vendorId", "0x10DE", "10de", true},
        {"pciPassthru0.vendorId", "0x8086", "-32634", true},
        {"uuid.bios", "56 4D", "56 4d", true},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (vmx_value_same(span_of(cases[i].key), span_of(cases[i].a), span_of(cases[i].b)) !=
            cases[i].same)
            fail_msg("%s: \"%s\", \"%s\"", cases[i].key, cases[i].a, cases[i].b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_values_are_accepted),
        cmocka_unit_test(wrong_values_are_refused_with_what_is_wanted),
        cmocka_unit_test(what_the_file_holds_is_no_matter_for_the_message),
        cmocka_unit_test(a_message_holds_no_secret),
        cmocka_unit_test(booleans_are_read_as_vmware_reads_them),
        cmocka_unit_test(integers_are_whole),
        cmocka_unit_test(the_same_is_what_vmware_takes_for_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
