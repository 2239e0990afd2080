/* SPDX-License-Identifier: MIT */
/* The settings that a profile wants: a list, and whether a document has them. */
#pragma once

#include "plan_line.h"

struct plan_setting {
    struct buf key, value;
};

struct plan_wanted {
    struct plan_setting *items;
    size_t n;
};

/* On what a plan is made. */
struct plan_on {
    const struct vmx_dict *dict;
    const struct vmx_around *around;
    const struct vmx_profile *profile;
    const struct plan_line *line;
    bool ask; /* the host about the device; otherwise it is what was recorded */
};

void plan_wanted_done(struct plan_wanted *wanted);
int plan_wanted_set(struct plan_wanted *wanted, struct span key, struct span value);
const struct plan_setting *plan_wanted_find(const struct plan_wanted *wanted, struct span key);

/* True when the document has the setting. 0, -ENOMEM. */
int plan_holds(const struct vmx_dict *dict, const struct plan_setting *setting, bool *ret);
int plan_all_hold(const struct vmx_dict *dict, const struct plan_wanted *wanted, bool *ret);

/* Whether the document records the same profile with the same value of the parameter. 0, -ENOMEM.
 */
int plan_is_recorded(const struct plan_on *on, struct span name, bool *ret);
