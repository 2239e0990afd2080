/* SPDX-License-Identifier: MIT */
/* The attributes of what has a path on the server. */
#pragma once

#include "vfs/node/node.h"
#include "vfs/ops/request.h"

/* As in struct node_ops, of what is at the node's path. */
int server_getattr(struct request *rq, struct node *n, struct found *ret);
int server_setattr(struct request *rq, struct node *n, struct handle *h, const struct stat *st,
                   int valid);

/* Sets attributes at a path. valid: FUSE_SET_ATTR_*. 0; -EROFS, ...: it is not noted. */
int server_set_attrs(struct request *rq, const char *path, const struct stat *st, int valid);

/* What the server is to be sent, given what it has now, and whether that must be known first. */
struct sftp_attrs server_attrs_wanted(const struct stat *st, int valid,
                                      const struct sftp_attrs *now);
bool server_attrs_need_now(int valid);
