/* SPDX-License-Identifier: MIT */
/* What all handles of one open file share. */
#pragma once

#include "open_file.h"

/* Whether an open file has the name. */
bool name_is_open(struct remote *remote, const char *path);

/* As it is at this moment; what it points to is not to be used. */
struct shared_file file_shared_now(const struct remote_file *file);

/* A new file is shared with no other handle until it is known to be the same as another, to which
 * nothing was done yet through this handle. */
void file_share(struct remote_file *file, struct remote_file *other);
void file_unshare_locked(struct remote_file *file) REQUIRES(file->remote->lock);

/* The link was lost while this was being done through the handle. 0, -ENOMEM. */
int file_note_unanswered(struct remote_file *file, const struct effect *effect);

/* Counts sent requests that change bytes, which may have been read ahead: by file, by name, and
 * when a handle shows another size or time than the last one did. */
void file_count_change(struct remote_file *file);
void name_count_change(struct remote *remote, const char *path);
void file_note_sight_locked(struct remote_file *file, const struct sftp_attrs *attrs)
    REQUIRES(file->remote->lock);
unsigned long name_changes(struct remote *remote, const char *path);

/* Whether an old server process may undo the request: 0, -EUCLEAN. */
int file_check(struct remote_file *file, const struct effect *effect);
int name_check(struct remote *remote, const char *path, const struct effect *effect);
int name_check_open(struct remote *remote, const char *path, uint32_t open_flags);
