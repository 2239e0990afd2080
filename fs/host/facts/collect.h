/* SPDX-License-Identifier: MIT */
/* Asking the host: what it is, and what is to be known of it. */
#pragma once

#include "host/host_private.h"

/* Has the server datastores? Asked over SFTP: others are not to be logged in to once more.
 * 0; -EOPNOTSUPP: no; -EIO, ... */
int ask_volumes(struct host *host, const struct wait *wait);

/* Is it ESXi? As ask_volumes, with *why. */
int ask_who(struct host *host, const struct wait *wait, struct diag *why);

/* New facts: what changes by itself is asked now, what belongs to the hardware if it was last asked
 * long ago. */
int ask_facts(struct host *host, const struct wait *wait, const struct host_facts **ret,
              struct diag *why);
