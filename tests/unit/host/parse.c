/* SPDX-License-Identifier: MIT */
#include "parse_support.h"

static void version_is_esxi_or_nothing(void **state)
{
    static const struct {
        const char *text;
        unsigned version[3];
        unsigned long build; /* 0: -EBADMSG */
        const char *line;
    } cases[] = {
        {"VMware ESXi 8.0.1 build-21495797\n", {8, 0, 1}, 21495797, NULL},
        {"VMware ESXi 7.0.3 build-24784741", {7, 0, 3}, 24784741, NULL},
        {"VMware ESXi 6.5.0 build-14320405\r\nVMware ESXi 6.5.0 Update 3\r\n",
         {6, 5, 0},
         14320405,
         "VMware ESXi 6.5.0 build-14320405"},
        {"a warning\nVMware ESXi 8.0.1 build-2 \n", {8, 0, 1}, 2, "VMware ESXi 8.0.1 build-2"},
        {"VMware ESXi 8.0.3 build-24585383\n", {8, 0, 3}, 24585383, NULL},
        {"VMware ESXi 8.0.3 build-24677879\n", {8, 0, 3}, 24677879, NULL},
        {"VMware ESXi 9.0.0 build-24755229\n", {9, 0, 0}, 24755229, NULL},
        {"VMware ESX 9.1.0 build-25000000\n",
         {9, 1, 0},
         25000000,
         "VMware ESX 9.1.0 build-25000000"},
        {"", {0}, 0, NULL},
        {"VMware ESX 4.1.0 build-260247\n", {0}, 0, NULL},
        {"VMware ESXi 6.5.0 Update 3\n", {0}, 0, NULL},
        {"VMware ESXi 8.0 build-21495797\n", {0}, 0, NULL},
        {"VMware ESXi 8.0.1.2 build-21495797\n", {0}, 0, NULL},
        {"VMware ESXi 8.0.1 build-\n", {0}, 0, NULL},
        {"VMware ESXi 8.0.1 build-x\n", {0}, 0, NULL},
        {"VMware ESXi 8.0.1 build-21495797 beta\n", {0}, 0, NULL},
        {"VMware ESXi 8.0.1 build-99999999999999999999\n", {0}, 0, NULL},
        {"VMware ESXi 4294967304.0.1 build-21495797\n", {0}, 0, NULL},
        {"VMware ESXi -8.0.1 build-21495797\n", {0}, 0, NULL},
        {"sh: vmware: not found\n", {0}, 0, NULL},
        {"VMware Workstation 17.0.0 build-20800274\n", {0}, 0, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FACTS_AUTO facts = new_facts();
        int r = parse_version(span_of(cases[i].text), facts);
        if (r != (cases[i].build ? 0 : -EBADMSG) || facts->host.build != cases[i].build ||
            memcmp(facts->host.version, cases[i].version, sizeof(cases[i].version)) != 0)
            fail_msg("%s: %d", cases[i].text, r);
        if (cases[i].line)
            assert_string_equal(facts->version_line, cases[i].line);
        if (r < 0)
            assert_string_equal(facts->version_line, "");
    }
    (void)state;
}

static void cpu_is_told_from_its_brand(void **state)
{
    static const struct {
        const char *text;
        enum vmx_cpu cpu;
        const char *brand;
    } cases[] = {
        {"CPU:0\n   Id: 0\n   Family: 6\n   Model: 85\n   Brand: GenuineIntel\n"
         "   Core Speed: 2593905672\nCPU:1\n   Id: 1\n   Brand: GenuineIntel\n",
         VMX_CPU_INTEL, "GenuineIntel"},
        {"CPU:0\r\n   Brand: AuthenticAMD\r\n", VMX_CPU_AMD, "AuthenticAMD"},
        {"CPU:0\n   Id: 0\n   Extended Servicing: false\n   Brand: GenuineIntel\n", VMX_CPU_INTEL,
         "GenuineIntel"},
        {"CPU:0\n   Brand: HygonGenuine\n", VMX_CPU_UNKNOWN, "HygonGenuine"},
        {"CPU:0\n   Brand: \n", VMX_CPU_UNKNOWN, NULL},
        {"Brand: GenuineIntel\n", VMX_CPU_UNKNOWN, NULL},
        {"   Other Brand: GenuineIntel\n", VMX_CPU_UNKNOWN, NULL},
        {"", VMX_CPU_UNKNOWN, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FACTS_AUTO facts = new_facts();
        assert_int_equal(parse_cpu_list(span_of(cases[i].text), facts), 0);
        assert_int_equal(facts->host.cpu, cases[i].cpu);
        if (cases[i].brand)
            assert_string_equal(facts->cpu_brand, cases[i].brand);
        else
            assert_null(facts->cpu_brand);
    }
    (void)state;
}

static void hv_support_is_a_number(void **state)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"   CPU Packages: 1\n   CPU Cores: 6\n   Hyperthreading Active: true\n   HV Support: 3\n"
         "   HV Replay Capable: true\n",
         3},
        {"   HV Support: 2\r\n", 2},
        {"   HV Support: 3x\n", -1},
        {"   HV Support: 12345678901234567890\n", -1},
        {"   HV Support:\n", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FACTS_AUTO facts = new_facts();
        assert_int_equal(parse_cpu_global(span_of(cases[i].text), facts), 0);
        assert_int_equal(facts->hv_support, cases[i].want);
    }
    (void)state;
}

