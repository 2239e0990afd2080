/* SPDX-License-Identifier: MIT */
/* The power of VMs: what it is, what it is to become, and what is under way with a VM. A path is
 * that of a .vmx, relative to the mounted root. */
#pragma once

#include "host/host.h"
#include "power_command.h"

/* The power state as the host says it now. -EOPNOTSUPP: no host; -ENXIO: not registered there;
 * -EIO. */
int host_power(struct host *host, const char *path, const struct wait *wait, enum vmx_power *ret,
               struct diag *why);

/* Completes a reload that is due, gives the command and waits until the state is what was asked
 * for, for as long as the power timeout allows (nowait: until the host has taken the command). What
 * was begun goes on when the wait is over. 0 also where it was so before. -EBUSY: the VM asks a
 * question (*ret_asks), is busy with something else, or is to be powered on while a running VM has
 * one of its devices; -EOPNOTSUPP: the guest cannot be asked (no VMware Tools), or the VM cannot be
 * suspended (it has a device); -ETIMEDOUT: it did not come to that in time; -EREMOTEIO: the command
 * failed, *why says how; else as host_power. */
int host_power_set(struct host *host, const char *path, enum host_power_command command,
                   bool nowait, const struct wait *wait, bool *ret_asks, struct diag *why);

/* Appends a line for each thing that is under way with the VM, as "power-on 12 s": what this mount
 * began, and what the host lists. Nothing of a VM that is not registered. Else as host_power. */
int host_tasks(struct host *host, const char *path, const struct wait *wait, struct buf *ret,
               struct diag *why);
