/* SPDX-License-Identifier: MIT */
/*
 * Plain files, folders and links on the server: the calls that POSIX needs, one request each. The
 * caches forget what these calls change.
 *
 * -EUCLEAN: the call did nothing, because a request was under way when the link was lost and may
 * have been, or may still be, carried out: this one, or an earlier one that would undo it
 * (unsure.h).
 */
#pragma once

#include "remote/remote.h"
#include "sftp/bulk/bulk.h"
#include "sftp/requests.h"

/* Whether a file may be made under a name, or its text be replaced. 0, -EUCLEAN. */
int remote_check_new(struct remote *remote, const char *path);

int remote_mkdir(struct remote *remote, const char *path, uint32_t mode, const struct wait *wait);
/* seen: the file that has the name, as the caller believes, for a lost answer; NULL: not known. */
int remote_rmdir(struct remote *remote, const char *path, const struct sftp_attrs *seen,
                 const struct wait *wait);
int remote_remove(struct remote *remote, const char *path, const struct sftp_attrs *seen,
                  const struct wait *wait);

/* Replaces the file at the new name unless exclusive. by: as of remote_rename_vmx. */
int remote_rename(struct remote *remote, const char *from, const char *to, bool exclusive,
                  const struct sftp_attrs *seen, const struct remote_by *by,
                  const struct wait *wait);
int remote_symlink(struct remote *remote, const char *target, const char *path,
                   const struct wait *wait);

/* The text of a link on the server. -EINVAL: the file is not a link; -ENOENT, ... */
int remote_link_text(struct remote *remote, const char *path, const struct wait *wait,
                     struct buf *ret);

/* The text of a link as the mount shows it. -EPERM: the link is not shown, because it could lead
 * out of the mount; *ret is what would have been shown. */
int remote_readlink(struct remote *remote, const char *path, const struct wait *wait,
                    struct buf *ret);

int remote_setattr(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                   const struct wait *wait);
/* The same of a link itself. -EOPNOTSUPP: the server cannot. */
int remote_link_setattr(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                        const struct wait *wait);
int remote_statvfs(struct remote *remote, const char *path, const struct wait *wait,
                   struct sftp_statvfs *ret);

/* Bytes that one write of many should hold. */
enum { REMOTE_WRITE_SIZE = BULK_PIECE };

/* A file of so many bytes was looked up, and its data may be wanted soon: bulk connections for that
 * of a large one are made now. Never blocks. */
void remote_expect_data(struct remote *remote, uint64_t size);

/* An open plain file. All operations on it use its handle, whatever becomes of its name. It
 * survives a lost link: it is opened again by its name, if that is still the same file as far as
 * SFTP can tell; otherwise all operations on it fail with -EIO. */
struct remote_file;

/* open_flags of the protocol, without CREAT. Another file that was open under the name loses it. 0,
 * -ENOENT, -EISDIR, -EUCLEAN, ...; -EREMOTEIO: the server refuses to open it for reading, and does
 * not say why (remote_check_held). */
int remote_file_open(struct remote *remote, const char *path, uint32_t open_flags,
                     const struct wait *wait, struct remote_file **ret);
/* Makes a file and opens it; unless exclusive, a file that exists is opened. *ret_made: none
 * existed. 0, -EEXIST, -EISDIR, -EUCLEAN, ... */
int remote_file_create(struct remote *remote, const char *path, uint32_t open_flags, uint32_t mode,
                       bool exclusive, const struct wait *wait, struct remote_file **ret,
                       bool *ret_made);
/* The attributes that the server sent with the opening. */
const struct sftp_attrs *remote_file_opened_as(const struct remote_file *file);
struct remote_file *remote_file_ref(struct remote_file *file);
/* Drops a reference; the last one closes the file, without waiting. Accepts NULL. */
void remote_file_free(struct remote_file *file);

/* What the file's handle shows, with all that was written to it, and whether the file still has its
 * name as far as SFTP can tell; the latter is known on an error, too. A nameless file never gets a
 * name again. */
int remote_file_look(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret,
                     bool *ret_named);

/* Whether it was removed, or another file has been seen under its name. */
bool remote_file_is_nameless(const struct remote_file *file);

/* Whether the file was renamed to a .vmx since it was opened. A .vmx is replaced whole, and not
 * written to. */
bool remote_file_is_vmx(const struct remote_file *file);
/* The file open under this name becomes a .vmx, or stays a plain file after all. */
void remote_files_set_vmx(struct remote *remote, const char *path, bool is_vmx);

/* Whether this mount has not changed the file since, through any handle or by its name. */
bool remote_file_is_as_opened(const struct remote_file *file);

/* Whether both are one file, as far as SFTP can tell. */
bool remote_file_is(const struct remote_file *file, const struct remote_file *other);

/* Reads; *ret_n is less than size only at the end. Operations of one open file wait for each other,
 * each with its own deadline and interrupt. */
int remote_file_read(struct remote_file *file, uint64_t offset, size_t size,
                     const struct wait *wait, void *ret, size_t *ret_n);

/* Takes the data, and sends it without making the caller wait. The next write, flush or fsync
 * returns an error of data taken earlier, once. append: offset is not used. -EUCLEAN: other data
 * for the same place was under way when a link was lost, and may still be written there; the data
 * was not taken (unsure.h). */
int remote_file_write(struct remote_file *file, uint64_t offset, bool append, struct span data,
                      const struct wait *wait);

/* Waits until all data taken is on the server. */
int remote_file_flush(struct remote_file *file, const struct wait *wait);

/* Waits for the data taken through any handle of the file, and has the server sync it to its disk,
 * if it can. An error of data taken through another handle is returned too, and kept for that
 * handle. */
int remote_file_fsync(struct remote_file *file, const struct wait *wait);
int remote_file_getattr(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret);
int remote_file_setattr(struct remote_file *file, const struct sftp_attrs *attrs,
                        const struct wait *wait);
