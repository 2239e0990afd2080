/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/journal.h"
#include "parser/profile/profile.h"

/* Adds the profiles found in a colon-separated list of directories. A broken one, or a directory
 * that cannot be read, is noted in the journal and left out. 0, -ENOMEM. */
int profiles_load(const char *dirs, struct vmx_profiles *profiles, struct journal *journal);
