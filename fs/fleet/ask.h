/* SPDX-License-Identifier: MIT */
/*
 * Reads control files of several mounts at once, each for so long at most: whoever reads a file of
 * a mount that hangs may not even be killed, so each is read by a process of its own, which is left
 * behind then. While one hangs, nothing else is asked of its mount.
 */
#pragma once

#include <stddef.h>
#include "parser/text/buf.h"

struct asked {
    const char *mount; /* NULL: nothing is asked. Borrowed, and so is the next one */
    const char *file;  /* below the mount */
    struct buf text;
    int error; /* 0; -ETIMEDOUT: the mount hangs; -ENOENT, ... */

    /* Private. */
    int fd;
    int pid;
};

/* Processes that were left behind. Zeros are none. */
struct left_behind {
    struct left *list;
    size_t n;
};

/* What a mount that could not be asked is said to do: "hangs", or "error". */
const char *asked_word(const struct asked *asked);

/* Reads the files of all, which the caller has named; returns after ten seconds at the latest. */
void ask_all(struct asked *asked, size_t n, struct left_behind *left);

/* Forgets them. Those that hang go on doing so. */
void left_behind_done(struct left_behind *left);
