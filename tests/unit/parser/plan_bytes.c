/* SPDX-License-Identifier: MIT */
/* Plans lose nothing: whatever a file looks like, it can be taken back to the byte. */
#include "documents.h"

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
                    vmx_plan_line(dict, NO_HOST(&profiles), span_of(name.data), &edits, NULL, NULL),
                    0);
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

static void none_without_a_profile_changes_nothing(void **state)
{
    PROFILES_AUTO profiles = {0};
    (void)state;

    add_shipped(&profiles);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        DICT_AUTO dict = parsed(documents[d]);
        EDITS_AUTO edits = {0};
        assert_int_equal(
            vmx_plan_line(dict, NO_HOST(&profiles), SPAN_LITERAL("none\n"), &edits, NULL, NULL), 0);
        assert_int_equal(edits.n, 0);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_restores_every_byte),
        cmocka_unit_test(applying_twice_is_applying_once),
        cmocka_unit_test(applying_over_another_is_applying_to_the_original),
        cmocka_unit_test(parameters_come_and_go_without_a_trace),
        cmocka_unit_test(what_is_applied_is_what_cat_says),
        cmocka_unit_test(none_without_a_profile_changes_nothing),
        cmocka_unit_test(none_works_where_the_profile_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
