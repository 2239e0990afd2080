/* SPDX-License-Identifier: MIT */
/* Which VM names which of the host's devices: of all VMs below the root, whether they run or not,
 * and whether they are registered or not. */
#pragma once

#include "host_view.h"

struct vm_device {
    struct vmx_pci address;
    char *path, *shown; /* of the .vmx; shown: with the names that people use */
    const char *power;  /* as vm_power_word */
    bool runs;
};

struct vm_devices {
    struct vm_device *items; /* VMs that run first, then by what is shown */
    size_t n;
};

/* facts: may be NULL. A device that a VM names twice is there once. 0, -errno, as vm_walk_run. */
int vm_devices_find(struct request *rq, const struct host_facts *facts, struct vm_devices *ret);
void vm_devices_done(struct vm_devices *devices);

/* Whether a VM names the device. */
bool vm_devices_name(const struct vm_devices *devices, const struct vmx_pci *address);

#define VM_DEVICES_AUTO __attribute__((cleanup(vm_devices_done))) struct vm_devices
