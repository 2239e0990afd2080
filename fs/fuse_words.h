/* SPDX-License-Identifier: MIT */
/*
 * What libfuse and fusermount3 say while something is mounted. libfuse tells its log function;
 * fusermount3, a program of its own, writes to standard error, where it would be a line of its own
 * beside ours.
 */
#pragma once

#include "parser/text/buf.h"

struct fuse_words {
    int saved; /* standard error; -1: it is not changed */
    int heard; /* a file in memory, in its place */
};

/* Begins to listen. One at a time. */
void fuse_words_begin(struct fuse_words *words);

/* Ends it. What was not said by them goes to standard error after all. Appends the reason why
 * mounting failed, in their words. 0, -ENOMEM. */
int fuse_words_end(struct fuse_words *words, struct buf *ret);
