/* SPDX-License-Identifier: MIT */
#include "parser/plan.h"

#include "profiles.h"

#define NEW_DEVICE                                                                                 \
    "device=03:00.0 vendor=10de deviceid=0x1C82 system=5aec7ae7-7d90-8511-435a-d094660b7768"

/* Documents of every form that a restored file has to come out of unchanged. */
static const struct span documents[] = {
    BYTES("memSize = \"8192\"\n"),
    BYTES("memSize = \"8192\""),
    BYTES("memSize = 8192\r\nvvtd.enable = FALSE\r\n"),
    BYTES("memSize = \"8192\"\r\nvvtd.enable = \"FALSE\""),
    BYTES("memSize = \"8192\"\rvhv.enable=FALSE # why\rdisplayName = \"x\"\r"),
    BYTES("memSize = \"8192\"\rdisplayName = \"x\""),
    BYTES("\xef\xbb\xbf#!/usr/bin/vmware\n.encoding = \"UTF-8\"\nMEMSIZE = \"8192\"\n"
          "VVTD.Enable = \"true\"  # odd\n\n  vhv.enable\t=\tfalse#x\n"),
    BYTES("# only\n\nmemsize = \"8192\"\n\n"),
    BYTES("memSize = \"8192\"\n\n"),
    BYTES("memSize = \"8192\"\n   "),
    BYTES("memSize = \"8192\"\nnot a line\n= x\na = \"b"),
    BYTES("sched.mem.min = \"8192\"\nmemSize = \"8192\"\nsched.mem.pin = \"TRUE\"\n"),
    BYTES("sched.mem.min =\nmemSize = \"8192\"\nsched.mem.pin =# none\nvvtd.enable = \n"),
    BYTES("memSize = \"8192\"\nvhv.enable = \"a|0Ab|22 100% |zz\"\nvvtd.enable = \"|41|7c\"\n"),
    BYTES("memSize = \"8192\"\nvhv.enable = \"\xff\xfe %\"\nvvtd.enable = \xc3\xa4\n"),
    BYTES(".encoding = \"Shift_JIS\"\nmemSize = \"8192\"\nvvtd.enable = \"\x83|7C\"\n"),
    BYTES(".encoding = \"nonsense\"\nmemSize = \"8192\"\nvvtd.enable = \"\xe4\"\n"),
    BYTES(
        "memSize = \"8192\"\nvmxfs.note = \"mine\"\nvmxfs.savedby = \"me\"\nvmxfs.profiles = x\n"),
    BYTES("vvtd.enable = \"FALSE\"\r\nmemSize = \"8192\"\nvhv.enable = \"FALSE\"\rx = y"),
    BYTES("vhv.enable = FALSE\nvvtd.enable = FALSE\nmemSize = \"8192\"\nsched.mem.pin = FALSE"),
    BYTES(
        "pciPassthru0.id = \"00000:066:00.0\"\npciPassthru0.present = \"TRUE\"\nmemSize = 8192\n"),
    BYTES("pciPassthru0.id = \"0:3:0.0\"\nmemSize = \"8192\"\npciPassthru0.present = \"FALSE\"\n"),
    BYTES("hostCPUID.0 = \"0000000d68747541444d416369746e65\"\nmemSize = \"8192\"\n"),
};

static const char *const lines[] = {
    "nested-esxi", "nested-esxi mmio=32 cpu=amd",      "nested-esxi " NEW_DEVICE,
    "inner-guest", "inner-guest mmio=128 " NEW_DEVICE,
};

enum { DOCUMENTS = sizeof(documents) / sizeof(documents[0]) };
enum { LINES = sizeof(lines) / sizeof(lines[0]) };

static void state_is(struct span text, const struct vmx_profiles *profiles, const char *want)
{
    DICT_AUTO dict = parsed(text);
    BUF_AUTO state = {0};
    assert_int_equal(vmx_plan_state(dict, profiles, &state), 0);
    assert_string_equal(state.data, want);
}

