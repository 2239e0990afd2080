/* SPDX-License-Identifier: MIT */
/*
 * Plain files, folders and links on the server: what POSIX calls need, one request each. What they
 * change is forgotten by the caches.
 *
 * -EUCLEAN: nothing more is done, because it is not known whether a request was carried out, or
 * still will be, that was under way when the link was lost: this one, or an earlier one that would
 * undo it (unsure.h).
 */
#pragma once

#include "remote/remote.h"
#include "sftp/bulk/bulk.h"
#include "sftp/requests.h"

/* Whether something may be made under a name, or its text be replaced. 0, -EUCLEAN. */
int remote_check_new(struct remote *remote, const char *path);

int remote_mkdir(struct remote *remote, const char *path, uint32_t mode, const struct wait *wait);
/* seen: what has the name, as the caller believes; NULL: nothing is known. Where the answer is
 * lost, the server is asked what became of that. */
int remote_rmdir(struct remote *remote, const char *path, const struct sftp_attrs *seen,
                 const struct wait *wait);
int remote_remove(struct remote *remote, const char *path, const struct sftp_attrs *seen,
                  const struct wait *wait);

/* Replaces what is there unless exclusive. */
int remote_rename(struct remote *remote, const char *from, const char *to, bool exclusive,
                  const struct sftp_attrs *seen, const struct wait *wait);
int remote_symlink(struct remote *remote, const char *target, const char *path,
                   const struct wait *wait);

/* What the server says that a link says. -EINVAL: it is no link; -ENOENT, ... */
int remote_link_text(struct remote *remote, const char *path, const struct wait *wait,
                     struct buf *ret);

/* The same as it is shown inside the mount. -EPERM: it is not, because it could lead out of it;
 * *ret is what would have been shown. */
int remote_readlink(struct remote *remote, const char *path, const struct wait *wait,
                    struct buf *ret);

int remote_setattr(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                   const struct wait *wait);
int remote_statvfs(struct remote *remote, const char *path, const struct wait *wait,
                   struct sftp_statvfs *ret);

/* What a write should hold that is one of many: bytes. */
enum { REMOTE_WRITE_SIZE = BULK_PIECE };

/* An open plain file. What is done with it is done through its handle, whatever becomes of its
 * name. It survives a lost link: it is opened again by its name, if that still is the same file as
 * far as SFTP can tell; else all that is done with it is -EIO. */
struct remote_file;

/* open_flags of the protocol, without CREAT. What has been open under the name and is another file
 * loses it. 0, -ENOENT, -EISDIR, -EUCLEAN, ... */
int remote_file_open(struct remote *remote, const char *path, uint32_t open_flags,
                     const struct wait *wait, struct remote_file **ret);
/* Makes a file and opens it; unless exclusive, one that is there is opened. *ret_made: there was
 * none. 0, -EEXIST, -EISDIR, -EUCLEAN, ... */
int remote_file_create(struct remote *remote, const char *path, uint32_t open_flags, uint32_t mode,
                       bool exclusive, const struct wait *wait, struct remote_file **ret,
                       bool *ret_made);
/* What the server said of the file beside its opening. */
const struct sftp_attrs *remote_file_opened_as(const struct remote_file *file);
struct remote_file *remote_file_ref(struct remote_file *file);
/* Gives a reference back; the last one closes, without waiting. Accepts NULL. */
void remote_file_free(struct remote_file *file);

/* What the file's handle shows, with all that was written to it, and whether the file still has its
 * name as far as SFTP can tell; that is known on an error, too. One without a name never gets one
 * again. */
int remote_file_look(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret,
                     bool *ret_named);

/* Whether it was removed, or another file has been seen under its name. */
bool remote_file_is_nameless(const struct remote_file *file);

/* Whether it was renamed to a .vmx since it was opened. That is replaced whole, and not written to.
 */
bool remote_file_is_vmx(const struct remote_file *file);
/* A .vmx is made of what is open under this name, or after all not. */
void remote_files_set_vmx(struct remote *remote, const char *path, bool is_vmx);

/* Whether this mount has changed nothing of it since, through whatever handle or by its name. */
bool remote_file_is_as_opened(const struct remote_file *file);

/* Whether both are one file, as far as SFTP can tell. */
bool remote_file_is(const struct remote_file *file, const struct remote_file *other);

/* Reads; *ret_n is less than size only at the end. Operations of one open file wait for each other,
 * with their own deadlines and interrupts. */
int remote_file_read(struct remote_file *file, uint64_t offset, size_t size,
                     const struct wait *wait, void *ret, size_t *ret_n);

/* Takes the data, which is sent behind the caller's back. An error of data taken earlier is
 * returned by the next write, flush or fsync, once. append: offset is not used.
 * -EUCLEAN: other data for the same place was under way when a link was lost, and may still be
 * written there; the data was not taken (unsure.h). */
int remote_file_write(struct remote_file *file, uint64_t offset, bool append, struct span data,
                      const struct wait *wait);

/* Waits until all that was taken is on the server. */
int remote_file_flush(struct remote_file *file, const struct wait *wait);

/* Waits for what was taken through any handle of the file, and has the server sync it to its disk,
 * if it can. An error of data taken through another handle is returned too, and left for that. */
int remote_file_fsync(struct remote_file *file, const struct wait *wait);
int remote_file_getattr(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret);
int remote_file_setattr(struct remote_file *file, const struct sftp_attrs *attrs,
                        const struct wait *wait);
