/* SPDX-License-Identifier: MIT */
/* Writing to the file of a setting: as in struct node_ops, where nothing else is said. */
#pragma once

#include "key_at.h"
#include "vfs/node/handle.h"

/* Whether the setting's .vmx may be written. 0, -EROFS, -EPERM; the refusal is noted. */
int key_may_write(struct request *rq, const struct key_at *at, const char *name);

/* Makes the handle a writer. flags: of open(2). */
int key_open_to_write(struct request *rq, struct node *n, int flags, struct handle *h);

int key_write(struct request *rq, struct node *n, struct handle *h, off_t offset, struct span data);
int key_setattr(struct request *rq, struct node *n, struct handle *h, const struct stat *st,
                int valid);
int key_flush(struct request *rq, struct node *n, struct handle *h);
int key_fsync(struct request *rq, struct node *n, struct handle *h);
void key_drop(struct request *rq, struct node *n, struct handle *h);
void key_release(struct request *rq, struct node *n, struct handle *h);

/* Takes back that an open has truncated or created the draft, where its caller is told that it
 * failed. */
void key_uncreate(struct request *rq, struct node *dir, struct handle *h);
