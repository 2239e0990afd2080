/* SPDX-License-Identifier: MIT */
/* What the parsers of commands' output share: lines, fields, numbers. */
#pragma once

#include "parser/text/buf.h"

/* Takes the next line off the front, without its end (LF or CR LF). Lines with a NUL in them are
 * passed over: no command prints one. False when there is none left. */
bool line_next(struct span *rest, struct span *ret);

/* "   Name: value" of esxcli: an indented name up to the first colon; the value may be empty and
 * hold colons. False for any other line. */
bool line_field(struct span line, struct span *ret_name, struct span *ret_value);

/* Takes a number off the front, with no sign and no prefix. False if there is none, or it is above
 * max. */
bool line_number(struct span *rest, unsigned base, unsigned long max, unsigned long *ret);

/* Takes exactly these bytes off the front. */
bool line_skip(struct span *rest, struct span what);

/* Where a column of a table begins in a row, counted in bytes or in characters of UTF-8, where a
 * byte of none counts as one; the row's end if it is not that long. */
size_t line_place(struct span row, size_t at, bool chars);