static void value_is(const struct buf *text, const char *key, const char *want)
{
    DICT_AUTO dict = parsed(buf_span(text));
    assert_value(dict, span_of(key), span_of(want));
}

static void has_no(const struct buf *text, const char *key)
{
    DICT_AUTO dict = parsed(buf_span(text));
    if (vmx_dict_find(dict, span_of(key)) != SIZE_MAX)
        fail_msg("%s is there", key);
}

/* By hand, behind vmxfs's back. */
static void edited(const struct buf *text, const char *key, const char *value, struct buf *ret)
{
    buf_clear(ret);
    if (value)
        assert_int_equal(apply_set(buf_span(text), span_of(key), span_of(value), ret), 0);
    else
        assert_int_equal(apply_remove(buf_span(text), span_of(key), ret), 0);
}

/* ---- properties ---- */

static void none_restores_every_byte(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        for (size_t l = 0; l < LINES; l++) {
            BUF_AUTO applied = {0};
            BUF_AUTO restored = {0};
            planned(documents[d], &profiles, lines[l], &applied);
            assert_false(span_eq(buf_span(&applied), documents[d]));
            planned(buf_span(&applied), &profiles, "none", &restored);
            assert_span(buf_span(&restored), documents[d]);
        }
    }
}

static void applying_twice_is_applying_once(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        for (size_t l = 0; l < LINES; l++) {
            BUF_AUTO once = {0};
            planned(documents[d], &profiles, lines[l], &once);
            for (size_t again = 0; again < 2; again++) {
                DICT_AUTO dict = parsed(buf_span(&once));
                EDITS_AUTO edits = {0};
                BUF_AUTO name = {0};
                assert_int_equal(buf_add(&name, span_of(lines[l])), 0);
                if (again)
                    name.data[strcspn(name.data, " ")] = '\0';
                assert_int_equal(
                    vmx_plan_line(dict, &profiles, span_of(name.data), &edits, NULL, NULL), 0);
                assert_int_equal(edits.n, 0);
            }
        }
    }
}

static void applying_over_another_is_applying_to_the_original(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        for (size_t l = 0; l < LINES * LINES; l++) {
            const char *a = lines[l / LINES];
            const char *b = lines[l % LINES];
            BUF_AUTO first = {0};
            BUF_AUTO both = {0};
            BUF_AUTO direct = {0};
            BUF_AUTO restored = {0};
            if (a[0] == b[0])
                continue; /* the same profile keeps its parameters */
            planned(documents[d], &profiles, a, &first);
            planned(buf_span(&first), &profiles, b, &both);
            planned(documents[d], &profiles, b, &direct);
            assert_span(buf_span(&both), buf_span(&direct));
            planned(buf_span(&both), &profiles, "none", &restored);
            assert_span(buf_span(&restored), documents[d]);
        }
    }
}

static void parameters_come_and_go_without_a_trace(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        BUF_AUTO a = {0};
        BUF_AUTO b = {0};
        BUF_AUTO c = {0};
        BUF_AUTO restored = {0};
        planned(documents[d], &profiles, lines[2], &a);
        planned(buf_span(&a), &profiles, "nested-esxi cpu=amd mmio=64", &b);
        planned(buf_span(&b), &profiles, "nested-esxi device= cpu=intel", &c);
        planned(buf_span(&c), &profiles, "none", &restored);
        assert_span(buf_span(&restored), documents[d]);
    }
}

static void what_is_applied_is_what_cat_says(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        state_is(documents[d], &profiles, "[none] nested-esxi inner-guest");
        for (size_t l = 0; l < LINES; l++) {
            BUF_AUTO applied = {0};
            planned(documents[d], &profiles, lines[l], &applied);
            state_is(buf_span(&applied), &profiles,
                     lines[l][0] == 'n' ? "none [nested-esxi] inner-guest"
                                        : "none nested-esxi [inner-guest]");
        }
    }
}

/* ---- state ---- */

