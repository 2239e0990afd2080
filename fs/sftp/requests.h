/* SPDX-License-Identifier: MIT */
/* The requests of SFTP as calls, waiting for them, and what their answers hold (sftp.h). */
#pragma once

#include "sftp/sftp.h"

/* Calls. NULL when there is no memory; all that take a call take NULL for such a one. Paths and
 * data are copied. */
struct sftp_call *sftp_open(struct sftp *sftp, const char *path, uint32_t open_flags,
                            const struct sftp_attrs *attrs); /* attrs may be NULL */
struct sftp_call *sftp_close(struct sftp *sftp, const struct sftp_handle *handle);
/* At most max_read bytes are asked for, and a server may answer with fewer than it was asked for
 * anywhere in the file: only -ENODATA is its end. */
struct sftp_call *sftp_read(struct sftp *sftp, const struct sftp_handle *handle, uint64_t offset,
                            uint32_t size);
/* data: at most max_write bytes, or the call fails with -EMSGSIZE. */
struct sftp_call *sftp_write(struct sftp *sftp, const struct sftp_handle *handle, uint64_t offset,
                             struct span data);
struct sftp_call *sftp_lstat(struct sftp *sftp, const char *path);
struct sftp_call *sftp_stat(struct sftp *sftp, const char *path);
struct sftp_call *sftp_fstat(struct sftp *sftp, const struct sftp_handle *handle);
struct sftp_call *sftp_setstat(struct sftp *sftp, const char *path, const struct sftp_attrs *attrs);
struct sftp_call *sftp_fsetstat(struct sftp *sftp, const struct sftp_handle *handle,
                                const struct sftp_attrs *attrs);
/* Of a link itself. */
struct sftp_call *sftp_lsetstat(struct sftp *sftp, const char *path,
                                const struct sftp_attrs *attrs);
struct sftp_call *sftp_opendir(struct sftp *sftp, const char *path);
struct sftp_call *sftp_readdir(struct sftp *sftp, const struct sftp_handle *handle);
struct sftp_call *sftp_mkdir(struct sftp *sftp, const char *path, uint32_t mode);
struct sftp_call *sftp_rmdir(struct sftp *sftp, const char *path);
struct sftp_call *sftp_realpath(struct sftp *sftp, const char *path);
struct sftp_call *sftp_readlink(struct sftp *sftp, const char *path);
struct sftp_call *sftp_symlink(struct sftp *sftp, const char *target, const char *link_path);
struct sftp_call *sftp_fsync(struct sftp *sftp, const struct sftp_handle *handle);
struct sftp_call *sftp_statvfs(struct sftp *sftp, const char *path);

/* Copies bytes, at least one, from one file to another on the server. -ENODATA, or 0: the first one
 * may have ended before. OpenSSH's server refuses two handles of one name. -EOPNOTSUPP: the server
 * did not say that it can. */
struct sftp_call *sftp_copy_data(struct sftp *sftp, const struct sftp_handle *from,
                                 uint64_t from_offset, const struct sftp_handle *to,
                                 uint64_t to_offset, uint64_t size);

/* path gets one more name, which must be free. */
struct sftp_call *sftp_hardlink(struct sftp *sftp, const char *path, const char *name);

/* not_after: of clock_boot_ms(); the I/O thread never puts the request on the wire later than that
 * (the call fails with -ETIME, as one that was not sent). 0: no limit. A lock's owner uses it. */
struct sftp_call *sftp_posix_rename(struct sftp *sftp, const char *from, const char *to,
                                    int64_t not_after);
struct sftp_call *sftp_remove(struct sftp *sftp, const char *path, int64_t not_after);
/* The plain rename, which replaces nothing. */
struct sftp_call *sftp_rename(struct sftp *sftp, const char *from, const char *to,
                              int64_t not_after);
/* posix-rename, or where the server lacks it the plain one. */
struct sftp_call *sftp_best_rename(struct sftp *sftp, const char *from, const char *to,
                                   int64_t not_after);
