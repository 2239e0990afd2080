/* SPDX-License-Identifier: MIT */
/* The profile that a document records as active. */
#pragma once

#include "plan_wanted.h"

/* What the document records as active, with its profile (NULL: unknown or none) and what that
 * wants. *ret_valid: false when it would be refused. 0, -ENOMEM. */
struct plan_active {
    struct plan_line line; /* merged: as the profile understands it */
    const struct vmx_profile *profile;
    bool valid;
    struct plan_wanted wanted;
};
int plan_active_read(const struct vmx_dict *dict, const struct vmx_around *around,
                     struct plan_active *ret);
void plan_active_done(struct plan_active *active);