static void a_vm_set_up_by_hand_has_no_profile(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO applied = {0};
    BUF_AUTO by_hand = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, "inner-guest", &applied);
    edited(&applied, "vmxfs.profile", NULL, &by_hand);
    state_is(buf_span(&by_hand), &profiles, "[none] nested-esxi inner-guest");
}

static void a_profile_that_no_longer_holds_is_marked(void **state)
{
    static const struct {
        const char *key, *value;
    } damage[] = {{"vhv.enable", NULL},
                  {"vvtd.enable", "FALSE"},
                  {"memSize", "4096"},
                  {"memSize", NULL},
                  {"pciPassthru0.id", "00000:004:00.0"},
                  {"pciPassthru0.present", NULL},
                  {"vmxfs.profile", "nested-esxi mmio=64"}};
    PROFILES_AUTO profiles = {0};
    BUF_AUTO applied = {0};
    BUF_AUTO text = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, lines[2], &applied);
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        edited(&applied, damage[i].key, damage[i].value, &text);
        state_is(buf_span(&text), &profiles, "none [nested-esxi!] inner-guest");
    }
    edited(&applied, "vvtd.enable", "true", &text);
    state_is(buf_span(&text), &profiles, "none [nested-esxi] inner-guest");
}

static void an_unknown_active_profile_is_shown_last(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    state_is(SPAN_LITERAL("vmxfs.profile = \"my-own x=1\"\n"), &profiles,
             "none nested-esxi inner-guest [my-own!]");
    state_is(SPAN_LITERAL("vmxfs.profile = \"\"\n"), &profiles, "[none] nested-esxi inner-guest");
    state_is(SPAN_LITERAL("vmxfs.profile = \"none\"\n"), &profiles,
             "[none] nested-esxi inner-guest");
    state_is(SPAN_LITERAL("vmxfs.profile = \"]x[\"\n"), &profiles,
             "[none] nested-esxi inner-guest");
}

/* ---- lines ---- */

static void the_line_that_cat_printed_changes_nothing(void **state)
{
    static const char *const printed[] = {
        "[none] nested-esxi inner-guest",
        "none [nested-esxi] inner-guest",
        "none [nested-esxi!] inner-guest",
        "none nested-esxi inner-guest [my-own!]\n",
        "[none]",
    };
    PROFILES_AUTO profiles = {0};
    BUF_AUTO applied = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, "nested-esxi", &applied);
    for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
        DICT_AUTO dict = parsed(buf_span(&applied));
        EDITS_AUTO edits = {0};
        assert_int_equal(vmx_plan_line(dict, &profiles, span_of(printed[i]), &edits, NULL, NULL),
                         0);
        assert_int_equal(edits.n, 0);
    }
}

