/* SPDX-License-Identifier: MIT */
/* Which name an open file has (file_name.c tells how vmxfs knows it). */
#pragma once

#include "open_file.h"

/* The file's path on the server. NULL: the file has no path, or there is no memory. */
char *file_server_path(const struct remote_file *file);

/* Records what this mount did to a name; to: NULL: it is removed. Files open below a renamed folder
 * are renamed too. */
void files_renamed(struct remote *remote, const char *from, const char *to);

/* The handle shows these attributes, and all requests sent before are answered. */
void file_note_seen(struct remote_file *file, const struct sftp_attrs *attrs);
/* A request was sent after which the file has at least and at most these sizes, if it was as seen.
 */
void file_note_change(struct remote_file *file, uint64_t least, uint64_t most);
/* The file goes; other handles that are open under its name learn that it was written to. */
void file_hand_over_locked(struct remote_file *file) REQUIRES(file->remote->lock);
/* Whether the file that is open under this file's name, and shows attrs, can be this file. */
bool file_can_be(struct remote_file *file, const struct sftp_attrs *attrs);
bool file_looks_same(const struct sftp_attrs *a, const struct sftp_attrs *b);

/* The answers of a flight of three calls: the same call twice, and another one in between. */
struct sight {
    struct sftp_attrs before, between, after;
    bool there; /* the one in between */
};

/* Returns -ENOTCONN if any answer was lost. Another failure of the call in between counts as
 * unknown: nothing changes then. */
int sight_take(struct sftp_call *before, struct sftp_call *between, struct sftp_call *after,
               const struct wait *wait, struct sight *ret);
bool sight_of_another(const struct sight *s);

/* Another file was seen under the name; what the cache holds of the folder is old. */
void file_lose_name(struct remote_file *file);
