/* SPDX-License-Identifier: MIT */
/*
 * Trees of git, changed where they are stored: as the bytes "MODE NAME\0ID", sorted. A folder with
 * 500 entries has 20 KB, of which a change of one file changes 20 bytes.
 */
#pragma once

#include "objects.h"

/* The blob at a path; a tree of zeros is an empty one. 0, -ENOENT: no file is there, -EIO. */
int tree_get(const struct objects *objects, const git_oid *tree, const char *path, git_oid *ret);

struct tree_change {
    const char *path;
    git_oid blob; /* zeros: it is not to be there */
};

/* Makes the tree with these changes, which are sorted by strcmp(3). Folders are made as needed, and
 * go with their last entry; a file in the place of a folder on the way goes too, and a folder in
 * the place of the file. *ret is all zeros if nothing is left. 0, -EIO, -ENOMEM. */
int tree_set(struct objects *objects, const git_oid *tree, const struct tree_change *changes,
             size_t n, git_oid *ret);
