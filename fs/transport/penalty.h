/* SPDX-License-Identifier: MIT */
/*
 * What OpenSSH 9.8 and later hold against an address (PerSourcePenalties of sshd_config), as one
 * mount estimates it for its own. sshd's defaults: a connection that ends without a login costs 1
 * s, or 5 s where one was attempted; what has gathered goes down by a second each second; an
 * address with 15 s or more is shut out, and with it all its other clients.
 *
 * Pure; the caller holds a lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct penalty {
    int64_t until_ms; /* of clock_ms: when nothing is left of it */
};

/* Whether one more failed login would keep the address below the limit. */
bool penalty_allows(const struct penalty *penalty, int64_t now_ms);

/* How an attempt to connect ended: 0 or -errno, as of connector_connect. What may have reached the
 * server and failed is taken for a failed login. */
void penalty_note(struct penalty *penalty, int result, int64_t now_ms);
