/* SPDX-License-Identifier: MIT */
/*
 * What a mount has. vfs->lock protects the tree of nodes and all that is said to be protected by
 * it; it is held for short computations only, never while waiting for the server and never across a
 * reply. Only the locks of the remote, the notifier and the journal are taken while it is held.
 */
#pragma once

#include <stdatomic.h>
#include <time.h>

#include "parser/profile/profile.h"
#include "vfs.h"

struct handle;
struct history;
struct host;
struct node;
struct notifier;
struct recent;
struct request;
struct stray;

struct vfs {
    struct remote *remote; /* borrowed, as the next three */
    struct host *host;
    struct history *history; /* NULL: none is kept */
    struct journal *journal;
    struct vfs_options options;
    struct timespec started;
    struct fuse_session *session; /* that is served */
    bool keeps_names; /* the kernel may keep a name whose kind may change: it forgets all names as
                         soon as it is told to; set once, before the session is served */
    struct vmx_profiles profiles; /* read only after vfs_new */
    struct notifier *notifier;
    atomic_uint_least64_t init_request; /* the kernel's INIT; 0: not seen, or answered */

    struct lock opening; /* taken before lock, while a plain file becomes open (open_files.h) */
    struct lock lock;
    struct {
        struct condition moved; /* with lock: somebody has left */
        struct request *inside; /* changes that are under way */
        unsigned waiting;       /* threads */
    } rename_lock;              /* rename_lock.c; protected by lock */
    struct condition
        changed; /* with lock: a change of an open file has ended, or the file was released */
    struct node *root;
    struct node *nodes GUARDED_BY(lock);
    struct node_name *further_names GUARDED_BY(lock); /* node_names.h */
    struct node *by_links GUARDED_BY(lock); /* that were found by a link which is followed */
    struct handle *handles GUARDED_BY(lock);
    size_t scratch_bytes GUARDED_BY(lock);
    struct recent *recent GUARDED_BY(lock); /* recent.c, as the next one */
    size_t recent_bytes GUARDED_BY(lock);
    struct stray *strays GUARDED_BY(lock); /* inode_number.c */
};
