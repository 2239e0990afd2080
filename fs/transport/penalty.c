/* SPDX-License-Identifier: MIT */
#include "penalty.h"

#include <errno.h>

/* sshd_config(5), PerSourcePenalties: authfail and min. */
enum { FAILED_LOGIN_MS = 5000, SHUT_OUT_MS = 15000 };

bool penalty_allows(const struct penalty *penalty, int64_t now_ms)
{
    return penalty->until_ms - now_ms < SHUT_OUT_MS - FAILED_LOGIN_MS;
}

void penalty_note(struct penalty *penalty, int result, int64_t now_ms)
{
    if (result == 0 || result == -ECONNREFUSED || result == -EHOSTUNREACH)
        return;
    if (penalty->until_ms < now_ms)
        penalty->until_ms = now_ms;
    penalty->until_ms += FAILED_LOGIN_MS;
}
