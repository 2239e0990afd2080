/* SPDX-License-Identifier: MIT */
/*
 * A .vmx as one file: .vmxfs/raw, every .vmx below .vmxfs/plain, and a NAME.vmx that is being
 * created as a file, until its last close. The written text replaces the whole file, at flush or
 * fsync, if it is not worse than the text that was there.
 */
#pragma once

#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

/* The file at path (remote) as a node; *ret_true_at as in struct found. -ENOENT, -EMEDIUMTYPE. */
int vmx_file_lookup(struct request *rq, const char *path, struct found *ret);

/* The mode of raw is not the file's own. */
void vmx_file_raw_mode(const struct vfs *vfs, struct stat *st);

/* Makes and opens one that is not there yet; h->node as with node_ops.create. */
int vmx_file_create(struct request *rq, struct node *dir, const char *name, mode_t mode,
                    struct handle *h, struct found *ret);

/* The size that a writer of a file sees. */
void vmx_file_own_size(struct request *rq, const struct handle *h, struct stat *st);

/* Whether a node is a file that is being created: it has a writer, and had no document before.
 * Waits for the release of one that has just been closed: the kernel sends it behind the back of
 * close(2), and the program that closed the file may look its name up first. A copy of the
 * descriptor that stays open is not waited for longer than a moment. */
bool vmx_file_is_staged(struct request *rq, struct node *n);

/* Replaces (or creates) the file at path by text in one commit: text is that of the file that was
 * renamed onto it. n: its node, or NULL; a caller that has just read it there is taken to have made
 * the text from that. */
int vmx_file_install(struct request *rq, const char *path, struct node *n, struct span text,
                     struct diag *diag);
