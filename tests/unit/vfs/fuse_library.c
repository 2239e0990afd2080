/* SPDX-License-Identifier: MIT */
/* What differs between the versions of libfuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vfs/fuse_library.h"

/* Versions are as fuse_version() has them: 316 for every 3.16. */
static void parallel_lookups_are_remembered_since_3_17(void **state)
{
    (void)state;
    static const struct {
        int version;
        bool forgets;
    } table[] = {{314, true}, {315, true}, {316, true}, {317, false}, {318, false}, {400, false}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(fuse_library_forgets_parallel(table[i].version), table[i].forgets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parallel_lookups_are_remembered_since_3_17),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