static void uuid_is_the_line_that_is_one(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"5aec7ae7-7d90-8511-435a-d094660b7768\n", "5aec7ae7-7d90-8511-435a-d094660b7768"},
        {"a warning\r\n5aec7ae7-7d90-8511-435a-d094660b7768\r\n",
         "5aec7ae7-7d90-8511-435a-d094660b7768"},
        {"5aec7ae7-7d90-8511-435a-d094660b776\n", ""},
        {"5aec7ae7-7d90-8511-435a-d094660b77681\n", ""},
        {"5aec7ae7-7d90-8511-435a-d094660b776g\n", ""},
        {"5aec7ae7 7d90-8511-435a-d094660b7768\n", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FACTS_AUTO facts = new_facts();
        assert_int_equal(parse_uuid(span_of(cases[i].text), facts), 0);
        assert_string_equal(facts->host.uuid, cases[i].want);
    }
    (void)state;
}

static void nested_is_a_vm_of_vmwares(void **state)
{
#define PLATFORM(product, vendor)                                                                  \
    "Platform Information\n   UUID: 0x42 0x1c\n   Product Name: " product                          \
    "\n   Vendor Name: " vendor                                                                    \
    "\n   Serial Number: VMware-42 1c\n   Enclosure Serial Number: "                               \
    "None\n"
    static const struct {
        const char *text;
        enum vmx_truth want;
    } cases[] = {
        {PLATFORM("VMware20,1", "VMware, Inc."), VMX_YES},
        {PLATFORM("VMware Virtual Platform", "VMware, Inc."), VMX_YES},
        {PLATFORM("PowerEdge R730", "Dell Inc."), VMX_NO},
        {PLATFORM("Unheard Of", "VMware, Inc."), VMX_NOT_KNOWN},
        {PLATFORM("", "VMware, Inc."), VMX_NOT_KNOWN},
        {PLATFORM("NUC12SNKi72", ""), VMX_NOT_KNOWN},
        {"   Vendor Name: Dell Inc.\n", VMX_NOT_KNOWN},
        {"", VMX_NOT_KNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FACTS_AUTO facts = new_facts();
        assert_int_equal(parse_platform(span_of(cases[i].text), facts), 0);
        if (facts->host.nested != cases[i].want)
            fail_msg("%s", cases[i].text);
    }
    (void)state;
}

static void the_platforms_uuid_is_written_as_in_a_vmx(void **state)
{
    static const char *const others[] = {
        "   UUID: 0x56 0x4d\n",
        "   UUID: 56 4d\n",
        "   UUID: \n",
        "   UUID: 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n",
        "   UUID: 0x100 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n",
        ""};
    FACTS_AUTO facts = new_facts();
    (void)state;
    assert_int_equal(
        parse_platform(
            SPAN_LITERAL("Platform Information\n   UUID: 0x56 0x4d 0x1f 0xa 0x7c 0x22 0x90 "
                         "0x5e 0xb1 0x83 0x6a 0xd4 0x0 0xc1 0x9e 0x1\n"),
            facts),
        0);
    assert_string_equal(facts->platform_uuid, "56 4d 1f 0a 7c 22 90 5e-b1 83 6a d4 00 c1 9e 01");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        FACTS_AUTO other = new_facts();
        assert_int_equal(parse_platform(span_of(others[i]), other), 0);
        assert_null(other->platform_uuid);
    }
}

