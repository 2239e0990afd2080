/* SPDX-License-Identifier: MIT */
/* Which VMs the host has on its list. Paths as in power.h. */
#pragma once

#include "host/host.h"

enum host_registration { HOST_NOT_REGISTERED, HOST_REGISTERED, HOST_INVALID };

/* Whether the host has the VM registered, as it says now. INVALID: it has an entry of the path, and
 * could not read the .vmx when it last tried. -EREMOTEIO: it does not list its VMs; else as
 * host_power. */
int host_registered(struct host *host, const char *path, const struct wait *wait,
                    enum host_registration *ret, struct diag *why);

/* Registers the VM, in place of an invalid entry of the same path, or (on false) takes it off the
 * host's list; its files stay. 0 also where it was so before. -EBUSY: it is not powered off;
 * -EREMOTEIO: the command failed, *why says how; else as host_power. */
int host_register(struct host *host, const char *path, bool on, const struct wait *wait,
                  struct diag *why);

/* Takes an invalid entry off the host's list. -EINVAL: the id is that of none, with *why; else as
 * host_register. */
int host_unregister_id(struct host *host, unsigned long id, const struct wait *wait,
                       struct diag *why);
