/* SPDX-License-Identifier: MIT */
/* Settings that follow others while a profile is active. */
#include "documents.h"

static void follow(const struct buf *text, const struct vmx_profiles *profiles, const char *key,
                   const char *value, struct buf *ret)
{
    DICT_AUTO dict = parsed(buf_span(text));
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_edits_set(&edits, span_of(key), span_of(value)), 0);
    assert_int_equal(vmx_plan_follow(dict, NO_HOST(profiles), &edits), 0);
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

static void a_reservation_that_is_set_as_well_does_not_follow(void **state)
{
    PROFILES_AUTO profiles = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    EDITS_AUTO edits = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, "nested-esxi", &a);
    DICT_AUTO dict = parsed(buf_span(&a));
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("memSize"), SPAN_LITERAL("16384")), 0);
    assert_int_equal(vmx_edits_set(&edits, SPAN_LITERAL("SCHED.mem.min"), SPAN_LITERAL("8192")), 0);
    assert_int_equal(vmx_plan_follow(dict, NO_HOST(&profiles), &edits), 0);
    assert_int_equal(vmx_edits_apply(&edits, dict, &b, NULL), 0);
    value_is(&b, "sched.mem.min", "8192");
}

static void what_followed_is_taken_back_where_the_profile_is_unknown(void **state)
{
    PROFILES_AUTO profiles = {0};
    PROFILES_AUTO nothing = {0};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO restored = {0};
    (void)state;

    add_shipped(&profiles);
    planned(documents[0], &profiles, "nested-esxi", &a);
    follow(&a, &profiles, "memSize", "16384", &b);
    planned(buf_span(&b), &nothing, "none", &restored);
    assert_span(buf_span(&restored), SPAN_LITERAL("memSize = \"16384\"\n"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reservation_follows_the_memory),
        cmocka_unit_test(a_reservation_that_did_not_hold_does_not_follow),
        cmocka_unit_test(a_reservation_that_is_set_as_well_does_not_follow),
        cmocka_unit_test(what_followed_is_taken_back_where_the_profile_is_unknown),
        cmocka_unit_test(nothing_follows_without_a_profile),
        cmocka_unit_test(a_copy_made_key_by_key_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
