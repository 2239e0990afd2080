/* SPDX-License-Identifier: MIT */
/* Asking the host for a device. */
#pragma once

#include "parser/plan/plan_wanted.h"

enum { DEVICE_FUNCTIONS_MAX = 16 };

struct device_functions {
    const struct vmx_host_pci *items[DEVICE_FUNCTIONS_MAX];
    size_t n;
};

/* The functions that the host passes along with the one at that address, that one first. 0; -EINVAL
 * with the reason why it does not, or where the line contradicts it; -ENOMEM. A parameter that the
 * profile was applied with before is not judged again. functions means nothing on failure. */
int device_ask(const struct plan_on *on, const struct vmx_pci *pci,
               struct device_functions *functions, struct diag *diag);
