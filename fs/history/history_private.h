/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#pragma once

#include "base/sync.h"
#include "history.h"
#include "secret_key.h"

struct history_queue;
struct history_reader;

struct history {
    struct history_options options; /* its strings are ours */
    char *branch;                   /* refs/heads/USER@MACHINE */
    char *host;                     /* as the first component of paths in the repository */
    char *machine;
    struct secret_key key;
    struct history_queue *queue;   /* what was told, and the worker */
    struct history_reader *reader; /* versions.c; NULL: nothing was asked yet */
    struct lock reader_lock;       /* protects *reader; held while the repository is read */
};

/* Appends the path in the repository, HOST/..., of a .vmx that has this path in the mount. 0,
 * -errno. */
int history_file(const struct history *history, const char *path, struct buf *ret);

/* Waits until all that was told by history_committed, _renamed and _removed before this call is
 * recorded, at most until deadline (clock_ms()). Sightings are not waited for. 0; -EIO: it is
 * not. */
int history_settle(struct history *history, int64_t deadline);

/* Frees the reader; accepts NULL. */
void history_reader_free(struct history_reader *reader);
