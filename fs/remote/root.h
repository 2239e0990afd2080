/* SPDX-License-Identifier: MIT */
/*
 * The root on the server, and the first use of a mount whose connection was to be made then
 * (sftp_new without a transport). Until remote_use has succeeded there is no path: no other
 * function of the remote may be called that takes one.
 */
#pragma once

#include <sys/types.h>

#include "remote.h"

struct remote_user {
    uid_t uid;
    gid_t gid;
};

/* Who is logged in at the server, from the first use on; without find_user who runs this. */
const struct remote_user *remote_user(const struct remote *remote);

/* What the root was when the mount was first used. */
const struct sftp_attrs *remote_root_attrs(const struct remote *remote);

bool remote_is_used(const struct remote *remote);

/* Connects, if that was not done, finds the root and checks that it is a directory. At once where
 * that has succeeded before; a failure is tried again by the next call. Any thread. 0; -EIO: there
 * is no connection; -ENOENT, -ENOTDIR, -EACCES, ...: of the root; with *why; -EINTR. */
int remote_use(struct remote *remote, const struct wait *wait, struct diag *why);
