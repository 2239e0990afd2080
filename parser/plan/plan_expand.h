/* SPDX-License-Identifier: MIT */
/* What a setting of a profile is for one document: its parameters, its value, its [when]. */
#pragma once

#include "plan_wanted.h"

/* A parameter as it counts for this document: given, or else the default; cpu=auto decided where
 * that is possible. *ret borrows from the arguments. 0, -ENOENT (not declared), -ENOMEM. */
int plan_param(const struct plan_on *on, struct span name, struct span *ret);

/* Puts the parameters and settings that the value names in their place. 0, -EINVAL, -ENOMEM. */
int plan_expand(const struct plan_on *on, const struct profile_setting *setting, struct buf *ret,
                struct diag *diag);

/* Whether a setting's [when] is met; *ret_known: false for cpu=auto that nothing decides. 0,
 * -ENOMEM. */
int plan_when(const struct plan_on *on, const struct profile_setting *setting, bool *ret,
              bool *ret_known);
