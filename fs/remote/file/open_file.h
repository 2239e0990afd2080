/* SPDX-License-Identifier: MIT */
/* What the files about open plain files share: the file, and the ways that its data goes. */
#pragma once

#include "base/turn.h"
#include "bulk_connections.h"
#include "files.h"
#include "remote/commit/unsure_names.h"

/* Bytes: what a few round trips for opening a file over the bulk connections are worth. */
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

    struct bulk_connection *connections[BULK_WAYS];
    struct bulk_ways ways;      /* over these; n is 0 without any: the data goes with the rest */
    struct sftp_attrs unproven; /* what all handles showed when it was opened over these */
    bool proven;       /* they showed the same after a change: it may be written to over these */
    uint64_t expected; /* where a sequential reader or writer goes on */
    uint64_t moved;    /* bytes that came so, since ways was last set */
    uint64_t patience; /* bytes to move before bulk connections are taken */
};

/* What an operation on file->handle or on the ways ended with. True: the links are up again, or
 * were left, and it can be tried again. False: *r is what to return. */
bool file_again(struct remote_file *file, const struct wait *wait, int *r);

/* Waits until what was written is on the server. 0 also where some of it is lost: file->error. */
int file_drain(struct remote_file *file, const struct wait *wait);

/* After data was written, or may have been, behind the listing's back. */
void file_forget_listing(const struct remote_file *file);
