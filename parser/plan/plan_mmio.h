/* SPDX-License-Identifier: MIT */
/*
 * The size of the 64-bit MMIO range. A profile brings one that is enough for most cards. Where the
 * line does not say how large it is to be, a larger one that somebody has set stays.
 */
#pragma once

#include "plan_wanted.h"

/* Makes wanted, which is all that the profile wants, keep the larger size. 0, -ENOMEM. */
int plan_mmio_keep(const struct plan_on *on, struct pairs *wanted);

/* Whether this is the key of that size. */
bool plan_mmio_is_size(struct span key);

/* Adds a line for people where the larger size stays (notes may be NULL). *ret_since: it was set
 * since the profile was applied, and is none of the profile's. 0, -ENOMEM. */
int plan_mmio_note(const struct plan_on *on, struct buf *notes, bool *ret_since);
