/* SPDX-License-Identifier: MIT */
/* The unified diff of two texts, line by line, with three lines of context, as "patch" reads it. */
#pragma once

#include "buf.h"

/* Appends nothing when the texts are equal. 0, -ENOMEM. */
int vmx_diff(struct span before, struct span after, const char *before_name, const char *after_name,
             struct buf *ret);