static void running_vms_are_their_config_files(void **state)
{
    static const char text[] =
        "x8\r\n"
        "   World ID: 2101234\n"
        "   Process ID: 0\n"
        "   VMX Cartel ID: 2101233\n"
        "   UUID: 56 4d 20 2e e7 51 21 3a-cf 1f 8c a4 85 aa 04 9b\n"
        "   Display Name: x8\n"
        "   Config File: /vmfs/volumes/5f8b4c97-234dcc30-d982-54ea7418ec3f/x8/x8.vmx\r\n"
        "\n"
        "   Config File: /vmfs/volumes/a/named/like this.vmx\n"
        "   World ID: 2101235\n"
        "   Display Name:    Config File: /vmfs/volumes/a/named/like this.vmx\n"
        "   Config File: /vmfs/volumes/a b/c: d [e]/f.vmx\n"
        "\n"
        "old\n"
        "   Old Config File: /vmfs/volumes/a/old.vmx\n"
        "   Config File: relative.vmx\n"
        "   Config File:\n"
        "Config File: /vmfs/volumes/a/flush-left.vmx\n";
    FACTS_AUTO facts = new_facts();
    assert_int_equal(parse_running(span_of(text), facts), 0);
    assert_int_equal(facts->n_running, 2);
    assert_string_equal(facts->running[0],
                        "/vmfs/volumes/5f8b4c97-234dcc30-d982-54ea7418ec3f/x8/x8.vmx");
    assert_string_equal(facts->running[1], "/vmfs/volumes/a b/c: d [e]/f.vmx");
    assert_int_equal(parse_running((struct span){NULL, 0}, facts), 0);
    assert_int_equal(facts->n_running, 2);
    (void)state;
}

static void no_running_vms_are_not_something_else(void **state)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"", 0},
        {"\r\n\n", 0},
        {"Connect to localhost failed: Connection failure.\n", -EBADMSG},
        {"x8\n   World ID: 2101234\n", -EBADMSG},
        {"   Config File: /vmfs/volumes/a/named/like this.vmx\n   World ID: 1\n", -EBADMSG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FACTS_AUTO facts = new_facts();
        facts->running_known = true;
        assert_int_equal(parse_running(span_of(cases[i].text), facts), cases[i].want);
        assert_int_equal(facts->running_known, cases[i].want == 0);
        assert_int_equal(facts->n_running, 0);
    }
    (void)state;
}

static void more_running_vms_than_a_host_has_are_refused(void **state)
{
    BUF_AUTO text = {0};
    FACTS_AUTO facts = new_facts();
    for (size_t i = 0; i < 100001; i++)
        assert_int_equal(buf_addf(&text, "x\n   Config File: /%zu.vmx\n\n", i), 0);
    assert_int_equal(parse_running(buf_span(&text), facts), -EBADMSG);
    assert_int_equal(facts->n_running, 0);
    (void)state;
}

