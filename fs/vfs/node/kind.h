/* SPDX-License-Identifier: MIT */
/* The kinds of nodes: what a name in the tree is, and what can be done with it. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "parser/text/buf.h"
#include "vfs/fuse_library.h"

struct dir_names;
struct handle;
struct node;
struct request;
struct vfs;

/* What a node is. */
enum node_kind {
    KIND_NONE,     /* of what was not found */
    KIND_DIR,      /* a directory of the server */
    KIND_FILE,     /* a plain file of the server */
    KIND_LINK,     /* a link of the server */
    KIND_VMX_DIR,  /* a .vmx in the main tree: the directory of its settings */
    KIND_VMX_FILE, /* a .vmx below .vmxfs/plain, and raw: the whole text */
    KIND_SETTING,
    KIND_SCRATCH, /* an editor's helper beside the settings */
    KIND_SCRATCH_LINK,
    KIND_CONTROL, /* a file whose content is made, and whose text is a command */
    KIND_FOLDER,  /* .vmxfs, and a directory in it */
};

/* What a lookup found, before it has a node; or a look at a node. */
struct found {
    const struct node_ops *ops;
    int64_t true_at; /* clock_ms() as of which it is true: the kernel may trust it as long as
                        what is left of the cache timeout; 0: not at all */
    struct stat st;  /* st_ino is filled in by the caller */
    char name[NAME_MAX + 1]; /* its own, where it was found by another one; or "" */
    bool followed;           /* it was found by a link that is shown as what it leads to: ... */
    char target[PATH_MAX];   /* ... that has this remote path */
    bool fresh;              /* a directory of settings that was just made */
    bool written;            /* it is opened for writing with it */
    const void
        *detail; /* of a control: struct control; of a folder, and of the root: struct folder */
};

/* All return 0 or -errno. A missing function means -EPERM, or what the comment says. */
struct node_ops {
    enum node_kind kind;
    mode_t type; /* S_IFDIR, S_IFREG, S_IFLNK */
    bool named;  /* its name is part of the remote path */
    bool plain;  /* it is the top of .vmxfs/plain: in the tree below it a .vmx is a file */

    /* Fills in its attributes and when they were true. */
    int (*getattr)(struct request *rq, struct node *n, struct found *ret);
    /* handle may be NULL. valid: FUSE_SET_ATTR_*. Missing: accepted and ignored. */
    int (*setattr)(struct request *rq, struct node *n, struct handle *h, const struct stat *st,
                   int valid);

    /* Directories. */
    int (*lookup)(struct request *rq, struct node *dir, const char *name, struct found *ret);
    int (*list)(struct request *rq, struct node *dir, struct dir_names *ret);
    /* Makes and opens a regular file. The node is new, or there already (O_EXCL was checked). One
     * that carries state from now on is left in h->node, with a reference for the caller. */
    int (*create)(struct request *rq, struct node *dir, const char *name, mode_t mode, int flags,
                  struct handle *h, struct found *ret);
    int (*mkdir)(struct request *rq, struct node *dir, const char *name, mode_t mode,
                 struct found *ret);
    int (*symlink)(struct request *rq, struct node *dir, const char *name, const char *target,
                   struct found *ret);
    int (*link)(struct request *rq, struct node *n, struct node *dir, const char *name,
                struct found *ret); /* n gets one more name */
    int (*unlink)(struct request *rq, struct node *dir, const char *name);
    int (*rmdir)(struct request *rq, struct node *dir, const char *name);
    /* Within one directory, or between two whose ops are the same; else -EXDEV. */
    int (*rename)(struct request *rq, struct node *dir, const char *name, struct node *new_dir,
                  const char *new_name, unsigned flags);

    /* Files. direct_io: no kernel cache, no size needed beforehand. */
    int (*open)(struct request *rq, struct node *n, int flags, struct handle *h);
    int (*read)(struct request *rq, struct node *n, struct handle *h, off_t offset, size_t size,
                struct buf *ret);
    int (*write)(struct request *rq, struct node *n, struct handle *h, off_t offset,
                 struct span data);
    int (*flush)(struct request *rq, struct node *n, struct handle *h);
    /* Instead of flush, where a signal ends the process that closes: drops what that process has
     * written and was not committed. Nothing is waited for. */
    void (*drop)(struct request *rq, struct node *n, struct handle *h);
    int (*fsync)(struct request *rq, struct node *n, struct handle *h);
    void (*release)(struct request *rq, struct node *n, struct handle *h);
    int (*readlink)(struct request *rq, struct node *n, struct buf *ret);

    /* Called with vfs->lock held when a lookup gives the node to the kernel. False: it cannot show
     * what was found, and another one takes its name. Missing: it can. */
    bool (*take)(struct vfs *vfs, struct node *n, const struct found *found);

    /* Called with vfs->lock held when the node goes. */
    void (*destroy)(struct vfs *vfs, struct node *n);
};

static inline enum node_kind found_kind(const struct found *found)
{
    return found->ops ? found->ops->kind : KIND_NONE;
}

static inline bool found_is_vmx(const struct found *found)
{
    return found_kind(found) == KIND_VMX_DIR || found_kind(found) == KIND_VMX_FILE;
}

extern const struct node_ops dir_ops, plain_dir_ops;        /* tree/dir.c */
extern const struct node_ops file_ops, link_ops;            /* file/plain_file.c */
extern const struct node_ops vmx_file_ops;                  /* file/vmx_file.c */
extern const struct node_ops vmx_dir_ops, key_ops;          /* vmx/vmx_dir.c, key/key.c */
extern const struct node_ops scratch_ops, scratch_link_ops; /* vmx/scratch.c */
extern const struct node_ops control_ops;                   /* control/control.c */
extern const struct node_ops folder_ops;                    /* control/folder.c */
extern const struct node_ops vmx_folder_ops;                /* control/vmx_folder.c */
