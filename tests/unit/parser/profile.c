/* SPDX-License-Identifier: MIT */
#include "parser/profile/profile.h"

#include "profiles.h"

static void the_shipped_profiles_are_right(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    assert_int_equal(profiles.n, 2);
    assert_string_equal(vmx_profile_name(profiles.items[0]), "nested-esxi");
    assert_string_equal(vmx_profile_name(profiles.items[1]), "inner-guest");
}

static void all_that_a_profile_may_hold_is_read(void **state)
{
    static const struct span text = BYTES(
        "\xef\xbb\xbf# comment\r\n"
        "profile.summary = \"s\xc3\xbc\xc3\x9f |22x|22\"   # why\r\n"
        "profile.param.a-b_1 = x\n"
        "\r"
        "profile.param.device = \"0000:03:00.0\"\n"
        "plain = \"${a-b_1} $ {} ${memSize} $\"\n"
        "  [ when a-b_1 = \"x y\" ]  # c\n"
        "plain = other\n"
        "[when a-b_1=x]\n"
        "[always]\n"
        "more = 1\n"
        "[require]\n"
        "memSize   # present\n"
        "a=b\n"
        "[advise]\n"
        "a >= \"4\"\na>=4\na<=4\na < 5#\na>-6\na!=\"|22#\"\n"
        "[always]\n"
        "last = \"\"");
    struct vmx_profile *profile = NULL;
    struct diag diag = {.text = ""};
    (void)state;

    if (vmx_profile_parse("x", text, &profile, &diag) != 0)
        fail_msg("%zu:%zu: %s", diag.line, diag.column, diag.text);
    assert_span(vmx_profile_text(profile), text);
    vmx_profile_free(profile);
    vmx_profile_free(NULL);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text;
        size_t line, column;
        const char *reason;
    } cases[] = {
        {"a = \"1\"\nb c\n", 2, 3, "NAME = \"VALUE\""},
        {"a = \"1\n", 1, 5, "NAME = \"VALUE\""},
        {"[what]\n", 1, 2, "a heading is"},
        {"[whenever = x]\n", 1, 2, "a heading is"},
        {"[require\n", 1, 1, "NAME = \"VALUE\""},
        {"[when x]\n", 1, 2, "only compare with ="},
        {"[when x != y]\n", 1, 2, "only compare with ="},
        {"\n[when x = y]\n", 2, 1, "does not declare"},
        {"[when = y]\n", 1, 7, "name of a setting"},
        {"profile.color = \"x\"\n", 1, 1, "only profile.summary"},
        {"profile.param. = \"x\"\n", 1, 15, "name is missing"},
        {"profile.param.a.b = \"x\"\n", 1, 15, "letters, digits"},
        {"profile.param.a = 1\nprofile.param.a = 2\n", 2, 15, "there already"},
        {"profile.param.vendor = \"x\"\n", 1, 15, "come with device"},
        {"profile.param.cpu = \"arm\"\n", 1, 22, "auto, intel or amd"},
        {"profile.param.device = \"x\"\n", 1, 25, "PCI address"},
        {"profile.param.x = y\n[when x = y]\nprofile.summary = z\n", 3, 1, "cannot depend"},
        {"a = 1\nA = 2\n", 2, 1, "there already"},
        {".encoding = \"UTF-8\"\n", 1, 1, ".encoding"},
        {"VMXFS.profile = \"x\"\n", 1, 1, "reserved for vmxfs"},
        {"\xc3\xa4 = 1\n", 1, 1, "plain ASCII"},
        {"a = \"\xff\"\n", 1, 1, "not UTF-8"},
        {"  memSize = \"all\"\n", 1, 14, "multiple of 4"},
        {"a = \"x ${\"\n", 1, 6, "${"},
        {"a = \"${}\"\n", 1, 6, "${"},
        {"[require]\nmemSize 4\n", 2, 9, "a condition is"},
        {"[require]\nmemSize =\n", 2, 10, "a value is missing"},
        {"[require]\nmemSize = \"4\n", 2, 11, "closing quote"},
        {"[require]\nmemSize = 4 5\n", 2, 13, "after the value"},
        {"[require]\nmemSize > big\n", 2, 11, "whole numbers"},
        {"[require]\n  = 4\n", 2, 3, "name of a setting"},
        {"[advise]\n[what\n", 2, 1, "name of a setting"},
        {"[require]\nA\n[always]\na = 1\n", 2, 0, "depends on A"},
        {"x = ${a}\na = 1\n", 1, 0, "depends on a"},
        {"x = ${vmxfs.profile}\n", 1, 0, "depends on vmxfs.profile"},
        {"profile.param.device = \"\"\nx = ${pciPassthru0.id}\n", 2, 0, "depends on pci"},
        {"[advise]\nmemSize =! 4\n", 2, 12, "after the value"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vmx_profile *profile = NULL;
        struct diag diag = {.text = ""};
        int r = vmx_profile_parse("x", span_of(cases[i].text), &profile, &diag);
        if (r != -EINVAL || profile || diag.line != cases[i].line ||
            diag.column != cases[i].column || !strstr(diag.text, cases[i].reason))
            fail_msg("%s: %d, %zu:%zu: %s", cases[i].text, r, diag.line, diag.column, diag.text);
    }
    struct vmx_profile *profile = NULL;
    struct diag diag = {.text = ""};
    assert_int_equal(vmx_profile_parse("x", SPAN_LITERAL("a = b\n\0c = d\n"), &profile, &diag),
                     -EINVAL);
    assert_int_equal(diag.line, 2);
}

