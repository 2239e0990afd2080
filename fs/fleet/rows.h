/* SPDX-License-Identifier: MIT */
/* Reading the tables of control files, whose columns are separated by TAB. */
#pragma once

#include "parser/text/buf.h"

/* Takes the next row; lines that begin with "#" are none. False: there is no other one. */
bool row_next(struct span *rest, struct span *ret);

/* A field, counted from 0; empty where the row has not so many. */
struct span row_field(struct span row, size_t number);

/* Whether .vmxfs/status says that the link is up. Who asks for more where it is not has it made, or
 * waits. */
bool status_is_up(struct span text);

/* Whether a field of several, with "," between them, has this one. */
bool row_lists(struct span field, struct span wanted);