static void refusals_say_what_to_do(void **state)
{
    static const struct {
        const char *text, *line, *reason;
    } cases[] = {
        {"memSize = \"8192\"\n", "", "expected the name of a profile"},
        {"memSize = \"8192\"\n", "nested",
         "there is no profile \"nested\"; there are: none nested-"},
        {"memSize = \"8192\"\n", "nested-esxi\ninner-guest", "one line"},
        {"memSize = \"8192\"\n", "[nested-esxi] [inner-guest]", "PARAM=VALUE"},
        {"memSize = \"8192\"\n", "nested-esxi fast", "PARAM=VALUE"},
        {"memSize = \"8192\"\n", "nested-esxi fast=1", "no parameter \"fast\"; it has: mmio, cpu"},
        {"memSize = \"8192\"\n", "nested-esxi mmio=1 mmio=2", "twice"},
        {"memSize = \"8192\"\n", "nested-esxi mmio=lots", "pciPassthru.64bitMMIOSizeGB wants GiB"},
        {"memSize = \"8192\"\n", "nested-esxi cpu=arm", "auto, intel or amd"},
        {"memSize = \"8192\"\n", "nested-esxi device=3", "PCI address in hex"},
        {"memSize = \"8192\"\n", "nested-esxi device=03:00.0", "needs deviceid=, vendor=, system="},
        {"memSize = \"8192\"\n", "nested-esxi vendor=10de", "give device= too"},
        {"memSize = \"8192\"\n", "nested-esxi device=03:00.0 vendor=10de0", "four hex digits"},
        {"memSize = \"8192\"\n", "none x=1", "no parameters"},
        {"displayName = \"x\"\n", "nested-esxi", "nested-esxi requires memSize to be set"},
        {"memSize = \"odd\"\n", "nested-esxi", "sched.mem.min wants MB"},
        {"vmxfs.profile = \"inner-guest\"\nmemSize = \"8\"\n", "none", "no vmxfs.saved.*"},
        {"vmxfs.profile = \"inner-guest\"\nmemSize = \"8\"\n", "nested-esxi", "no vmxfs.saved.*"},
        {"vmxfs.profile = \"gone\"\n", "none", "no vmxfs.saved.*"},
    };
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO text = {0};
        struct vmx_diag diag = {.text = "accepted"};
        int r = plan(span_of(cases[i].text), &profiles, cases[i].line, &text, NULL, &diag);
        if (r != -EINVAL || !strstr(diag.text, cases[i].reason))
            fail_msg("\"%s\": %d, %s", cases[i].line, r, diag.text);
    }
}

static void none_without_a_profile_changes_nothing(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        DICT_AUTO dict = parsed(documents[d]);
        EDITS_AUTO edits = {0};
        assert_int_equal(vmx_plan_line(dict, &profiles, SPAN_LITERAL("none\n"), &edits, NULL, NULL),
                         0);
        assert_int_equal(edits.n, 0);
    }
}

/* ---- applying ---- */

static void applying_sets_the_guide(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    (void)state;

    add_shipped(&profiles);
    planned(SPAN_LITERAL("memsize = \"8192\"\nVVTD.ENABLE = FALSE # x\n"), &profiles,
            "nested-esxi cpu=amd", &text);
    assert_span(buf_span(&text), SPAN_LITERAL("memsize = \"8192\"\n"
                                              "VVTD.ENABLE = \"TRUE\" # x\n"
                                              "vhv.enable = \"TRUE\"\n"
                                              "vhv.allowPassthru = \"TRUE\"\n"
                                              "pciPassthru.use64bitMMIO = \"TRUE\"\n"
                                              "pciPassthru.64bitMMIOSizeGB = \"16\"\n"
                                              "sched.mem.min = \"8192\"\n"
                                              "sched.mem.pin = \"TRUE\"\n"
                                              "amd.iommu.supportsPcip = \"TRUE\"\n"
                                              "vmxfs.profile = \"nested-esxi cpu=amd\"\n"
                                              "vmxfs.saved.vvtd.enable = \"~FALSE TRUE\"\n"
                                              "vmxfs.saved.vhv.enable = \"- TRUE\"\n"
                                              "vmxfs.saved.vhv.allowPassthru = \"- TRUE\"\n"
                                              "vmxfs.saved.pciPassthru.use64bitMMIO = \"- TRUE\"\n"
                                              "vmxfs.saved.pciPassthru.64bitMMIOSizeGB = \"- 16\"\n"
                                              "vmxfs.saved.sched.mem.min = \"- 8192\"\n"
                                              "vmxfs.saved.sched.mem.pin = \"- TRUE\"\n"
                                              "vmxfs.saved.amd.iommu.supportsPcip = \"- TRUE\"\n"));
}

static void cpu_auto_reads_what_the_host_left(void **state)
{
    static const struct {
        const char *cpuid;
        bool amd;
    } cases[] = {
        {"0000000d68747541444d416369746e65", true}, {"0000000d756e65476c65746e49656e69", false},
        {"0000000D68747541444D416369746E65", true}, {"", false},
        {"0000000d68747541444d4163", false},        {"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", false}};
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO before = {0};
        BUF_AUTO text = {0};
        assert_int_equal(
            buf_addf(&before, "memSize = \"8192\"\nhostCPUID.0 = \"%s\"\n", cases[i].cpuid), 0);
        planned(buf_span(&before), &profiles, "nested-esxi", &text);
        if (cases[i].amd)
            value_is(&text, "amd.iommu.supportsPcip", "TRUE");
        else
            has_no(&text, "amd.iommu.supportsPcip");
    }
}

