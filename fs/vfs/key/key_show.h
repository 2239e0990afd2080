/* SPDX-License-Identifier: MIT */
/* What the file of a setting shows: its value and a newline, or the draft that is being written. */
#pragma once

#include "key_at.h"

/* The attributes of the file. 0; -ENOENT: there is none. */
int key_attr(struct request *rq, struct node *dir, const struct key_at *at, struct stat *st);

/* Appends what it shows: what is being written to it, or the value and a newline. 0, -ENOENT,
 * -ENOMEM. */
int key_current_text(struct request *rq, struct node *dir, const struct key_at *at,
                     struct buf *ret);
