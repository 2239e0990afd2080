/* SPDX-License-Identifier: MIT */
/* What the kernel was told last of what is on the server: for access(2), and for while the link is
 * down. */
#pragma once

#include "vfs/node/node.h"
#include "vfs/ops/request.h"

struct last_attrs {
    struct stat st;
    int64_t true_at; /* as in struct found */
};

/* Before the reply. False: the node is an open file by now, and what was found by its name may be
 * another one; it is to be looked at anew. */
bool last_attrs_remember(struct request *rq, struct node *n, const struct found *found);

/* What the kernel was told of a node, if it may still trust that; any_age: also if it may not.
 * False: nothing. */
bool last_attrs_still(struct vfs *vfs, struct node *n, bool any_age, struct stat *ret);

/* What is remembered in place of an error. 0, or r: there is nothing, or no need to. */
int last_attrs_recall(struct vfs *vfs, struct node *n, int r, struct stat *ret);
int last_attrs_recall_name(struct vfs *vfs, struct node *dir, const char *name, int r,
                           struct found *ret);
/* The same of a directory that is gone, for those who have it open: it has no name any more. 0;
 * -ENOENT: nobody has. */
int last_attrs_of_removed(struct vfs *vfs, struct node *n, struct stat *ret);

/* Whether the kernel was told this size last, in bytes. */
bool last_attrs_size_is(struct vfs *vfs, const struct node *n, uint64_t size);

/* 0, or the errno that the kernel is told instead. */
int last_attrs_check_type(struct vfs *vfs, struct node *n, const struct stat *st);