static void applying_again_repairs_and_keeps_parameters(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO d = {0};
    BUF_AUTO e = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[3], &profiles, "nested-esxi mmio=32", &a);
    edited(&a, "vvtd.enable", "FALSE", &b);
    edited(&b, "vhv.enable", NULL, &c);
    planned(buf_span(&c), &profiles, "nested-esxi cpu=amd", &d);
    value_is(&d, "vvtd.enable", "TRUE");
    value_is(&d, "vhv.enable", "TRUE");
    value_is(&d, "pciPassthru.64bitMMIOSizeGB", "32");
    value_is(&d, "vmxfs.profile", "nested-esxi mmio=32 cpu=amd");
    state_is(buf_span(&d), &profiles, "none [nested-esxi] inner-guest");
    planned(buf_span(&d), &profiles, "none", &e);
    assert_span(buf_span(&e), documents[3]);
}

static void an_empty_parameter_goes_back_to_its_default(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, "inner-guest mmio=64", &a);
    planned(buf_span(&a), &profiles, "inner-guest mmio=", &b);
    value_is(&b, "vmxfs.profile", "inner-guest");
    value_is(&b, "pciPassthru.64bitMMIOSizeGB", "16");
}

/* ---- taking back ---- */

static void none_leaves_what_was_edited_by_hand(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO d = {0};
    BUF_AUTO notes = {0};
    (void)state;

    add_shipped(&profiles);
    planned(SPAN_LITERAL("memSize = \"8192\"\nvhv.enable = \"FALSE\"\n"), &profiles, "nested-esxi",
            &a);
    edited(&a, "pciPassthru.64bitMMIOSizeGB", "64", &b);
    edited(&b, "vhv.enable", NULL, &c);
    assert_int_equal(plan(buf_span(&c), &profiles, "none", &d, &notes, NULL), 0);
    assert_span(buf_span(&d),
                SPAN_LITERAL("memSize = \"8192\"\npciPassthru.64bitMMIOSizeGB = \"64\"\n"));
    assert_non_null(strstr(notes.data, "pciPassthru.64bitMMIOSizeGB was changed"));
    assert_non_null(strstr(notes.data, "vhv.enable was removed"));
}

static void none_works_where_the_profile_is_unknown(void **state)
{
    PROFILES_AUTO profiles = {0};
    PROFILES_AUTO nothing = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        BUF_AUTO applied = {0};
        BUF_AUTO restored = {0};
        planned(documents[d], &profiles, lines[2], &applied);
        planned(buf_span(&applied), &nothing, "none", &restored);
        assert_span(buf_span(&restored), documents[d]);
    }
}

static void damaged_savings_are_told_and_left(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO notes = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, "inner-guest", &a);
    edited(&a, "vmxfs.saved.sched.mem.pin", "what", &b);
    assert_int_equal(plan(buf_span(&b), &profiles, "none", &c, &notes, NULL), 0);
    assert_span(buf_span(&c), SPAN_LITERAL("memSize = \"8192\"\nsched.mem.pin = \"TRUE\"\n"));
    assert_non_null(strstr(notes.data, "sched.mem.pin"));
}

/* ---- devices ---- */

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

