/* SPDX-License-Identifier: MIT */
/* What the files of libfuse's operations share. */
#pragma once

#include "internal.h"

static inline struct node *node_of(const struct vfs *vfs, fuse_ino_t id)
{
    return id == FUSE_ROOT_ID ? vfs->root : (struct node *)(uintptr_t)id;
}

static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
    return fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
}

/* r: 0 or -errno. */
void reply(fuse_req_t request, int r);

/* Makes the entry for what was found, with one lookup counted. -ENOMEM. */
int make_entry(struct vfs *vfs, struct node *dir, const char *name, const struct found *found,
               struct fuse_entry_param *ret);

/* An entry that did not reach the kernel is not known there. */
void take_back(struct vfs *vfs, fuse_ino_t id);

/* ---- ops_dir.c */

void op_opendir(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *fi);
void op_readdir(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset,
                struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset,
                    struct fuse_file_info *fi);
void op_releasedir(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *fi);
