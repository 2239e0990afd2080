/* SPDX-License-Identifier: MIT */
/* The settings that a profile wants, as pairs of key and value; whether a document has them. */
#pragma once

#include "plan_line.h"

/* On what a plan is made. */
struct plan_on {
    const struct vmx_dict *dict;
    const struct vmx_around *around;
    const struct vmx_profile *profile;
    const struct plan_line *line;
    bool ask; /* the host about the device; otherwise it is what was recorded */
};

int plan_wanted_set(struct pairs *wanted, struct span key, struct span value);
const struct pair *plan_wanted_find(const struct pairs *wanted, struct span key);

/* True when the document has the setting. 0, -ENOMEM. */
int plan_holds(const struct vmx_dict *dict, const struct pair *setting, bool *ret);
int plan_all_hold(const struct vmx_dict *dict, const struct pairs *wanted, bool *ret);

/* Whether the document records the same profile with the same value of the parameter. 0, -ENOMEM.
 */
int plan_is_recorded(const struct plan_on *on, struct span name, bool *ret);