static void another_device_replaces_ours(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO restored = {0};
    struct vmx_diag diag = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, lines[2], &a);
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
    assert_span(buf_span(&restored), documents[0]);
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
    planned(documents[0], &profiles, lines[2], &a);
    edited(&a, "PCIPassthru0.pciSlotNumber", "256", &b);
    edited(&b, "pciPassthru0.msiEnabled", "FALSE", &c);
    planned(buf_span(&c), &profiles, "none", &restored);
    assert_span(buf_span(&restored), documents[0]);
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
    planned(documents[0], &profiles, lines[2], &a);
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
    planned(documents[0], &profiles, lines[2], &a);
    edited(&a, "pciPassthru0.id", "00000:007:00.0", &b);
    planned(buf_span(&b), &profiles, "nested-esxi", &c);
    assert_span(buf_span(&c), buf_span(&a));
}

/* ---- following ---- */

static void follow(const struct buf *text, const struct vmx_profiles *profiles, const char *key,
                   const char *value, struct buf *ret)
{
    DICT_AUTO dict = parsed(buf_span(text));
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_edits_set(&edits, span_of(key), span_of(value)), 0);
    assert_int_equal(vmx_plan_follow(dict, profiles, &edits), 0);
    buf_clear(ret);
    assert_int_equal(vmx_edits_apply(&edits, dict, ret, NULL), 0);
}

static void the_reservation_follows_the_memory(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        BUF_AUTO a = {0};
        BUF_AUTO b = {0};
        BUF_AUTO c = {0};
        BUF_AUTO restored = {0};
        planned(documents[d], &profiles, "nested-esxi mmio=64", &a);
        follow(&a, &profiles, "MEMSIZE", "16384", &b);
        value_is(&b, "sched.mem.min", "16384");
        state_is(buf_span(&b), &profiles, "none [nested-esxi] inner-guest");
        follow(&b, &profiles, "memSize", "8192", &c);
        planned(buf_span(&c), &profiles, "none", &restored);
        planned(buf_span(&restored), &profiles, "none", &c);
        if (strstr(documents[d].p, "ize = \"8192\"")) /* the edit has put quotes there */
            assert_span(buf_span(&restored), documents[d]);
    }
}

static void a_reservation_that_did_not_hold_does_not_follow(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, "nested-esxi", &a);
    edited(&a, "sched.mem.min", "1024", &b);
    follow(&b, &profiles, "memSize", "16384", &c);
    value_is(&c, "sched.mem.min", "1024");
    edited(&a, "sched.mem.min", NULL, &b);
    follow(&b, &profiles, "memSize", "16384", &c);
    has_no(&c, "sched.mem.min");
    follow(&a, &profiles, "sched.mem.min", "0", &b);
    value_is(&b, "sched.mem.min", "0");
}

static void nothing_follows_without_a_profile(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, "nested-esxi", &a);
    edited(&a, "vmxfs.profile", NULL, &b);
    follow(&b, &profiles, "memSize", "16384", &c);
    value_is(&c, "sched.mem.min", "8192");
}

/* As "cp -r" does it: in an order of its own, each key by itself. */
static void a_copy_made_key_by_key_is_the_same(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        BUF_AUTO source = {0};
        BUF_AUTO copy = {0};
        BUF_AUTO next = {0};
        planned(documents[d], &profiles, lines[2], &source);
        DICT_AUTO dict = parsed(buf_span(&source));
        size_t keys = vmx_dict_keys(dict);
        for (size_t i = 0; i < keys; i++) {
            BUF_AUTO key = {0};
            BUF_AUTO value = {0};
            size_t extent = vmx_dict_key_extent(dict, keys - 1 - i);
            assert_int_equal(buf_add(&key, vmx_dict_name(dict, extent)), 0);
            assert_int_equal(vmx_dict_value(dict, extent, &value), 0);
            assert_int_equal(buf_reserve(&value, 0), 0);
            if (strchr(value.data, '\xff') || strchr(value.data, '\xe4') ||
                span_eq(buf_span(&key), SPAN_LITERAL(".encoding")))
                continue;
            follow(&copy, &profiles, key.data, value.data, &next);
            value_is(&next, key.data, value.data);
            struct buf swap = copy;
            copy = next;
            next = swap;
        }
        state_is(buf_span(&copy), &profiles, "none [nested-esxi] inner-guest");
    }
}

