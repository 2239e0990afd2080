/* SPDX-License-Identifier: MIT */
/* A mount: the connection to the server, and what is built on it. */
#pragma once

#include <stdatomic.h>

#include "history/history.h"
#include "options.h"
#include "vfs/vfs.h"

struct mount {
    struct options *options;
    struct connector *connector;
    struct sftp *sftp;
    struct remote *remote;
    struct journal *journal;
    struct host *host;
    struct history *history; /* NULL: none is kept ... */
    struct diag no_history;  /* ... for this reason, which the user should know */
    char *history_dir;       /* its work tree, free of links */
    struct vfs *vfs;
    struct fuse_session *session;
    char *mounted_at; /* where the mount is that was made by the caller; NULL: not known, or none */
    bool mounted;
    atomic_bool up; /* since then the journal is told of the link; before, the caller is */
};

/* The first steps of mount_up, for who wants no mount: connects; then finds the root. As mount_up.
 */
int mount_connect(struct mount *m, struct diag *why);
int mount_open_remote(struct mount *m, struct diag *why);

/* Connects, and mounts. m->options is given, and all else NULL. -errno with *why; then, too, what
 * has been made is for mount_down. */
int mount_up(struct mount *m, struct diag *why);

/* The mount was made, and whoever asked for it knows: what else he should know is noted. */
void mount_settled(struct mount *m);

void mount_down(struct mount *m);
