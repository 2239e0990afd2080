/* SPDX-License-Identifier: MIT */
/* Graphviz's DOT: text of others in it can neither end a label nor begin anything. */
#pragma once

#include <stddef.h>

#include "parser/text/buf.h"

/* Appends a label in its quotes, of so many lines. 0, -ENOMEM. */
int dot_add_label(struct buf *ret, const struct span *lines, size_t n);
