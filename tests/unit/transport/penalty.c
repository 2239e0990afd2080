/* SPDX-License-Identifier: MIT */
/* What a server holds against our address, by our own account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "transport/penalty.h"

static void what_reached_no_server_costs_nothing(void **state)
{
    (void)state;
    static const int results[] = {0, -ECONNREFUSED, -EHOSTUNREACH};
    struct penalty p = {0};
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
            penalty_note(&p, results[i], 1000);
        assert_true(penalty_allows(&p, 1000));
    }
}

/* sshd counts as it does here, and shuts out at 15 s. Attempts come as often as they are allowed
 * to, and each is a failed login. */
static void the_limit_is_never_reached(void **state)
{
    (void)state;
    enum { COST_MS = 5000, LIMIT_MS = 15000, STEP_MS = 100, LONG_MS = 600 * 1000 };
    static const int results[] = {-EACCES, -ECONNRESET, -ETIMEDOUT, -EOPNOTSUPP, -EPERM};
    struct penalty p = {0};
    int64_t held = 0; /* until then, by sshd */
    int made = 0;
    for (int64_t now = 1; now < LONG_MS; now += STEP_MS) {
        if (!penalty_allows(&p, now))
            continue;
        penalty_note(&p, results[made % 5], now);
        held = (held > now ? held : now) + COST_MS;
        assert_true(held - now < LIMIT_MS);
        made++;
    }
    /* Nor is anybody kept from trying for longer than that takes. */
    assert_true(made >= LONG_MS / COST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_reached_no_server_costs_nothing),
        cmocka_unit_test(the_limit_is_never_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
