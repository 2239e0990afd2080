/* SPDX-License-Identifier: MIT */
/* A device, resolved to the settings that pass it. */
#pragma once

#include "parser/plan/plan_wanted.h"

/* Adds what it takes to pass the device at that address. Where the host is asked: all functions of
 * it, as the host says them. Otherwise as the line and the document say it: what was recorded when
 * it was applied, also of other functions. 0, -EINVAL, -ENOMEM. */
int device_want(const struct plan_on *on, struct span device, struct pairs *wanted,
                struct diag *diag);
