/* SPDX-License-Identifier: MIT */
/* A device that a VM is given, for the rules. */
#pragma once

#include "check.h"
#include "parser/device/device_kind.h"

enum { DEVICES_AT_MOST = 128 }; /* in any VM that is powered on */
enum { VENDOR_INTEL = 0x8086, VENDOR_AMD = 0x1002, VENDOR_NVIDIA = 0x10de };

/* A passed device, as far as the file tells. */
struct check_device {
    size_t n; /* pciPassthruN */
    enum device_kind kind;
    bool has_address; /* DEVICE_FIXED; DEVICE_SRIOV: the adapter's */
    struct vmx_pci address;
    long long vendor, device, class; /* 0: not known; DEVICE_DYNAMIC: those of the largest card */
    const struct vmx_host_pci
        *host; /* what the host has at the address; NULL: nothing, or no host */
};

/* Whether the host has the very device at the address that the file says: not another one, since
 * the hardware was changed. */
bool check_is_same(const struct check_device *device);

/* GB of memory on a card; 0: it is not among those that are known. */
long long check_card_memory(long long vendor, long long device);

/* Whether the device is a graphics card, as its class says; where nobody knows that, as its maker
 * says. */
bool check_is_gpu(const struct check_device *device);
