/* SPDX-License-Identifier: MIT */
/* The facts that are known of the host: one thread asks, and the others wait for its answer. */
#pragma once

#include "host/host_private.h"

/* Finds out what the server is, up to a kind: POSSIBLE needs no login. 0; -EOPNOTSUPP: it has no
 * host; -EIO, ... */
int host_identify_locked(struct host *host, int up_to, const struct wait *wait)
    REQUIRES(&host->lock);

/* What is known of the host is not true any more. */
void host_outdate(struct host *host, bool hardware);

/* Half of the time that is left, and 10 s at most: a commit asks under its lock, which is good for
 * LOCK_HOLD_MS (remote/lock/lock.h). */
struct wait host_half_of(const struct wait *wait);
