/* SPDX-License-Identifier: MIT */
#pragma once

#include "buf.h"

/* How many edits lead from one text to the other: a byte that is added, left out or another one, or
 * two neighbours that change places (but none of the two is edited again). at_most + 1 where it
 * takes more than at_most, of which the time that this takes is a power. */
size_t edit_distance(struct span a, struct span b, size_t at_most);
