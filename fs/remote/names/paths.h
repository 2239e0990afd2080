/* SPDX-License-Identifier: MIT */
/* Names and paths on the server, and what they say about a file. */
#pragma once

#include "remote/remote.h"

/* True for a name that is shown as a directory of settings when it is a regular file of at most
 * vmx_max bytes: *.vmx and *.vmtx, whatever the case. */
bool remote_is_vmx_name(const char *name);
bool remote_is_vmx(const struct remote *remote, const char *name, const struct sftp_attrs *attrs);

/* True for a regular file of at most vmx_max bytes. A file without a size from the server does not
 * count: it would be taken for empty. */
bool remote_can_be_vmx(const struct remote *remote, const struct sftp_attrs *attrs);

/* True for our own lock and temporary files, which users do not see. */
bool remote_is_hidden_name(const char *name);

/* Whether it is, of these, the name of a file beside a .vmx that holds what waits for it
 * (commit/beside.h), and the path of that file of a .vmx: the caller's, NULL without memory. */
bool remote_is_beside_name(const char *name);
char *remote_beside_path(const char *vmx);

/* The root's absolute path on the server, free of links; "" is "/". Valid as long as the remote. */
const char *remote_root(const struct remote *remote);

/* The path of an absolute path of the server: a part of it. NULL: it is not below the root. */
const char *remote_below_root(const struct remote *remote, const char *full);

/* The server's absolute path of a path, the caller's to free. NULL: no memory. */
char *remote_path(const struct remote *remote, const char *path);

/* Whether a server would refuse it for its length alone. */
bool remote_is_long_path(const struct remote *remote, const char *path);

/* Whether a path is that of the root: one that begins with ".." may be, too. */
bool remote_is_root(const struct remote *remote, const char *path);
