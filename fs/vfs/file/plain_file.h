/* SPDX-License-Identifier: MIT */
/* The files of the server that are not a .vmx, and its links. */
#pragma once

#include "remote/file/files.h"
#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

/* The plain file under a name, if somebody has it open: what it shows to him. -ENODATA: it is to be
 * looked up on the server. */
int file_lookup_open(struct request *rq, struct node *dir, const char *name, struct found *ret);

/* How a file is opened on the server for a handle. */
uint32_t file_open_flags(const struct handle *h);

/* Has the server copy into a file that is open for writing, from another one that is open: *ret
 * bytes. -EOPNOTSUPP: it is to be read and written. */
int file_copy(struct request *rq, struct node *n, struct handle *h, off_t offset,
              struct remote_file *from, off_t from_offset, size_t size, uint64_t *ret);

/* A file was created, or opened in place of that, under a name: a node that has the name and is
 * another file leaves the table. made: the server said that there was none. */
void file_found_created(struct vfs *vfs, struct node *dir, const char *name, bool made);
/* The node is there, and the handle with its file is the node's from now on. */
void file_created(struct vfs *vfs, struct node *n, struct handle *h);
