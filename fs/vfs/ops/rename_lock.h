/* SPDX-License-Identifier: MIT */
/* The rename of a directory waits for the changes below it, and they for it. */
#pragma once

#include "request.h"

/* A change to rq->nodes begins. folder: what it renames, if that is a directory; or NULL. 0,
 * -EINTR, -EIO. */
int rename_lock_enter(struct request *rq, struct node *folder);
void rename_lock_leave(struct request *rq);
