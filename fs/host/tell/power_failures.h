/* SPDX-License-Identifier: MIT */
/* What the host said of VMs that it could not power on, until they are. */
#pragma once

#include "host/host_private.h"

/* Keeps what the command said, in place of an earlier one; an empty text forgets it. at: when, by
 * the host's clock. */
void power_failure_note(struct host *host, const char *path, time_t at, struct span output);

/* Forgets all: at the end. */
void power_failures_done(struct host *host);
