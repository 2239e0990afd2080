/* SPDX-License-Identifier: MIT */
/* Commands about single VMs and devices, and whose turn it is to give one. */
#pragma once

#include "host/host_private.h"

/* One at a time tells the host to do something, until host_done. 0, -EIO, -EINTR. */
int host_begin(struct host *host, const struct wait *wait);
void host_done(struct host *host);

/* The same wait, but not longer than for a silent server: for a question on the way of something
 * that takes long. */
struct wait host_soon(const struct host *host, const struct wait *wait);

/* "powered on", "powered off", "suspended"; "in a state that is not known". */
const char *power_text(enum vmx_power power);

/* Runs a command that prints nothing of interest, unless it fails: -EREMOTEIO, *ret_text (NULL: not
 * wanted) and *why have what it said. */
int host_command(struct host *host, const char *const *words, const struct wait *wait,
                 struct buf *ret_text, struct diag *why);

/* The id of the VM of a path, for vim-cmd. -ENXIO: it is not registered; -EIO: the host does not
 * say, as without hostd. */
int host_vm_id(struct host *host, const char *path, const struct wait *wait, char ret[24],
               struct diag *why);

/* The power state of the VM with that id. */
int host_state_of(struct host *host, const char *id, const struct wait *wait, enum vmx_power *ret,
                  struct diag *why);

/* Both, also of a VM that was registered anew since the ids were asked for. */
int host_vm_state(struct host *host, const char *path, const struct wait *wait, char ret_id[24],
                  enum vmx_power *ret, struct diag *why);

/* The id of a VM that is off. -EBUSY: it is not; *why says so, and goes on with the rest. */
int host_vm_off(struct host *host, const char *path, const struct wait *wait, char ret_id[24],
                const char *rest, struct diag *why);
