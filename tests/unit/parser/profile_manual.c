/* SPDX-License-Identifier: MIT */
/* The example in vmxfs-profile(5) is a profile, and does what the page says. */
#include "parser/text/text.h"
#include "profiles.h"

static const struct span vm = BYTES("memSize = \"2048\"\nnumvcpus = \"2\"\n");

/* Moves behind the next line that is the marker; the span before it. */
static struct span take_until(struct span *rest, const char *marker)
{
    const char *at = memmem(rest->p, rest->n, marker, strlen(marker));
    if (!at)
        fail_msg("the page has no \"%s\"", marker);
    size_t n = (size_t)(at - rest->p);
    struct span before = span_head(*rest, n);
    *rest = span_from(*rest, n + strlen(marker));
    return before;
}

static void add_example(struct vmx_profiles *profiles)
{
    BUF_AUTO page = {0};
    read_data("../../docs/vmxfs-profile.5.scd", &page);
    struct span rest = buf_span(&page);
    take_until(&rest, "\n# EXAMPLE\n");
    take_until(&rest, "\n```\n");
    add_profile(profiles, "low-latency", take_until(&rest, "\n```\n"));
}

static void the_example_sets_what_it_says(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    (void)state;

    add_example(&profiles);
    planned(vm, &profiles, "low-latency mhz=8000", &text);
    value_is(&text, "sched.cpu.min", "8000");
    value_is(&text, "sched.mem.min", "2048");
    value_is(&text, "annotation", "reserved:\n8000 MHz, 2048 MB");
    value_is(&text, "mem.hotadd", "FALSE");
    has_no(&text, "RemoteDisplay.vnc.port");
}

static void the_example_depends_on_its_parameter(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO text = {0};
    (void)state;

    add_example(&profiles);
    planned(vm, &profiles, "low-latency console=vnc", &text);
    value_is(&text, "RemoteDisplay.vnc.port", "5901");
    value_is(&text, "sched.cpu.min", "4000");
}

static void the_example_follows_and_is_taken_back(void **state)
{
    PROFILES_AUTO profiles = {0};
    EDITS_AUTO edits = {0};
    BUF_AUTO applied = {0};
    BUF_AUTO followed = {0};
    BUF_AUTO back = {0};
    (void)state;

    add_example(&profiles);
    planned(vm, &profiles, "low-latency", &applied);
    DICT_AUTO dict = parsed(buf_span(&applied));
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("memSize"), SPAN_LITERAL("4096")), 0);
    assert_int_equal(vmx_plan_follow(dict, NO_HOST(&profiles), &edits), 0);
    assert_int_equal(apply(buf_span(&applied), &edits, &followed), 0);
    value_is(&followed, "sched.mem.min", "4096");
    planned(buf_span(&followed), &profiles, "none", &back);
    assert_span(buf_span(&back), SPAN_LITERAL("memSize = \"4096\"\nnumvcpus = \"2\"\n"));
}

static void the_example_refuses_what_it_requires(void **state)
{
    static const struct span refused[] = {
        BYTES("numvcpus = \"2\"\n"),
        BYTES("memSize = \"2048\"\n"),
        BYTES("memSize = \"2048\"\nnumvcpus = \"17\"\n"),
    };
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_example(&profiles);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        BUF_AUTO text = {0};
        struct diag diag = {0};
        assert_int_equal(plan(refused[i], &profiles, "low-latency", &text, NULL, &diag), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_sets_what_it_says),
        cmocka_unit_test(the_example_depends_on_its_parameter),
        cmocka_unit_test(the_example_follows_and_is_taken_back),
        cmocka_unit_test(the_example_refuses_what_it_requires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
