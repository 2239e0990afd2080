/* SPDX-License-Identifier: MIT */
#include "parser/text/diff.h"
#include "parser/plan/plan.h"

#include "profiles.h"

/* ---- state ---- */

static void a_vm_set_up_by_hand_has_no_profile(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO applied = {0};
    BUF_AUTO by_hand = {0};
    (void)state;

    add_shipped(&profiles);
    planned(small_vm, &profiles, "inner-guest", &applied);
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
    planned(small_vm, &profiles, "nested-esxi " NEW_DEVICE, &applied);
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
    planned(small_vm, &profiles, "nested-esxi", &applied);
    for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
        DICT_AUTO dict = parsed(buf_span(&applied));
        EDITS_AUTO edits = {0};
        assert_int_equal(
            vmx_plan_line(dict, NO_HOST(&profiles), span_of(printed[i]), &edits, NULL, NULL), 0);
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
        {"memSize = \"8192\"\n", "[nested-esxi]", "there is no profile \"[nested-esxi]\""},
        {"memSize = \"8192\"\n", "nested-esxi fast", "PARAM=VALUE"},
        /* no value of a parameter that could be a secret's */
        {"memSize = \"8192\"\n", "nested-esxi pw=hunter2 hunter3", "behind pw=: expected"},
        {"memSize = \"8192\"\n", "nested-esxi =hunter2", "\"=\": expected"},
        {"memSize = \"8192\"\n", "pw=hunter2", "there is no profile \"pw\";"},
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
        struct diag diag = {.text = "accepted"};
        int r = plan(span_of(cases[i].text), &profiles, cases[i].line, &text, NULL, &diag);
        if (r != -EINVAL || !strstr(diag.text, cases[i].reason))
            fail_msg("\"%s\": %d, %s", cases[i].line, r, diag.text);
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
    static const struct span crlf_vm = BYTES("memSize = \"8192\"\r\nvvtd.enable = \"FALSE\"");
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO d = {0};
    BUF_AUTO e = {0};
    (void)state;

    add_shipped(&profiles);
    planned(crlf_vm, &profiles, "nested-esxi mmio=32", &a);
    edited(&a, "vvtd.enable", "FALSE", &b);
    edited(&b, "vhv.enable", NULL, &c);
    planned(buf_span(&c), &profiles, "nested-esxi cpu=amd", &d);
    value_is(&d, "vvtd.enable", "TRUE");
    value_is(&d, "vhv.enable", "TRUE");
    value_is(&d, "pciPassthru.64bitMMIOSizeGB", "32");
    value_is(&d, "vmxfs.profile", "nested-esxi mmio=32 cpu=amd");
    state_is(buf_span(&d), &profiles, "none [nested-esxi] inner-guest");
    planned(buf_span(&d), &profiles, "none", &e);
    assert_span(buf_span(&e), crlf_vm);
}

static void an_empty_parameter_goes_back_to_its_default(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    (void)state;

    add_shipped(&profiles);
    planned(small_vm, &profiles, "inner-guest mmio=64", &a);
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

/* Sorted by somebody, and without a final newline since. */
static void none_restores_lines_that_were_moved(void **state)
{
    PROFILES_AUTO nothing = {0};
    BUF_AUTO restored = {0};
    (void)state;

    planned(SPAN_LITERAL("a = \"1\"\n"
                         "pciPassthru.use64bitMMIO = \"TRUE\"\n"
                         "sched.mem.min = \"8192\" # m\n"
                         "vmxfs.profile = \"inner-guest\"\n"
                         "vmxfs.saved.pciPassthru.use64bitMMIO = \"- TRUE\"\n"
                         "vmxfs.saved.sched.mem.min = \"~0 8192\"\n"
                         "vmxfs.saved.vvtd.enable = \"~f TRUE\"\n"
                         "z = \"1\"\n"
                         "vvtd.enable = \"TRUE\""),
            &nothing, "none", &restored);
    assert_span(buf_span(&restored), SPAN_LITERAL("a = \"1\"\n"
                                                  "sched.mem.min = 0 # m\n"
                                                  "z = \"1\"\n"
                                                  "vvtd.enable = f"));
}

static void a_larger_mmio_range_stays(void **state)
{
    static const struct {
        const char *before; /* the size in the file, or NULL */
        const char *lines[4];
        const char *after; /* behind the last line */
        bool noted;        /* by the last line */
    } rows[] = {
        {NULL, {"nested-esxi"}, "16", false},
        {"64", {"nested-esxi"}, "64", true},
        {"16", {"nested-esxi"}, "16", false},
        {"8", {"nested-esxi"}, "16", false},
        {"much", {"nested-esxi"}, "16", false},
        {"64", {"nested-esxi", "nested-esxi"}, "64", true},
        {"64", {"nested-esxi mmio=32"}, "32", false},
        {"64", {"nested-esxi mmio=32", "nested-esxi mmio="}, "64", true},
        {"8", {"nested-esxi mmio=32", "nested-esxi mmio="}, "16", false},
        {NULL, {"nested-esxi mmio=32", "nested-esxi mmio="}, "16", false},
        {NULL, {"nested-esxi", "=64", "nested-esxi"}, "64", true},
        {NULL, {"nested-esxi", "=64", "nested-esxi", "none"}, "64", false},
        {NULL, {"nested-esxi", "=64", "none"}, "64", false},
        {NULL, {"nested-esxi mmio=64", "inner-guest"}, "16", false},
        {"64", {"nested-esxi", "inner-guest"}, "64", true},
        {"64", {"nested-esxi", "none"}, "64", false},
    };
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO text = {0};
        BUF_AUTO notes = {0};
        assert_int_equal(buf_add_str(&text, "memSize = \"8192\"\n"), 0);
        if (rows[i].before)
            assert_int_equal(
                buf_addf(&text, "pciPassthru.64bitMMIOSizeGB = \"%s\"\n", rows[i].before), 0);
        for (size_t k = 0; k < 4 && rows[i].lines[k]; k++) {
            const char *line = rows[i].lines[k];
            DICT_AUTO dict = parsed(buf_span(&text));
            EDITS_AUTO edits = {0};
            buf_clear(&notes);
            buf_clear(&text);
            if (line[0] == '=')
                assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("pciPassthru.64bitMMIOSizeGB"),
                                               span_of(line + 1)),
                                 0);
            else
                assert_int_equal(
                    vmx_plan_line(dict, NO_HOST(&profiles), span_of(line), &edits, &notes, NULL),
                    0);
            assert_int_equal(vmx_edits_apply(&edits, dict, &text, NULL), 0);
        }
        value_is(&text, "pciPassthru.64bitMMIOSizeGB", rows[i].after);
        bool noted = notes.len > 0 && strstr(notes.data,
                                             "64bitMMIOSizeGB stays 64, which is more "
                                             "than the 16 of the profile");
        if (noted != rows[i].noted)
            fail_msg("row %zu: %s", i, notes.len > 0 ? notes.data : "no note");
        const char *second = rows[i].lines[1];
        if (noted)
            state_is(buf_span(&text), &profiles,
                     second && strcmp(second, "inner-guest") == 0
                         ? "none nested-esxi [inner-guest]"
                         : "none [nested-esxi] inner-guest");
    }
}

