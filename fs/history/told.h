/* SPDX-License-Identifier: MIT */
/* What a history was told, from the thread that told it to the worker. */
#pragma once

#include "history_private.h"
#include "spool/item.h"

enum told_kind { TOLD_COMMITTED, TOLD_RENAMED, TOLD_REMOVED, TOLD_SEEN, TOLD_GONE };

struct told {
    enum told_kind kind;
    bool existed, undoes_since;
    uid_t uid;
    char program[16];
    int64_t time_ns; /* of a change: when it was told; of a sighting: when it was read */
    char *path, *from;
    char *undoes;
    struct buf before, after;
    size_t counted; /* of the queue's bytes, by the worker: its texts may grow meanwhile */
    struct told *next;
};

/* NULL without memory. Texts and paths are copied; from and by may be NULL. */
struct told *told_new(enum told_kind kind, const char *path, const char *from,
                      const struct history_by *by);
void told_free(struct told *told);
size_t told_bytes(const struct told *told);

/* Makes the item of a change: hides its secrets, names its file and its author. 0, -errno. */
int told_item(const struct told *told, const struct history *history, struct item *ret);
