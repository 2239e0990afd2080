/* SPDX-License-Identifier: MIT */
/*
 * Which of a host's functions are passed to VMs, or given back, together with one:
 *
 *     - the functions of the same slot;
 *     - the audio device below a card's own switch;
 *     - what the host says that it depends on, and, if that is a bridge, all that is behind it.
 *
 * Each of these brings along its own. A bridge, and what is not capable of passthrough, stays.
 */
#pragma once

#include "host.h"

struct vmx_passthrough {
    bool on;    /* pass it to VMs; else give it back to the host */
    bool force; /* also what the host needs, or a running VM has */
    bool alone; /* without the others */
    /* Whether a VM, running or not, names the device: it is not given back along with another.
     * NULL: none does. */
    bool (*is_named)(void *ctx, const struct vmx_pci *address);
    void *ctx;
};

/* What there is to be done, borrowed from the host. */
struct vmx_passthrough_plan {
    const struct vmx_host_pci **change; /* to be switched, in this order: the one itself, if it is
                                           among them, then the others in the host's order */
    const struct vmx_host_pci **keep;   /* would go back, but a VM names them */
    size_t n_change, n_keep;
};

/* 0; -ENODEV: the host has no such device; -EOPNOTSUPP: it is not capable; -EBUSY: the host needs
 * one of them, or a running VM has one (all are in *why); -ENOMEM. Appends the reason to *why. */
int vmx_passthrough_decide(const struct vmx_host *host, const struct vmx_pci *address,
                           const struct vmx_passthrough *how, struct vmx_passthrough_plan *ret,
                           struct buf *why);
void vmx_passthrough_plan_done(struct vmx_passthrough_plan *plan);

/* Appends the addresses of n functions, joined by ", ". 0, -ENOMEM. */
int vmx_passthrough_add_addresses(const struct vmx_host_pci *const *items, size_t n,
                                  struct buf *ret);
