/* SPDX-License-Identifier: MIT */
/* What the last power-on showed of the devices that the VM was passed. Nothing else on a host tells
 * how large a device's BARs are, and where its firmware has placed them. */
#pragma once

#include "parser/device/pci.h"

/* A memory range of a device. */
struct vm_start_bar {
    struct vmx_pci address;
    unsigned long long at, size; /* bytes */
    bool wide;                   /* it may lie above 4 GiB */
};

struct vm_start {
    char date[sizeof("2026-11-29")]; /* of the power-on, UTC; "": there is none */
    bool succeeded;
    struct vm_start_bar *bars;
    size_t n_bars;
    unsigned long long wanted_gb; /* the window for MMIO was too small, and this would do; or 0 */
};

/* What a vmware.log, or its end, tells of the last power-on; nothing if that began before. ret is
 * the caller's to free. 0, -ENOMEM. */
int vm_start_read(struct span log, struct vm_start *ret);
void vm_start_done(struct vm_start *start);

/* GB of a window for MMIO that a message asks for, as the power of two that the firmware wants. 0:
 * the text is no such message. */
unsigned long long vm_start_window(struct span text);

#define START_AUTO __attribute__((cleanup(vm_start_done))) struct vm_start