static void names_are_words(void **state)
{
    static const char *const bad[] = {"",     ".",   "..",  ".x",  "none",
                                      "None", "a b", "a/b", "[x]", "x!"};
    static const char *const good[] = {"a", "A.b-c_9", "nonesuch"};
    struct vmx_profile *profile = NULL;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(vmx_profile_parse(bad[i], SPAN_LITERAL(""), &profile, NULL), -EINVAL);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(vmx_profile_parse(good[i], SPAN_LITERAL(""), &profile, NULL), 0);
        vmx_profile_free(profile);
    }
}

static void a_profile_of_the_same_name_replaces_in_place(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_profile(&profiles, "a", SPAN_LITERAL("profile.summary = 1\n"));
    add_profile(&profiles, "b", SPAN_LITERAL(""));
    add_profile(&profiles, "c", SPAN_LITERAL(""));
    add_profile(&profiles, "a", SPAN_LITERAL("profile.summary = 2\n"));
    assert_int_equal(profiles.n, 3);
    assert_span(vmx_profile_text(profiles.items[0]), SPAN_LITERAL("profile.summary = 2\n"));
    assert_span(vmx_profile_text(profiles.items[1]), SPAN_LITERAL(""));
    assert_ptr_equal(vmx_profiles_find(&profiles, SPAN_LITERAL("c")), profiles.items[2]);
    assert_null(vmx_profiles_find(&profiles, SPAN_LITERAL("C")));
    assert_null(vmx_profiles_find(&profiles, SPAN_LITERAL("")));
}

/* ---- what headings and conditions do, seen through a plan ---- */

static void settings_under_a_heading_apply_only_then(void **state)
{
    static const struct {
        const char *line, *want;
    } cases[] = {{"p", "plain"}, {"p mode=fast", "quick"}, {"p mode=slow", "plain"}};
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_profile(&profiles, "p",
                SPAN_LITERAL("profile.param.mode = normal\nk = plain\n[when mode = fast]\n"
                             "k = quick\n"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO text = {0};
        planned(SPAN_LITERAL(""), &profiles, cases[i].line, &text);
        DICT_AUTO dict = parsed(buf_span(&text));
        assert_value(dict, SPAN_LITERAL("k"), span_of(cases[i].want));
    }
}

static void a_name_in_a_value_is_a_parameter_or_a_setting(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    struct diag diag = {.text = ""};
    (void)state;

    add_profile(&profiles, "p",
                SPAN_LITERAL("profile.param.a = 1\nk = \"${a}$${B}${\xc3\xa4}$\"\n"));
    planned(SPAN_LITERAL("a = 2\nb = 3\n\xc3\xa4 = \"\xc3\xb6\"\n"), &profiles, "p", &text);
    DICT_AUTO dict = parsed(buf_span(&text));
    assert_value(dict, SPAN_LITERAL("k"), SPAN_LITERAL("1$3\xc3\xb6$"));
    assert_int_equal(plan(SPAN_LITERAL("a = 2\n"), &profiles, "p", &text, NULL, &diag), -EINVAL);
    assert_string_equal(diag.text, "B is not set in this VM, and k is made from it");
}

static void requirements_are_met_or_refused(void **state)
{
    static const struct {
        const char *condition, *text;
        bool met;
    } cases[] = {
        {"a", "A = \"\"\n", true},
        {"a", "b = 1\n", false},
        {"a = 1", "a = 1\n", true},
        {"a = 1", "a = 2\n", false},
        {"a = 1", "", false},
        {"a != 1", "", true},
        {"a != 1", "a = 1\n", false},
        {"a >= 2", "a = 2\n", true},
        {"a >= 2", "a = 1\n", false},
        {"a >= 2", "a = x\n", false},
        {"a >= 2", "", false},
        {"a <= 2", "a = 2\n", true},
        {"a <= 2", "a = 3\n", false},
        {"a < 2", "a = 1\n", true},
        {"a < 2", "a = 2\n", false},
        {"a > 2", "a = 3\n", true},
        {"a > 2", "a = 2\n", false},
        {"a > \"-3\"", "a = -2\n", true},
        {"firmware = efi", "firmware = EFI\n", true},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        PROFILES_AUTO profiles = {0};
        BUF_AUTO profile = {0};
        BUF_AUTO text = {0};
        assert_int_equal(buf_addf(&profile, "k = 1\n[require]\n%s\n", cases[i].condition), 0);
        add_profile(&profiles, "p", buf_span(&profile));
        int r = plan(span_of(cases[i].text), &profiles, "p", &text, NULL, NULL);
        if (r != (cases[i].met ? 0 : -EINVAL))
            fail_msg("%s in %s: %d", cases[i].condition, cases[i].text, r);
    }
}

static void no_requirement_tells_a_secret(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    struct diag diag = {.text = ""};
    (void)state;

    add_profile(&profiles, "p", SPAN_LITERAL("k = 1\n[require]\nguestinfo.a = hunter2\n"));
    assert_int_equal(plan(SPAN_LITERAL(""), &profiles, "p", &text, NULL, &diag), -EINVAL);
    assert_string_equal(diag.text, "p requires guestinfo.a = (a secret)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_profiles_are_right),
        cmocka_unit_test(all_that_a_profile_may_hold_is_read),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(names_are_words),
        cmocka_unit_test(a_profile_of_the_same_name_replaces_in_place),
        cmocka_unit_test(settings_under_a_heading_apply_only_then),
        cmocka_unit_test(a_name_in_a_value_is_a_parameter_or_a_setting),
        cmocka_unit_test(requirements_are_met_or_refused),
        cmocka_unit_test(no_requirement_tells_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
