/* SPDX-License-Identifier: MIT */
/* Where the files of the user are who mounts. */
#pragma once

#include "parser/text/buf.h"

/* Appends the folder that a variable of the XDG base directories names, or in_home below the user's
 * home. -ENOMEM. */
int user_dirs_add(const char *variable, const char *in_home, struct buf *ret);

/* Appends where the history is kept if nobody says otherwise. -ENOMEM. */
int user_dirs_add_history(struct buf *ret);
