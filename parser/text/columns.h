/* SPDX-License-Identifier: MIT */
/* Text on a line that has room for so many characters: each takes a column, as does each byte that
 * belongs to none. */
#pragma once

#include "text.h"

#define COLUMNS_CUT "..." /* stands for what is cut */

size_t columns_of(struct span text);

/* The bytes of the first column of a text that is not empty. */
size_t columns_first(struct span text);

/* Appends one line's text, made safe (safe_text.h), and valid UTF-8. -ENOMEM. */
int columns_add_clean(struct buf *ret, struct span text);

/* Appends a text, or as much of it as so many columns have room for, at least 3, with "..." behind
 * it. -ENOMEM. */
int columns_add_cut(struct buf *ret, struct span text, size_t columns);
