/* SPDX-License-Identifier: MIT */
/*
 * What differs between the versions of libfuse, 3.14 to 3.18; no other file asks for a version.
 * Includes libfuse's low-level interface as it is in 3.14, which the later ones keep.
 */
#pragma once

#include <stdbool.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

/* Asks for parallel lookups in one directory. Without them the kernel asks for one name at a time,
 * however long each takes. Since 3.17 they are not asked for by default. Call it at INIT. */
void fuse_library_want_parallel(struct fuse_conn_info *connection);

/* Whether a version (as of fuse_version()) forgets FUSE_PARALLEL_DIROPS in its reply to INIT even
 * where it is wanted. Versions up to 3.16.2 do (libfuse's commit c9905341 mended it for 3.17). */
bool fuse_library_forgets_parallel(int version);

/* Makes up for it, where the library that is loaded forgets it. Call it between mounting and the
 * session's loop; the session's user data is a struct vfs. 0, -errno. */
int fuse_library_mend(struct fuse_session *session);

/* Has the kernel look up anew every name that it has kept or that a request under way brings: the
 * message FUSE_NOTIFY_INC_EPOCH, which libfuse sends itself since 3.18. It waits for nothing. 0;
 * -EINVAL: the kernel is older than 6.16; -errno: the mount is over. */
int fuse_library_forget_names(struct fuse_session *session);
