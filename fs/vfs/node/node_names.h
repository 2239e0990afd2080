/* SPDX-License-Identifier: MIT */
/*
 * Files with several names, which were linked through the mount (link(2)): the kernel has one
 * inode of such a file, with one number, one set of pages, and all that is open. Its path is that
 * of its first name; where that goes another one becomes the first. Names that others have linked
 * are not known, because SFTP shows no inodes: those are files of their own here.
 *
 * What a name means can be changed by others at any time. So before a file is opened, or changed by
 * name, all its names are compared, and a lookup of one compares it with the first. SFTP only shows
 * attributes: LSTAT of the first, the other and the first again tell them apart if both looks at
 * the first agree and the other differs, if only in the time of its last reading.
 */
#pragma once

#include "vfs/ops/request.h"
#include "node.h"

/* Copies of the paths of the names but the first. 0, -ENOMEM. */
int node_further_paths(struct vfs *vfs, struct node *n, char ***ret, size_t *ret_n);
void node_free_paths(char **paths, size_t n);

/* A name is about to be removed or replaced: a file that has others goes on under another. */
void names_step_aside(struct request *rq, struct node *dir, const char *name);

/* Looks whether a name still means the file that it was linked to; where not it is dropped. */
void names_check_one(struct request *rq, struct node *dir, const char *name);

/* Looks at all names of a file that is to be opened, or changed by name. 0; -ESTALE: some mean
 * another file by now, and were dropped: the kernel must look its name up anew; -errno. */
int names_check_all(struct request *rq, struct node *n);
