/* SPDX-License-Identifier: MIT */
/* What the files about open plain files share: the file, and the ways that its data goes. */
#pragma once

#include "base/turn.h"
#include "bulk_connections.h"
#include "files.h"
#include "remote/commit/unsure_names.h"
#include "remote/internal.h"

/* Bytes: what a few round trips for opening a file over the lanes are worth. */
enum { FILE_PATIENCE = 8 << 20 };

/* What all know who have one file open; protected by remote->lock. */
struct shared_file {
    unsigned files;
    bool nameless;          /* it was removed, or replaced */
    bool is_vmx;            /* it was renamed to one */
    struct unsure *unsure;  /* what was sent through their handles, when a link was lost */
    unsigned long changes;  /* of the bytes, by this mount or as far as handles showed */
    struct sftp_attrs seen; /* what a handle showed last; flags 0: nothing yet */
};

struct remote_file {
    struct remote *remote;
    uint32_t open_flags;

    /* Protected by remote->lock. */
    unsigned refs;
    struct remote_file *prev, *next;
    char *path; /* its name, or the last one that it had */
    struct shared_file *shared;
    struct sftp_attrs seen; /* see file_name.c, as for the next three */
    bool dirty;
    uint64_t least, most;

    struct turn turn;           /* of all below: one operation at a time */
    struct sftp_handle handle;  /* of the main connection, for all but bulk data */
    struct bulk_reader *reader; /* NULL until the first read */
    unsigned long read_at;      /* shared->changes when the reader began */
    struct bulk_writer *writer;
    struct sftp_attrs opened_as;
    unsigned long opened_after; /* changes of what had the name then */
    atomic_bool written;
    atomic_int error; /* of data that was taken and is lost; for the next write, flush or fsync */

    struct lane *lanes[BULK_WAYS];
    struct bulk_ways ways; /* over the lanes; n is 0 without any: the data goes with the rest */
    struct sftp_attrs unproven; /* what all handles showed when it was opened over the lanes */
    bool proven; /* they showed the same after a change: it may be written to over the lanes */
    uint64_t expected; /* where a sequential reader or writer goes on */
    uint64_t moved;    /* bytes that came so, since ways was last set */
    uint64_t patience; /* bytes to move before lanes are taken */
};

/* What an operation on file->handle or on the ways ended with. True: the links are up again, or
 * were left, and it can be tried again. False: *r is what to return. */
bool file_again(struct remote_file *file, const struct wait *wait, int *r);

/* Waits until what was written is on the server. 0 also where some of it is lost: file->error. */
int file_drain(struct remote_file *file, const struct wait *wait);

/* ---- file_handle.c */

/* What the handle shows. */
int file_show(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret);

/* Opens the file over the main connection, and sets file->handle. ret: its attributes. */
int file_open_handle(struct remote_file *file, uint32_t flags, uint32_t mode,
                     const struct wait *wait, struct sftp_attrs *ret);

/* remote_size_error for the file's name, and what it was to become. */
int file_write_error(struct remote_file *file, const struct wait *wait, int r);

/* ---- file_life.c */

/* An open file that has no handle yet. 0, -ENOMEM. */
int file_new(struct remote *remote, const char *path, uint32_t open_flags,
             struct remote_file **ret);

/* ---- file_turn.c */

/* Takes the file's turn, which turn_give gives back. 0, -EINTR, -EIO when the deadline has passed.
 */
int file_begin(struct remote_file *file, const struct wait *wait);

/* The same when what was taken through the file's other handles is on the server. */
int file_begin_behind_others(struct remote_file *file, const struct wait *wait);

/* What is done with a file in its turn; the first member of what the caller has besides. */
struct file_act {
    int (*run)(struct file_act *act, struct remote_file *file, const struct wait *wait);
};

/* Acts in the file's turn when what was taken through its other handles is on the server; anew
 * behind a lost link, since those have to send it again. 0: the caller has the turn; else nobody
 * has. */
int file_act_behind_others(struct remote_file *file, struct file_act *act, const struct wait *wait);

/* ---- shared_file.c */

/* Whether a file is open that has the name. */
bool name_is_open(struct remote *remote, const char *path);

/* A new file is one that nobody else has open, until it is known to be the other's, to which
 * nothing was done yet through this handle. 0, -ENOMEM. */
int file_stand_alone(struct remote_file *file);
void file_share(struct remote_file *file, struct remote_file *other);
void file_unshare_locked(struct remote_file *file) REQUIRES(file->remote->lock);

/* The link was lost when these were being set through the handle. 0, -ENOMEM. */
int file_note_unanswered(struct remote_file *file, const struct sftp_attrs *attrs);

/* Counts what has been sent that changes bytes, which may have been read ahead; by file, by name,
 * and where a handle shows another size or time than the last one did. */
void file_count_change(struct remote_file *file);
void name_count_change(struct remote *remote, const char *path);
void file_note_sight_locked(struct remote_file *file, const struct sftp_attrs *attrs)
    REQUIRES(file->remote->lock);
unsigned long file_changes(struct remote_file *file);
unsigned long name_changes(struct remote *remote, const char *path);

/* Whether an old server process may undo what is asked for: 0, -EUCLEAN. */
int file_check_write(struct remote_file *file, uint64_t offset, struct span data);
int file_check_attrs(struct remote_file *file, const struct sftp_attrs *attrs);
int name_check_attrs(struct remote *remote, const char *path, const struct sftp_attrs *attrs);
int name_check_open(struct remote *remote, const char *path, uint32_t open_flags);

/* ---- file_name.c */

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

/* ---- namesakes.c */

/* The file has just been opened by its name. What has been open under that name is the same file,
 * as far as SFTP can tell, or has lost it. 0, -ESTALE when this one has, -EIO, -EINTR. */
int file_meet_namesakes(struct remote_file *file, const struct wait *wait);

/* ---- stripes.c */

/* Where the data goes now: over the lanes, or with the rest. */
struct bulk_ways file_ways(const struct remote_file *file);

/* Tells the reader and the writer. */
void file_set_ways(struct remote_file *file);

/* Before an operation on n bytes: moves the data of a large file to lanes, if there are any. rest:
 * how many bytes are at least still to come, as far as is known. */
void file_choose_ways(struct remote_file *file, uint64_t offset, size_t n, uint64_t rest,
                      const struct wait *wait);

/* Back to the main connection; nothing may be under way over the lanes. */
void file_leave_lanes(struct remote_file *file);

/* After data was written, or may have been, behind the listing's back. */
void file_forget_listing(const struct remote_file *file);
