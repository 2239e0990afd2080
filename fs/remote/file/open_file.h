/* SPDX-License-Identifier: MIT */
/* What the sources for open plain files share: the file, and the ways that its data goes. */
#pragma once

#include "base/turn.h"
#include "bulk_connections.h"
#include "files.h"
#include "remote/commit/unsure_names.h"
#include "sftp/bulk/streams.h"
#include "transfers.h"

/* Bytes: worth a few round trips for opening a file over the bulk connections. */
enum { FILE_PATIENCE = 8 << 20 };

/* What all handles of one open file share; protected by remote->lock. */
struct shared_file {
    unsigned files;
    bool nameless;          /* it was removed, or replaced */
    bool is_vmx;            /* it was renamed to one */
    struct unsure *unsure;  /* what was sent through the handles when a link was lost */
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
    struct progress progress[TRANSFER_WAYS];
    uint64_t size_before; /* what the file had, or was given, before it is written to */

    struct turn turn;           /* of all below: one operation at a time */
    struct sftp_handle handle;  /* of the main connection, for all but bulk data */
    struct bulk_reader *reader; /* NULL until the first read */
    unsigned long read_at;      /* shared->changes when the reader began */
    struct bulk_writer *writer;
    struct sftp_attrs opened_as;
    unsigned long opened_after; /* the changes of the file that had the name then */
    atomic_bool written;
    atomic_int error; /* of data taken and lost; for the next write, flush or fsync */

    /* Bulk connections that were taken. The data goes over the first ways.n of them, or, where that
     * is 0, over the main connection; what is written only over the first that are proven: they
     * showed a change of the file, too. The others were asked for the opening, and showed what had
     * the name then. */
    struct bulk_connection *connections[BULK_WAYS];
    unsigned taken;
    struct bulk_ways ways;
    unsigned proven;
    struct sftp_call *asked[BULK_WAYS], *first_looks[BULK_WAYS];
    struct streams streams; /* of those that read and write */
    uint64_t moved;         /* bytes that went in one go, since ways was last set */
    uint64_t patience;      /* bytes to move before bulk connections are taken */
};

/* Judges how an operation on file->handle or on the ways ended. True: the links are up again, or
 * the file left them, and the operation can be tried again. False: *r is what to return. */
bool file_again(struct remote_file *file, const struct wait *wait, int *r);

/* Waits until the data written is on the server. 0 also if some of it is lost: see file->error. */
int file_drain(struct remote_file *file, const struct wait *wait);

/* Call before the file's bytes are changed, in its turn. */
void file_begin_change(struct remote_file *file);

/* Call after data was written, or may have been: the listing does not show it. */
void file_forget_listing(const struct remote_file *file);