static void what_holds_without_quotes_gets_them(void **state)
{
    static const struct span vm =
        BYTES("memSize = \"8192\"\nvhv.enable = true # c\nsched.mem.min=8192\n");
    PROFILES_AUTO profiles = {0};
    BUF_AUTO applied = {0};
    BUF_AUTO again = {0};
    BUF_AUTO other = {0};
    BUF_AUTO restored = {0};
    (void)state;

    add_shipped(&profiles);
    planned(vm, &profiles, "nested-esxi", &applied);
    assert_non_null(strstr(applied.data, "\nvhv.enable = \"TRUE\" # c\nsched.mem.min=\"8192\"\n"));
    planned(buf_span(&applied), &profiles, "none", &restored);
    assert_span(buf_span(&restored), vm);
    buf_clear(&restored);
    planned(buf_span(&applied), &profiles, "inner-guest", &other);
    planned(buf_span(&other), &profiles, "none", &restored);
    assert_span(buf_span(&restored), vm);
    char *quoted = strstr(applied.data, "\"8192\"\nvvtd");
    assert_non_null(quoted);
    memcpy(quoted, "8192  ", 6); /* by hand, since */
    planned(buf_span(&applied), &profiles, "nested-esxi", &again);
    assert_non_null(strstr(again.data, "\nsched.mem.min=\"8192\"  \n"));
}

/* By hand, since the profile was applied: a larger size, and what another version of the profile
 * would not have wanted. */
static void what_is_none_of_the_profiles_gets_no_quotes(void **state)
{
    static const char size[] = "pciPassthru.64bitMMIOSizeGB = ";
    static const char saved[] = "vmxfs.saved.vvtd.enable";
    PROFILES_AUTO profiles = {0};
    BUF_AUTO applied = {0};
    BUF_AUTO older = {0};
    BUF_AUTO again = {0};
    (void)state;

    add_shipped(&profiles);
    planned(SPAN_LITERAL("memSize = \"8192\"\n"), &profiles, "nested-esxi", &applied);
    edited(&applied, saved, NULL, &older);
    char *value = strstr(older.data, size);
    char *vvtd = strstr(older.data, "vvtd.enable = \"TRUE\"");
    assert_non_null(value);
    assert_non_null(vvtd);
    memcpy(value + strlen(size), "64  ", 4);
    memcpy(vvtd, "vvtd.enable = TRUE  ", 20);
    planned(buf_span(&older), &profiles, "nested-esxi", &again);
    assert_span(buf_span(&again), buf_span(&older));
}

static void what_held_before_is_remembered_too(void **state)
{
    static const struct span before = BYTES("memSize = \"8192\"\nsched.mem.pin = true\n");
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO restored = {0};
    (void)state;

    add_shipped(&profiles);
    planned(before, &profiles, "inner-guest", &a);
    edited(&a, "sched.mem.pin", "FALSE", &b);
    planned(buf_span(&b), &profiles, "inner-guest", &c);
    planned(buf_span(&c), &profiles, "none", &restored);
    assert_span(buf_span(&restored), before);
}

