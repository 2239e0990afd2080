/* SPDX-License-Identifier: MIT */
/* Why a power command failed. */
#pragma once

#include "host/host_private.h"

/* said: what the command printed. Where it gives no reason, as before 6.7, the host's task is asked
 * for one, which is added. -EOPNOTSUPP: the guest or the VM cannot do that; -EBUSY: something else
 * is under way with the VM; else -EREMOTEIO; with *why. */
int power_reason(struct host *host, const char *id, struct buf *said, const struct wait *wait,
                 struct diag *why);
