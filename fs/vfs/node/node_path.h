/* SPDX-License-Identifier: MIT */
/* Paths of nodes, and nodes of paths. */
#pragma once

#include "node.h"
#include "vfs/ops/request.h"

/* The remote path of a node. NULL: no memory. */
char *node_path(struct vfs *vfs, struct node *n);
/* Appends it with a slash behind each name. 0, -ENOMEM. */
int node_add_path(struct vfs *vfs, const struct node *n, struct buf *ret) REQUIRES(vfs->lock);
/* The remote path of a name below it. */
char *node_child_path(struct vfs *vfs, struct node *dir, const char *name);
/* The node at a remote path in the main tree (plain false) or below .vmxfs/plain, with a reference
 * more; NULL if the kernel does not know it. */
struct node *node_at(struct vfs *vfs, const char *path, bool plain);
/* Calls back for each node that shows what is at a remote path: in the main tree, below
 * .vmxfs/plain, and by links that are followed. With vfs->lock held; they must stay in the table.
 */
void node_each_at(struct vfs *vfs, const char *path,
                  void (*see)(struct vfs *vfs, struct node *n, void *ctx), void *ctx);
/* The directory of settings that a node is in (or is). */
struct node *vmx_above(struct vfs *vfs, struct node *n);

/* Its path, the caller's to free. NULL: there is none, or no memory. */
char *vmx_path_above(struct request *rq, struct node *n);

/* Appends a path of the server's as people write it: the mountpoint, then the names that are shown.
 * 0, -ENOMEM. */
int path_add_mounted(struct request *rq, const char *path, struct buf *ret);
/* Whether the node is below .vmxfs/plain. */
bool node_is_plain(struct vfs *vfs, struct node *n);
