/* SPDX-License-Identifier: MIT */
/* The table of vmxfs status: what a terminal shows of it. */
#include "fleet/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct table_column columns[] = {{"HOST", false, true}, {"VMS", true, false}};

static void must_add(struct table *table, const char *host, const char *vms)
{
    assert_int_equal(table_add(table, TABLE_PLAIN, span_of(host)), 0);
    assert_int_equal(table_add(table, TABLE_PLAIN, span_of(vms)), 0);
}

static void must_print(struct table *table, size_t width, size_t height, const char *expected)
{
    BUF_AUTO text = {0};
    const struct table_look look = {.width = width, .height = height, .end = "\n"};
    assert_int_equal(table_print(table, &look, &text), 0);
    assert_string_equal(text.data, expected);
}

static void a_character_takes_the_columns_that_it_has(void **state)
{
    (void)state;
    struct table table = {.columns = columns, .n_columns = 2};
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    must_add(&table, "\xe4\xbb\xae\xe6\x83\xb3", "1"); /* two of two columns each */
    must_add(&table, "e\xcc\x81s", "2");               /* with an accent of its own */
    must_add(&table, "\xb5xy", "3");                   /* a byte of no character */
    must_print(&table, 0, 0,
               "HOST  VMS\n"
               "\xe4\xbb\xae\xe6\x83\xb3    1\n"
               "e\xcc\x81s      2\n"
               "\xb5xy     3\n");
    table_done(&table);
}

static void a_wide_character_is_not_cut_in_two(void **state)
{
    (void)state;
    struct table table = {.columns = columns, .n_columns = 2};
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    must_add(&table, "\xe4\xbb\xae\xe6\x83\xb3\xe4\xbb\xae", "1");
    must_print(&table, 9, 0,
               "HOST  VMS\n"
               "\xe4\xbb\xae…     1\n");
    table_done(&table);
}

static void rows_that_have_no_line_are_counted(void **state)
{
    (void)state;
    struct table table = {.columns = columns, .n_columns = 2};
    for (int i = 0; i < 5; i++)
        must_add(&table, "a", "1");
    must_print(&table, 80, 7, "HOST  VMS\na       1\na       1\na       1\na       1\na       1\n");
    must_print(&table, 80, 6, "HOST  VMS\na       1\na       1\na       1\nand 2 more\n");
    must_print(&table, 80, 2, "HOST  VMS\nand 5 more\n");
    table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_character_takes_the_columns_that_it_has),
        cmocka_unit_test(a_wide_character_is_not_cut_in_two),
        cmocka_unit_test(rows_that_have_no_line_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
