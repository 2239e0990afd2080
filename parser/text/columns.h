/* SPDX-License-Identifier: MIT */
/* Text on a line that has room for so many characters: each takes a column, as does each byte that
 * belongs to none. */
#pragma once

#include "text.h"

size_t columns_of(struct span text);

/* Appends one line's text, made safe (safe_text.h), and valid UTF-8. -ENOMEM. */
int columns_add_clean(struct buf *ret, struct span text);

/* Appends a text, or as much of it as so many columns have room for, at least 3, with "..." behind
 * it. -ENOMEM. */
int columns_add_cut(struct buf *ret, struct span text, size_t columns);
