/* SPDX-License-Identifier: MIT */
/*
 * Names of git. What a tree or a branch may not hold is written as %XX, and the sign % itself too,
 * so that each name has one form and each form means one name.
 */
#pragma once

#include "parser/text/buf.h"

/* Appends a path of the tree: each component of path, without empty ones. -ENOMEM. */
int names_add_path(struct buf *ret, struct span path);

/* Appends one component. -ENOMEM. */
int names_add_component(struct buf *ret, struct span name);

/* Appends the name that names_add_path has written, as it was. -ENOMEM. */
int names_decode(struct buf *ret, struct span encoded);

/* Appends one component of a branch's name. -ENOMEM. */
int names_add_branch(struct buf *ret, struct span name);
