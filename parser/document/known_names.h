/* SPDX-License-Identifier: MIT */
/*
 * The names of settings that VMware is known to have, in ESXi, Workstation and Fusion: those of
 * real files, and of what is published. There are others: a name that is not here may be right.
 * Numbers stand for any other (folded_name.h). A last "*" stands for all that follows, in families
 * whose names users make up, nobody types, or nobody has listed.
 */
#pragma once

#include <stddef.h>

enum { KNOWN_NAME_MAX = 64 }; /* bytes; no name here is longer */

/* In the order of their folded forms (as strcmp has it), each of which occurs once. */
extern const char *const known_names[];
extern const size_t n_known_names;
