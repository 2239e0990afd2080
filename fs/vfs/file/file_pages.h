/* SPDX-License-Identifier: MIT */
/*
 * Which pages of plain files the kernel may keep over an open: those that were read of the version
 * that the server still has, as far as SFTP's times can tell. Pages that were read within RACY_MS
 * of the first sight of a time (remote/cache/document.h) may be of an earlier version with the same
 * time and size.
 *
 * An open that keeps nothing begins anew; what is read through it and those after it is kept,
 * unless something else can still bring in old data: a handle that was open before (it reads
 * ahead), or a writer, whose data may not have reached the server.
 *
 * A handle that only writes needs no pages, and bypasses them if nobody else has the file open.
 * Every open before all such handles are closed then bypasses them too: nobody has pages that such
 * a write does not change.
 */
#pragma once

#include "vfs/node/handle.h"
#include "vfs/node/node.h"

/* A plain file was opened while it had these attributes; NULL: unknown. Sets h->keep and h->direct,
 * which may have been set before. */
void file_pages_open(struct vfs *vfs, struct node *n, const struct sftp_attrs *attrs,
                     struct handle *h);
/* A read comes for the handle. */
void file_pages_read(struct vfs *vfs, struct node *n, const struct handle *h);
void file_pages_close(struct vfs *vfs, struct node *n, struct handle *h);
