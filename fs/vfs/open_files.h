/* SPDX-License-Identifier: MIT */
/*
 * A plain file that is open is what its handles show, not what its name leads to: that may be
 * another file by now. Such a file gets a node of its own, and the one before lives on without a
 * name for those who have it open.
 */
#pragma once

#include "internal.h"
#include "remote/files.h"

/* The handle, whose file is open, belongs to the node from now on. */
void open_files_add(struct vfs *vfs, struct node *n, struct handle *h);
void open_files_remove(struct vfs *vfs, struct node *n, struct handle *h);

/* A file that the node has open, not through the handle (may be NULL): a reference, or NULL. */
struct remote_file *open_files_any(struct vfs *vfs, struct node *n, const struct handle *except);
/* The same, open for writing. */
struct remote_file *open_files_writer(struct vfs *vfs, struct node *n);

/* What the handles of a node show, and whether it still has its name; where not, it has left the
 * table. -ENODATA: nobody has it open. */
int open_files_look(struct call *c, struct node *n, struct sftp_attrs *ret, bool *ret_named);

/* A file was opened by the name of the node. Whether those who have the node open have the same
 * file, as remote_file_open found; where not, the node has left the table. */
bool open_files_have_name(struct vfs *vfs, struct node *n);
