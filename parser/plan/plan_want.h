/* SPDX-License-Identifier: MIT */
/* A profile and a line, resolved to the settings that they want of one document. */
#pragma once

#include "plan_wanted.h"

/* Adds what the profile wants of this document. 0; -EINVAL (a requirement is not met, ${NAME} names
 * nothing, a value has the wrong type, a device is refused); -ENOMEM. */
int plan_want(const struct plan_on *on, struct pairs *wanted, struct diag *diag);
