/* SPDX-License-Identifier: MIT */
/*
 * Inode numbers. A number is made from the path, so that it is the same after a remount, but
 * belongs to what is on the server: it goes along with a rename, and stays with a plain file whose
 * name another one has taken, as long as the kernel knows the node, and a moment longer
 * (RECENT_KNOWN in recent.h). What comes to be at the old path gets another number then; programs
 * know by the number that a log was rotated.
 */
#pragma once

#include "node.h"

/* The node's number is not the one of its path any more, and nobody else's from now on. */
void inode_number_keep(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);
/* The node goes, or gets another number. */
void inode_number_drop(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);
/* The number for a new node whose path gives ino. */
uint64_t inode_number_free(struct vfs *vfs, uint64_t ino) REQUIRES(vfs->lock);

/* FNV-1a, 64 bits. */
uint64_t hash_of(struct span bytes);

/* The number of a name in a directory; of settings all spellings of ASCII letters have the same. */
uint64_t node_ino(const struct node *dir, const char *name);

/* The number of what has a remote path, in the tree that dir is in. */
uint64_t node_path_ino(struct vfs *vfs, struct node *dir, const char *path);
