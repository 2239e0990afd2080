/* SPDX-License-Identifier: MIT */
/* The replies to requests, and the entries that some of them bring. */
#pragma once

#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

static inline struct node *node_of(const struct vfs *vfs, fuse_ino_t id)
{
    return id == FUSE_ROOT_ID ? vfs->root : (struct node *)(uintptr_t)id;
}

static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
    return fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
}

enum { LOOKS_MAX = 4 /* at what is opened just then (last_attrs.c) */ };

/* r: 0 or -errno. */
void reply(fuse_req_t req, int r);

/* The same of a change, whose refusal is in the journal by then. n, name: as refuse_rest. */
void reply_change(struct request *rq, struct node *n, const char *name, int r);

/* Fills in what belongs to the node, and not to the file on the server: its number, and how many
 * names are known of it. */
void attr_of_node(struct vfs *vfs, struct node *n, struct stat *st);

/* Makes the entry for what was found, with one lookup counted. 0, -ENOMEM; 1: it is an open file by
 * now, which may be another one than what was found by the name. */
int make_entry(struct request *rq, struct node *dir, const char *name, const struct found *found,
               struct fuse_entry_param *ret);

/* Looks a name up and makes its entry. 0 or -errno, and there is none. */
int look_up(struct request *rq, struct node *dir, const char *name, struct fuse_entry_param *ret);

/* r: 0, or what to say instead of the entry. */
void reply_entry(struct request *rq, int r, const struct fuse_entry_param *entry);

/* The kernel forgets a node, perhaps because it is to look up all names anew (notify_names). What
 * its path does not tell is kept for when the name's turn comes, but pushes nothing else out. */
void forget_entry(struct vfs *vfs, struct node *n, uint64_t lookups);

/* An entry that did not reach the kernel is not known there. */
void take_back(struct vfs *vfs, fuse_ino_t id);