static void power_is_what_one_line_says(void **state)
{
    static const struct {
        const char *text;
        int want;
        enum vmx_power power;
    } cases[] = {
        {"Retrieved runtime info\nPowered on\n", 0, VMX_POWER_ON},
        {"Retrieved runtime info\r\nPowered off\r\n", 0, VMX_POWER_OFF},
        {"Retrieved runtime info\nSuspended\n", 0, VMX_POWER_SUSPENDED},
        {"(vim.fault.NotFound) {\n   faultCause = (vmodl.MethodFault) null,\n   msg = "
         "\"Unable to find a VM corresponding to \"16\"\"\n}\n",
         -ENOENT, VMX_POWER_UNKNOWN},
        {"Unable to find a VM corresponding to \"16\"\n", -ENOENT, VMX_POWER_UNKNOWN},
        {"(vim.fault.NotFound)\n", -ENOENT, VMX_POWER_UNKNOWN},
        {"Powered on\nPowered off\n", -EBADMSG, VMX_POWER_UNKNOWN},
        {"Powered on\n(vim.fault.NotFound)\n", -EBADMSG, VMX_POWER_UNKNOWN},
        {"Retrieved runtime info\nPowered onwards\n", -EBADMSG, VMX_POWER_UNKNOWN},
        {"Retrieved runtime info\n", -EBADMSG, VMX_POWER_UNKNOWN},
        {"", -EBADMSG, VMX_POWER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum vmx_power power = VMX_POWER_UNKNOWN;
        int r = parse_power(span_of(cases[i].text), &power);
        if (r != cases[i].want || power != cases[i].power)
            fail_msg("%s: %d %d", cases[i].text, r, (int)power);
    }
    (void)state;
}

static void an_entry_that_exists_is_told_by_its_id(void **state)
{
    static const struct {
        const char *text;
        int want;
        unsigned long id;
    } cases[] = {
        {"(vim.fault.AlreadyExists) {\n   faultCause = (vmodl.MethodFault) null, \n"
         "   faultMessage = <unset>, \n   name = \"51\", \n   msg = \"The specified key, name, or "
         "identifier '51' already exists.\"\n}\n",
         0, 51},
        {"Register failed: (vim.fault.AlreadyExists) {\r\n   name = \"7\"\r\n}", 0, 7},
        {"(vim.fault.AlreadyExists) {\n   name = \"x\",\n}\n", -EBADMSG, 0},
        {"(vim.fault.AlreadyExists) {\n   name = \"5 1\",\n}\n", -EBADMSG, 0},
        {"(vim.fault.AlreadyExists) {\n   name = \"99999999999999999999\",\n}\n", -EBADMSG, 0},
        {"(vim.fault.NotFound) {\n   name = \"51\",\n}\n", -EBADMSG, 0},
        {"52\n", -EBADMSG, 0},
        {"", -EBADMSG, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned long id = 0;
        int r = parse_exists(span_of(cases[i].text), &id);
        if (r != cases[i].want || (r == 0 && id != cases[i].id))
            fail_msg("%s: %d %lu", cases[i].text, r, id);
    }
}

static void lock_is_held_free_or_not_said(void **state)
{
    static const struct {
        const char *text;
        int want;
        bool held;
    } cases[] = {
        {"vmfsfilelockinfo Version 2.0\nLooking for lock owners on \"x.vmx\"\n\"x.vmx\" is locked "
         "in Exclusive mode by host having mac address ['00:50:56:03:3e:f1']\n"
         "Trying to use information from VMFS Heartbeat\nTotal time taken : 0.27 seconds.\n",
         0, true},
        {"vmfsfilelockinfo Version 2.0\r\nLooking for lock owners on \"x.vmx\"\r\n"
         "\"x.vmx\" is not locked by any ESX host and is Free\r\nTotal time taken : 0.26 seconds.",
         0, false},
        {"x.vmx is not locked by any ESX host\n", 0, false},
        {"Looking for lock owners on \"a is locked in b.vmx\"\n"
         "\"a is locked in b.vmx\" is not locked by any ESX host and is Free\n",
         0, false},
        {"Looking for lock owners on a is not locked.vmx\n"
         "\"a is not locked.vmx\" is locked in Read-Only mode by host\n",
         0, true},
        {"\"a\" is locked in Exclusive mode\n\"a\" is not locked by any ESX host\n", -EBADMSG,
         false},
        {"a is locked in b is not locked by any ESX host\n", -EBADMSG, false},
        {"Could not get filesystem type of x.vmx\n", -EBADMSG, false},
        {"", -EBADMSG, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool held = !cases[i].held;
        int r = parse_lock(span_of(cases[i].text), &held);
        if (r != cases[i].want || held != (r < 0 ? !cases[i].held : cases[i].held))
            fail_msg("%s: %d %d", cases[i].text, r, held);
    }
    (void)state;
}

static void lines_with_nuls_are_passed_over(void **state)
{
    static const char text[] = "VMware ESXi 8.0.1 build-2\0\nVMware ESXi 7.0.3 build-3\n";
    FACTS_AUTO facts = new_facts();
    assert_int_equal(parse_version((struct span){text, sizeof(text) - 1}, facts), 0);
    assert_int_equal(facts->host.build, 3);
    (void)state;
}

static void references_keep_facts_alive(void **state)
{
    const struct host_facts *facts = new_facts();
    const struct host_facts *other = host_facts_ref(facts);
    assert_ptr_equal(other, facts);
    host_facts_unref(facts);
    assert_string_equal(other->host.uuid, "");
    assert_string_equal(other->version_line, "");
    assert_int_equal(other->hv_support, -1);
    host_facts_unref(other);
    host_facts_unref(NULL);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_esxi_or_nothing),
        cmocka_unit_test(cpu_is_told_from_its_brand),
        cmocka_unit_test(hv_support_is_a_number),
        cmocka_unit_test(uuid_is_the_line_that_is_one),
        cmocka_unit_test(nested_is_a_vm_of_vmwares),
        cmocka_unit_test(the_platforms_uuid_is_written_as_in_a_vmx),
        cmocka_unit_test(running_vms_are_their_config_files),
        cmocka_unit_test(no_running_vms_are_not_something_else),
        cmocka_unit_test(more_running_vms_than_a_host_has_are_refused),
        cmocka_unit_test(power_is_what_one_line_says),
        cmocka_unit_test(an_entry_that_exists_is_told_by_its_id),
        cmocka_unit_test(lock_is_held_free_or_not_said),
        cmocka_unit_test(lines_with_nuls_are_passed_over),
        cmocka_unit_test(references_keep_facts_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
