/* SPDX-License-Identifier: MIT */
/* Files that live in memory only. */
#pragma once

#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

struct scratch {
    struct buf bytes;
    bool is_link; /* a symbolic link (emacs' lock): bytes are its target */
    mode_t mode;
    int64_t changed_s;
    const struct node *removed; /* the node that is left of it: it has no name any more; or NULL */
    struct scratch *prev, *next;
    char name[256];
};

/* Whether a name, or the way a file is created, says that it is an editor's helper. */
bool scratch_is_name(const char *name);
bool scratch_is_create(mode_t mode, int flags);

int scratch_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret);
int scratch_list(struct request *rq, struct node *dir, struct dir_names *ret);
int scratch_create(struct request *rq, struct node *dir, const char *name, mode_t mode,
                   struct found *ret);
int scratch_symlink(struct request *rq, struct node *dir, const char *name, const char *target,
                    struct found *ret);
/* Removes one; those that have it open keep it. -ENOENT: there is none of this name. */
int scratch_unlink(struct request *rq, struct node *dir, const char *name);
/* One whose bytes are elsewhere now, with all that have it open. */
void scratch_drop(struct request *rq, struct node *dir, const char *name);
int scratch_rename(struct request *rq, struct node *dir, const char *name, const char *new_name);
/* Makes one with this content, replacing one of the same name. */
int scratch_put(struct request *rq, struct node *dir, const char *name, struct span bytes);
/* Frees those of a directory, with it. */
void scratches_free(struct vfs *vfs, struct node *dir) REQUIRES(vfs->lock);
/* Removes those of a directory that was removed, to which the caller holds a reference. */
void scratches_remove(struct vfs *vfs, struct node *dir);
/* Appends the content. -ENOENT: none of this name. */
int scratch_content(struct request *rq, struct node *dir, const char *name, struct buf *ret);
