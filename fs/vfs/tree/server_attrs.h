/* SPDX-License-Identifier: MIT */
/* The attributes of what has a path on the server. */
#pragma once

#include "remote/file/files.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

/* The attributes of what has attrs on the server; a .vmx is a directory, where as_dir is set. 0;
 * -EPERM, noted: its owner is none that can be shown. */
int server_show(struct request *rq, const char *path, const struct sftp_attrs *attrs, bool as_dir,
                struct stat *ret);

/* As in struct node_ops, of what is at the node's path; a .vmx is a directory. */
int server_getattr(struct request *rq, struct node *n, struct found *ret);
int server_setattr(struct request *rq, struct node *n, struct handle *h, const struct stat *st,
                   int valid);

/* The same of a link itself, as far as the server can: without that, times are left alone. */
int server_set_link_attrs(struct request *rq, struct node *n, struct handle *h,
                          const struct stat *st, int valid);

/* Sets attributes of an open file, or (NULL) of what is at a path. valid: FUSE_SET_ATTR_*. 0;
 * -EROFS, ...: it is not noted. */
int server_set_attrs(struct request *rq, const char *path, struct remote_file *file,
                     const struct stat *st, int valid);
