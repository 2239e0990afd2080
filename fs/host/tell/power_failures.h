/* SPDX-License-Identifier: MIT */
/* What the host said of VMs that it could not power on, until they are. */
#pragma once

#include "host/host_private.h"

/* Keeps the command's output of now, in place of an earlier one; an empty one forgets it. */
void power_failure_note(struct host *host, const char *path, struct span output);

/* Forgets all: at the end. */
void power_failures_done(struct host *host);
