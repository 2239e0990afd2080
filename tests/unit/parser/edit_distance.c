/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "parser/text/edit_distance.h"

static void edits_are_counted(void **state)
{
    (void)state;
    static const struct {
        struct span a, b;
        size_t at_most, want;
    } rows[] = {
        {BYTES(""), BYTES(""), 2, 0},
        {BYTES("memsize"), BYTES("memsize"), 0, 0},
        {BYTES("memsize"), BYTES("memsiz"), 2, 1},
        {BYTES("memsize"), BYTES("emsize"), 2, 1},
        {BYTES("memsize"), BYTES("memmsize"), 2, 1},
        {BYTES("memsize"), BYTES("memsizes"), 2, 1},
        {BYTES("memsize"), BYTES("nemsize"), 2, 1},
        {BYTES("memsize"), BYTES("memsizd"), 2, 1},
        {BYTES("memsize"), BYTES("memszie"), 2, 1},
        {BYTES("memsize"), BYTES("emmsize"), 2, 1},
        {BYTES("memsize"), BYTES("memsizee"), 1, 1},
        {BYTES("aab"), BYTES("aba"), 2, 1},
        {BYTES("abcdef"), BYTES("bacdfe"), 2, 2},
        {BYTES("abcdef"), BYTES("bcdefg"), 2, 2},
        {BYTES("abcdef"), BYTES("xbcdey"), 2, 2},
        {BYTES("abcdef"), BYTES("bbcde"), 2, 2},
        {BYTES("ca"), BYTES("abc"), 3, 3}, /* what has changed places is not edited again */
        {BYTES("memsize"), BYTES(""), 7, 7},
        {BYTES("memsize"), BYTES(""), 2, 3},
        {BYTES("memsize"), BYTES("memszie"), 0, 1},
        {BYTES("abcdef"), BYTES("bacdfe"), 1, 2},
        {BYTES("abcdef"), BYTES("abcdefghi"), 2, 3},
        {BYTES("abcdef"), BYTES("uvwxyz"), 2, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%.*s, %.*s\n", (int)rows[i].a.n, rows[i].a.p, (int)rows[i].b.n, rows[i].b.p);
        assert_int_equal(edit_distance(rows[i].a, rows[i].b, rows[i].at_most), rows[i].want);
        assert_int_equal(edit_distance(rows[i].b, rows[i].a, rows[i].at_most), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