/* ---- what would change ---- */

static void the_plan_reads_as_a_diff(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO diff = {0};
    BUF_AUTO applied = {0};
    DICT_AUTO dict = parsed(SPAN_LITERAL("memSize = \"8192\"\n"));
    (void)state;

    add_shipped(&profiles);
    assert_int_equal(vmx_plan_diff(dict, &profiles, "inner-guest", "x.vmx", &diff), 0);
    assert_span(buf_span(&diff),
                SPAN_LITERAL("--- x.vmx\n+++ x.vmx\n@@ -1 +1,10 @@\n"
                             " memSize = \"8192\"\n"
                             "+pciPassthru.use64bitMMIO = \"TRUE\"\n"
                             "+pciPassthru.64bitMMIOSizeGB = \"16\"\n"
                             "+sched.mem.min = \"8192\"\n"
                             "+sched.mem.pin = \"TRUE\"\n"
                             "+vmxfs.profile = \"inner-guest\"\n"
                             "+vmxfs.saved.pciPassthru.use64bitMMIO = \"- TRUE\"\n"
                             "+vmxfs.saved.pciPassthru.64bitMMIOSizeGB = \"- 16\"\n"
                             "+vmxfs.saved.sched.mem.min = \"- 8192\"\n"
                             "+vmxfs.saved.sched.mem.pin = \"- TRUE\"\n"));
    planned(vmx_dict_text(dict), &profiles, "inner-guest", &applied);
    DICT_AUTO after = parsed(buf_span(&applied));
    buf_clear(&diff);
    assert_int_equal(vmx_plan_diff(after, &profiles, "inner-guest", "x.vmx", &diff), 0);
    assert_int_equal(diff.len, 0);
    DICT_AUTO empty = parsed(SPAN_LITERAL(""));
    assert_int_equal(vmx_plan_diff(empty, &profiles, "inner-guest", "x.vmx", &diff), 0);
    assert_string_equal(diff.data, "# refused: inner-guest requires memSize to be set\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_restores_every_byte),
        cmocka_unit_test(applying_twice_is_applying_once),
        cmocka_unit_test(applying_over_another_is_applying_to_the_original),
        cmocka_unit_test(parameters_come_and_go_without_a_trace),
        cmocka_unit_test(what_is_applied_is_what_cat_says),
        cmocka_unit_test(a_vm_set_up_by_hand_has_no_profile),
        cmocka_unit_test(a_profile_that_no_longer_holds_is_marked),
        cmocka_unit_test(an_unknown_active_profile_is_shown_last),
        cmocka_unit_test(the_line_that_cat_printed_changes_nothing),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(none_without_a_profile_changes_nothing),
        cmocka_unit_test(applying_sets_the_guide),
        cmocka_unit_test(cpu_auto_reads_what_the_host_left),
        cmocka_unit_test(applying_again_repairs_and_keeps_parameters),
        cmocka_unit_test(an_empty_parameter_goes_back_to_its_default),
        cmocka_unit_test(none_leaves_what_was_edited_by_hand),
        cmocka_unit_test(none_works_where_the_profile_is_unknown),
        cmocka_unit_test(damaged_savings_are_told_and_left),
        cmocka_unit_test(a_device_takes_the_next_free_block),
        cmocka_unit_test(a_device_that_is_there_is_completed),
        cmocka_unit_test(another_device_replaces_ours),
        cmocka_unit_test(what_the_host_added_to_a_device_goes_with_it),
        cmocka_unit_test(a_block_that_is_another_device_now_stays),
        cmocka_unit_test(a_changed_id_is_repaired_in_its_block),
        cmocka_unit_test(the_reservation_follows_the_memory),
        cmocka_unit_test(a_reservation_that_did_not_hold_does_not_follow),
        cmocka_unit_test(nothing_follows_without_a_profile),
        cmocka_unit_test(a_copy_made_key_by_key_is_the_same),
        cmocka_unit_test(the_plan_reads_as_a_diff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
