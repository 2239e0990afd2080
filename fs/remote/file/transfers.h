/* SPDX-License-Identifier: MIT */
/*
 * What is being moved now through open plain files, and how fast. A transfer is one direction of
 * one handle, from when it has moved a MiB until the handle is closed or has moved nothing for some
 * seconds, unless a program still waits for it.
 */
#pragma once

#include "remote/remote.h"

enum transfer_way { TRANSFER_READ, TRANSFER_WRITE, TRANSFER_WAYS };

/* Protected by remote->lock. All zero is one that has moved nothing. */
struct progress {
    uint64_t moved;   /* bytes */
    uint64_t reached; /* where in the file the foremost of the last ones end */
    int64_t moved_at; /* as clock_ms, as all times here */
    unsigned waiting; /* operations that are under way */
    struct {
        int64_t since; /* 0: it has not begun */
        uint64_t bytes;
    } before, now; /* the rate's two periods */
};

void progress_add(struct progress *p, int64_t now, uint64_t offset, uint64_t n);
/* Bytes a second, of the last few seconds. */
double progress_rate(const struct progress *p, int64_t now);
bool progress_is_transfer(const struct progress *p, int64_t now);

struct remote_file;
/* Call around an operation of a program; n: the bytes at offset that it has moved. */
void file_begins_transfer(struct remote_file *file, enum transfer_way way);
void file_ends_transfer(struct remote_file *file, enum transfer_way way, uint64_t offset, size_t n);

/* The size that a file has before it is written to, because it had it or is given it now: what is
 * written is likely to end there. */
void file_gets_size(struct remote_file *file, uint64_t size);

struct transfer {
    char *path; /* the file's name, or the last one that it had */
    enum transfer_way way;
    uint64_t done; /* how far into the file it has come, in bytes */
    uint64_t size; /* how far it will go, if nothing stops it; 0: that is not known */
    double rate;   /* bytes a second */
};

/* Those that run, in the order in which their files were opened. *ret is to be freed by
 * transfers_free. 0, -ENOMEM. Waits for nothing. */
int remote_transfers(struct remote *remote, struct transfer **ret, size_t *ret_n);
void transfers_free(struct transfer *transfers, size_t n);
