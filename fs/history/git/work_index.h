/* SPDX-License-Identifier: MIT */
/*
 * The index of the repository, changed as git does: under .git/index.lock, and replaced whole.
 *
 * libgit2 takes that lock only to write, so that what the owner stages between its reading and its
 * writing would be lost. Here the lock is held all the time.
 */
#pragma once

#include <git2.h>
#include <time.h>

#include "own_lock.h"

struct work_index {
    const char *git_dir;
    struct own_lock lock;
    git_index *index;
    time_t written_s; /* when the index was written that was read */
};

/* 0; -EAGAIN: locked by the owner's git; -EBADMSG: an index that libgit2 cannot read; -errno. Only
 * if it is 0 one of the two next follows. */
int work_index_begin(struct work_index *index, const char *git_dir);

/* Replaces the index. 0, -errno. */
int work_index_finish(struct work_index *index);
void work_index_abort(struct work_index *index);
