/* SPDX-License-Identifier: MIT */
/*
 * A plain file that is open is what its handles show, not what its name leads to: that may be
 * another file by now. Such a file gets a node of its own, and the one before lives on without a
 * name for the handles that have it open.
 *
 * The kernel reads no further than the size that it knows, which it may have been told of another
 * file with the name. The kernel takes an answer for old if the question came before a notice
 * (notify_attributes), and reads on with what it knows. So an open of a file that nobody has open
 * makes the kernel ask again, before there is a handle to read with; from then on the kernel is
 * told what the handles show (last_attrs_remember).
 */
#pragma once

#include "remote/file/files.h"
#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

/* The handle, whose file is open, belongs to the node from now on. -ESTALE: the handle does not
 * belong to the node, because others have the node open, and that is another file. If the file has
 * lost its name, so has the node. */
int open_files_add(struct vfs *vfs, struct node *n, struct handle *h);
/* The same of a file that was opened with a node of its own. */
void open_files_adopt(struct vfs *vfs, struct node *n, struct handle *h);

/* The attributes for the kernel's next question: those that a handle showed when it was opened just
 * now, if nothing was done to the file since. */
bool open_files_as_opened(struct request *rq, struct node *n, struct sftp_attrs *ret,
                          int64_t *ret_true_at);

void open_files_remove(struct vfs *vfs, struct node *n, struct handle *h);

/* A file that the node has open: a reference, or NULL. */
struct remote_file *open_files_any(struct vfs *vfs, struct node *n);
/* The same, one that can be read, or written, or both. */
struct remote_file *open_files_with(struct vfs *vfs, struct node *n, bool reads, bool writes);

/* What the handles of a node show, and whether it still has its name; where not, it has left the
 * table. That is known on errors, too, but for -ENODATA: nobody has it open. */
int open_files_look(struct request *rq, struct node *n, struct sftp_attrs *ret, bool *ret_named);

/* A file was opened by the name of the node. If the handles of the node have another one, as
 * remote_file_open found, the node leaves the table. */
void open_files_check_name(struct vfs *vfs, struct node *n);
