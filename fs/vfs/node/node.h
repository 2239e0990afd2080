/* SPDX-License-Identifier: MIT */
/*
 * A node is one name in the tree; its kind decides what can be done with it (kind.h). Nodes form a
 * tree by parent and name, so that a renamed folder takes all below it along. The kernel knows a
 * node by its address.
 */
#pragma once

#include <stdatomic.h>

#include <uthash.h>

#include "kind.h"
#include "vfs/key/key_pages.h"

struct file_pages;
struct handle;
struct key_state;
struct scratch;
struct vmx_file;

/* The directory that vmxfs adds to the root, and to each directory of settings, and the tree in the
 * former in which a .vmx is a file. */
#define CONTROL_NAME ".vmxfs"
#define PLAIN_NAME "plain"

/* A name of a file that has several (node_names.h), but the first of them. */
struct node_name {
    struct node *node, *parent;
    char *name;
    struct node_name *prev, *next; /* of the node */
    struct {
        struct node *parent;
        uint64_t name_hash;
    } key;
    UT_hash_handle hh;
};

struct node {
    /* A rename can turn a scratch file into a key and back. */
    const struct node_ops *_Atomic ops;
    const void *_Atomic detail; /* see struct found */
    _Atomic uint64_t ino;       /* st_ino: the same after a remount */
    char *target;               /* the remote path, where a link led here (struct found); or NULL */
    /* Protected by vfs->lock, as all below: a rename changes them. The names in folders that vmxfs
     * makes up stay, and so does the parent of a setting: those are read without it. */
    char *name;
    struct node *parent;
    struct node *children, *prev, *next;
    struct node *link_prev, *link_next; /* in vfs->by_links, if it has a target */
    uint64_t lookups;                   /* the kernel's */
    unsigned refs;                      /* children, pins and running requests */
    bool in_table;
    struct node_name *further_names; /* of a plain file */
    bool stray;                      /* its number is kept (inode_number.h) */
    struct key_state *keys;          /* of a directory of settings: those that are being written */
    struct scratch *scratches;       /* of such a directory, and of its .vmxfs */
    struct vmx_file *vmx_file;       /* of a .vmx as a file */
    struct last_attrs *last_attrs; /* of what is on the server: what the kernel was told; or NULL */
    struct handle *open_files;     /* of a plain file (open_files.h) */
    struct key_pages key_pages;    /* of a key: what the kernel keeps of it */
    struct file_pages *file_pages; /* of a plain file, once it was opened: the same; or NULL */
    struct {
        struct node *parent;
        uint64_t name_hash;
    } key;
    UT_hash_handle hh;
};

/* The node of a name, made if need be, with one lookup (lookup true) and one reference more. NULL:
 * no memory. A node of another kind under that name is left to those that hold it. */
struct node *node_take(struct vfs *vfs, struct node *dir, const char *name,
                       const struct found *found, bool lookup);
/* The node that is known under a name, or NULL. */
struct node *node_child(struct vfs *vfs, struct node *dir, const char *name) REQUIRES(vfs->lock);
/* The node that is known under a name, with a reference more, or NULL. */
struct node *node_find(struct vfs *vfs, struct node *dir, const char *name);
void node_unref(struct vfs *vfs, struct node *n); /* accepts NULL */
void node_unref_locked(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);
void node_forget(struct vfs *vfs, struct node *n, uint64_t lookups);
/* A file gets one more name. 0; -ENOMEM; -ESTALE: it has lost its name. */
int node_add_name(struct vfs *vfs, struct node *n, struct node *dir, const char *name);
/* The same name, of a file that has others, is not its first any more. False: it has no others. */
bool node_swap_names(struct vfs *vfs, struct node *n, struct node *dir, const char *name);
/* How many names are known of it; 0: it has lost its name. */
unsigned node_count_names(struct vfs *vfs, struct node *n);
/* A name is none of its node's any more: the next lookup makes a new one. */
void node_detach(struct vfs *vfs, struct node *dir, const char *name);
/* The same of a key's node, whose inode the kernel shall not open any more. */
void node_retire(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);
/* The same of all names of a node: they are another's from now on, or nobody's. */
void node_lose_name(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);
/* The node of a name becomes what found says. */
void node_become(struct vfs *vfs, struct node *dir, const char *name, const struct found *found);
/* Gives the node of a name another parent and name; what was there is detached. */
void node_move(struct vfs *vfs, struct node *dir, const char *name, struct node *new_dir,
               const char *new_name);
/* A copy of its name. NULL: no memory. */
char *node_name(struct vfs *vfs, struct node *n);
/* Whether a name means the node: none was removed, replaced or detached from it. */
bool node_has_name(struct vfs *vfs, struct node *n);

/* Frees all nodes, whoever held them: at the end. */
void node_free_all(struct vfs *vfs);

static inline uint64_t node_id(const struct vfs *vfs, const struct node *n)
{
    return n == vfs->root ? FUSE_ROOT_ID : (uint64_t)(uintptr_t)n;
}
