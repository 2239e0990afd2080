/* SPDX-License-Identifier: MIT */
/* Which name an open file has (file_name.c tells how that is known). */
#pragma once

#include "open_file.h"

/* The file's path on the server. NULL: it has none, or no memory. */
char *file_server_path(const struct remote_file *file);

/* What this mount did to names; files open below a renamed folder are renamed too. */
void files_removed(struct remote *remote, const char *path);
void files_renamed(struct remote *remote, const char *from, const char *to);

/* The handle shows this, and all that was sent before is answered. */
void file_note_seen(struct remote_file *file, const struct sftp_attrs *attrs);
/* Something is sent after which the file is at least and at most so large, if it was as seen. */
void file_note_change(struct remote_file *file, uint64_t least, uint64_t most);
/* The file goes; others that are open under its name learn that it was written to. */
void file_hand_over_locked(struct remote_file *file) REQUIRES(file->remote->lock);
/* Whether what is open under the file's name, and shows attrs, can be the file. */
bool file_can_be(struct remote_file *file, const struct sftp_attrs *attrs);
bool file_looks_same(const struct sftp_attrs *a, const struct sftp_attrs *b);

/* What a flight of three told: the same thing twice, and another one in between. */
struct sight {
    struct sftp_attrs before, between, after;
    bool there; /* the one in between */
};

/* -ENOTCONN if any answer was lost; another failure of the one in between counts as unknown: it is
 * then as before. */
int sight_take(struct sftp_call *before, struct sftp_call *between, struct sftp_call *after,
               const struct wait *wait, struct sight *ret);
bool sight_of_another(const struct sight *s);

/* Another file has been seen under the name; what was known of the folder is old. */
void file_lose_name(struct remote_file *file);
