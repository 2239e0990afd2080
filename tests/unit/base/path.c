/* SPDX-License-Identifier: MIT */
#include "base/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void a_path_that_leads_down_is_told_from_others(void **state)
{
    (void)state;
    static const char *const down[] = {"", "a", "a/b", "...", "a/..b/.c", "a\\..", " "};
    static const char *const other[] = {".",  "..", "../a", "a/..", "a/../../b", "a/./b", "a//b",
                                        "a/", "/",  "/a",   "a/.",  "//",        "a/b/.."};
    for (size_t i = 0; i < sizeof(down) / sizeof(down[0]); i++)
        assert_true(path_leads_down(down[i]));
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_false(path_leads_down(other[i]));
}

static void a_component_is_no_longer_than_a_name(void **state)
{
    (void)state;
    char path[300];
    snprintf(path, sizeof(path), "a/%0255d/b", 0);
    assert_true(path_leads_down(path));
    snprintf(path, sizeof(path), "a/%0256d", 0);
    assert_false(path_leads_down(path));
}

static void assert_below(const char *folder, const char *path, const char *rest)
{
    if (rest)
        assert_string_equal(path_below(folder, path), rest);
    else
        assert_null(path_below(folder, path));
}

static void what_is_below_a_folder_is_told_from_what_is_beside_it(void **state)
{
    (void)state;
    assert_below("", "a/b", "a/b");
    assert_below("", "", "");
    assert_below("a", "a", "");
    assert_below("a", "a/b/c", "b/c");
    assert_below("a/b", "a/b/c", "c");
    assert_below("a", "ab", NULL);
    assert_below("a/b", "a", NULL);
    assert_below("a", "b/a", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_that_leads_down_is_told_from_others),
        cmocka_unit_test(a_component_is_no_longer_than_a_name),
        cmocka_unit_test(what_is_below_a_folder_is_told_from_what_is_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
