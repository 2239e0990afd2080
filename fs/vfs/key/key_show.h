/* SPDX-License-Identifier: MIT */
/* What the file of a setting shows: its value and a newline, or the draft that is being written. */
#pragma once

#include "key_at.h"

/* Size of what the file shows, in bytes; -ENOENT: there is no such file. */
off_t key_shown_size(struct request *rq, struct node *dir, const struct key_at *at);

/* Its attributes. 0, -ENOENT. */
int key_attr(struct request *rq, struct node *dir, const struct key_at *at, struct stat *st);

/* Appends what it shows: what is being written to it, or as key_text. 0, -ENOENT, -ENOMEM. */
int key_current_text(struct request *rq, struct node *dir, const struct key_at *at,
                     struct buf *ret);
