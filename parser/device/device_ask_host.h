/* SPDX-License-Identifier: MIT */
/* Asking the host for a device. */
#pragma once

#include "parser/plan/plan_wanted.h"

enum { DEVICE_FUNCTIONS_MAX = 16 };

struct device_functions {
    const struct vmx_host_pci *items[DEVICE_FUNCTIONS_MAX];
    size_t n;
};

/* What the host passes along with the function at that address, itself first. 0; -EINVAL with the
 * reason why it does not, or where the line contradicts it; -ENOMEM. What the profile was applied
 * with before is not judged again. */
int device_ask(const struct plan_on *on, const struct vmx_pci *pci, struct device_functions *ret,
               struct diag *diag);

bool device_is_integrated(const struct vmx_host_pci *pci);

/* By another VM that is powered on. */
bool device_in_use(const struct vmx_around *around, const struct vmx_host_pci *pci);
