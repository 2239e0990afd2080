/* SPDX-License-Identifier: MIT */
/* Commands on the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/exec.h"

static void a_word_is_quoted_whole(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"", "''"},
        {"a b", "'a b'"},
        {"it's", "'it'\\''s'"},
        {"$(id) `id` \"x\" \\", "'$(id) `id` \"x\" \\'"},
        {"'", "''\\'''"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(exec_quote(table[i][0], &out), 0);
        assert_string_equal(out.data, table[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_quoted_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
