/* SPDX-License-Identifier: MIT */
/* A change that was made through a vmxfs and is not recorded yet: all that makes its commit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "parser/text/buf.h"

enum item_kind {
    ITEM_COMMITTED, /* file had the text before, if it was there, and has the text after */
    ITEM_RENAMED,   /* from became file */
    ITEM_REMOVED,
};

struct item {
    enum item_kind kind;
    bool
        existed; /* before is known; for the two last kinds: it was seen and perhaps not recorded */
    bool undoes_since;
    int64_t time_ns;   /* since 1970 */
    char *file, *from; /* in the repository */
    struct buf before; /* both without secrets */
    struct buf after;
    char *user, *mail; /* who asked */
    char *program;     /* "": not known */
    char *mount;       /* the mountpoint */
    char *undoes;      /* a commit, or "" */
};

void item_done(struct item *item);

/* Appends the item as it stands in a file. -ENOMEM. */
int item_write(const struct item *item, struct buf *ret);

/* 0; -EBADMSG: that is no whole item; -ENOMEM. *ret is empty where it fails. */
int item_read(struct span text, struct item *ret);
