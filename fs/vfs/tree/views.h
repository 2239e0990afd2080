/* SPDX-License-Identifier: MIT */
/* The nodes that show one file: in the main tree, below .vmxfs/plain, by links that are followed.
 */
#pragma once

#include "vfs/node/node.h"

/* A name in a directory of the server means something else from now on, or nothing, and the kernel
 * knows it of this directory alone: it shall look the name up anew wherever else it is shown. */
void views_renew(struct vfs *vfs, struct node *dir, const char *name);

/* A plain file was changed through this node: the kernel shall ask the other nodes that show it for
 * their attributes. Anything else is left alone. */
void views_changed(struct vfs *vfs, struct node *n);
