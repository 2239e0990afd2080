/* SPDX-License-Identifier: MIT */
/* Taking back what a profile has set. */
#pragma once

#include "plan_wanted.h"

/* Adds the edits that take back every saved key that is not in keep (NULL: all of them) and
 * forget it. now: what the profile wants at present, which is ours too. 0, -ENOMEM. */
int plan_restore(const struct vmx_dict *dict, const struct pairs *keep, const struct pairs *now,
                 struct vmx_edits *edits, struct buf *notes);