/* The host's client changes the reservation along with the memory. */
static void what_the_profile_wants_by_now_is_taken_back(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO c = {0};
    BUF_AUTO restored = {0};
    (void)state;

    add_shipped(&profiles);
    planned(small_vm, &profiles, "inner-guest", &a);
    edited(&a, "memSize", "16384", &b);
    edited(&b, "sched.mem.min", "16384", &c);
    planned(buf_span(&c), &profiles, "none", &restored);
    assert_span(buf_span(&restored), SPAN_LITERAL("memSize = \"16384\"\n"));
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
    planned(small_vm, &profiles, "inner-guest", &a);
    edited(&a, "vmxfs.saved.sched.mem.pin", "what", &b);
    assert_int_equal(plan(buf_span(&b), &profiles, "none", &c, &notes, NULL), 0);
    assert_span(buf_span(&c), SPAN_LITERAL("memSize = \"8192\"\nsched.mem.pin = \"TRUE\"\n"));
    assert_non_null(strstr(notes.data, "sched.mem.pin"));
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
    assert_int_equal(
        vmx_plan_diff(dict, NO_HOST(&profiles), SPAN_LITERAL("inner-guest"), "x.vmx", &diff), 0);
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
    assert_int_equal(
        vmx_plan_diff(after, NO_HOST(&profiles), SPAN_LITERAL("inner-guest"), "x.vmx", &diff), 0);
    assert_int_equal(diff.len, 0);
    DICT_AUTO empty = parsed(SPAN_LITERAL(""));
    assert_int_equal(
        vmx_plan_diff(empty, NO_HOST(&profiles), SPAN_LITERAL("inner-guest"), "x.vmx", &diff), 0);
    assert_string_equal(diff.data, "# refused: inner-guest requires memSize to be set\n");
}

static void a_plan_of_a_line_with_parameters_is_what_the_line_makes(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO applied = {0};
    (void)state;
    static const struct {
        const char *line, *holds;
    } table[] = {
        {"inner-guest", NULL}, /* the parameters that are omitted stay */
        {"inner-guest mmio=32", NULL},
        {"inner-guest mmio=64", "\n+pciPassthru.64bitMMIOSizeGB = \"64\"\n"},
        {"inner-guest mmio=", "\n+pciPassthru.64bitMMIOSizeGB = \"16\"\n"},
        {"inner-guest mmio=64 mmio=32", "# refused: mmio is given twice\n"},
        {"inner-guest size=1", "# refused: inner-guest has no parameter \"size\"; it has: "},
        {"inner-guest \033[2J", "# refused: \"?[2J\": expected PARAM=VALUE\n"},
        {"inner-guest\nmmio=64", "# refused: expected one line\n"},
    };
    add_shipped(&profiles);
    planned(SPAN_LITERAL("memSize = \"8192\"\n"), &profiles, "inner-guest mmio=32", &applied);
    DICT_AUTO dict = parsed(buf_span(&applied));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        BUF_AUTO diff = {0};
        BUF_AUTO expected = {0};
        BUF_AUTO after = {0};
        const char *line = table[i].line;
        assert_int_equal(vmx_plan_diff(dict, NO_HOST(&profiles), span_of(line), "x.vmx", &diff), 0);
        if (table[i].holds)
            assert_non_null(strstr(diff.data, table[i].holds));
        if (table[i].holds && table[i].holds[0] == '#')
            continue;
        planned(buf_span(&applied), &profiles, line, &after);
        assert_int_equal(
            vmx_diff(buf_span(&applied), buf_span(&after), "x.vmx", "x.vmx", &expected), 0);
        assert_span(buf_span(&diff), buf_span(&expected));
        assert_int_equal(diff.len > 0, table[i].holds != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_set_up_by_hand_has_no_profile),
        cmocka_unit_test(a_profile_that_no_longer_holds_is_marked),
        cmocka_unit_test(an_unknown_active_profile_is_shown_last),
        cmocka_unit_test(the_line_that_cat_printed_changes_nothing),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(applying_sets_the_guide),
        cmocka_unit_test(cpu_auto_reads_what_the_host_left),
        cmocka_unit_test(applying_again_repairs_and_keeps_parameters),
        cmocka_unit_test(an_empty_parameter_goes_back_to_its_default),
        cmocka_unit_test(none_leaves_what_was_edited_by_hand),
        cmocka_unit_test(none_restores_lines_that_were_moved),
        cmocka_unit_test(a_larger_mmio_range_stays),
        cmocka_unit_test(what_holds_without_quotes_gets_them),
        cmocka_unit_test(what_is_none_of_the_profiles_gets_no_quotes),
        cmocka_unit_test(what_held_before_is_remembered_too),
        cmocka_unit_test(what_the_profile_wants_by_now_is_taken_back),
        cmocka_unit_test(damaged_savings_are_told_and_left),
        cmocka_unit_test(the_plan_reads_as_a_diff),
        cmocka_unit_test(a_plan_of_a_line_with_parameters_is_what_the_line_makes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
