/* SPDX-License-Identifier: MIT */
/*
 * The mounted tree: FUSE requests on one side, the remote layer on the other.
 *
 * The tree mirrors the remote one; every .vmx in it is a directory of settings (design: docs/
 * architecture.md). The kernel's requests come in on libfuse's worker threads, which may block.
 */
#pragma once

#include "fuse_library.h"
#include "host/host.h"
#include "node/owners.h"

struct vfs_options {
    struct owners owners;
    mode_t umask;
    bool masks_all; /* umask was given: it says all permissions of plain files, as with sshfs */
    bool read_only;
    bool vmx_only;            /* show directories, links and .vmx only */
    bool follow_links;        /* show links as what they lead to on the server */
    const char *mountpoint;   /* absolute, for commands in reports; borrowed for good */
    const char *profile_dirs; /* colon-separated, later ones win; borrowed during vfs_new only */
};

struct history;
struct vfs;

/* remote, host, history (may be NULL) and journal are borrowed and must outlive the vfs. 0; -errno
 * with *why. */
int vfs_new(struct remote *remote, struct host *host, struct history *history,
            struct journal *journal, const struct vfs_options *options, struct vfs **ret,
            struct diag *why);

/* After the session has ended. Accepts NULL. */
void vfs_free(struct vfs *vfs);

/* Serves the kernel on a mounted session until it is unmounted or told to exit. 0 or -errno. The
 * session was made with vfs_operations() and the vfs as its user data. */
int vfs_serve(struct vfs *vfs, struct fuse_session *session);

const struct fuse_lowlevel_ops *vfs_operations(void);
