/* SPDX-License-Identifier: MIT */
/* The profile that a document records as active. */
#pragma once

#include "plan_wanted.h"

struct plan_active {
    struct plan_line line;             /* as it is recorded */
    const struct vmx_profile *profile; /* NULL: unknown or none */
    bool valid;                        /* it would not be refused */
    struct pairs wanted;               /* by the profile; nothing when it would be refused */
};

/* active is empty, and may be half made on failure. 0, -ENOMEM. */
int plan_active_read(const struct vmx_dict *dict, const struct vmx_around *around,
                     struct plan_active *active);
void plan_active_done(struct plan_active *active);

#define PLAN_ACTIVE_AUTO __attribute__((cleanup(plan_active_done))) struct plan_active
