/* SPDX-License-Identifier: MIT */
/* What differs between two versions of an object, as packs of git hold it. */
#pragma once

#include "parser/text/buf.h"

/* Appends the delta that makes target of base: what both begin and end with is copied, what is
 * between stands in it. That is all there is to one edit of a text, and of a tree. -ENOMEM. */
int delta_add(struct span base, struct span target, struct buf *ret);

/* Appends a size as deltas have it. */
int delta_add_size(struct buf *ret, size_t n);
