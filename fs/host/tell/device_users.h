/* SPDX-License-Identifier: MIT */
/* Whether another VM has the devices of one that is to be powered on. */
#pragma once

#include "host/host.h"

/* -EBUSY: a VM that is powered on has a device that the VM of path names as its own; *why names
 * both. 0, also where the host does not say what runs; -EINTR, -ENOMEM. */
int host_check_device_users(struct host *host, const char *path, const struct wait *wait,
                            struct diag *why);
