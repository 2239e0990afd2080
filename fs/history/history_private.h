/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#pragma once

#include "base/sync.h"
#include "history.h"
#include "secret_key.h"

struct history_reader;
struct worker;

struct history {
    struct history_options options; /* its strings are ours; dir is its real path */
    char *branch;                   /* refs/heads/USER@MACHINE */
    char *host;                     /* as the first component of paths in the repository */
    char *user, *mail;              /* of whoever mounted: login name, LOGIN@MACHINE */
    char *machine;
    struct secret_key key;
    struct worker *worker;         /* the queue, and the thread that records (worker.h) */
    struct history_reader *reader; /* versions.c; NULL: nothing was asked yet */
    void (*reader_free)(struct history_reader *reader); /* set together with reader */
    struct lock reader_lock; /* protects both; held while the repository is read */
};
