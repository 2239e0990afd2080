/* SPDX-License-Identifier: MIT */
/*
 * DIR/.git/vmxfs: what all processes that share a repository have to record, and the lock under
 * which one of them does.
 *
 *     spool/TIME-WHO-SERIAL-BRANCH
 *                            an item: written whole by whoever made the change, removed by whoever
 *                            recorded it: a process of the same branch (USER@MACHINE); any, where
 *                            the name ends before that, as older ones do
 *     lock                   flock(2): of who reads the spool and moves the branch. A process that
 *                            ends, however, gives it back
 *     last-BRANCH            what the last recording was (last.h)
 *     packs/                 which packs are vmxfs's (git/pack.h)
 *     checked-out            what the work tree shows (git/work_tree.h)
 *
 * A file of the spool is safe once it has its name, whatever becomes of the process. It is not
 * synchronized to the disk: a power loss may take the changes of the last seconds with it, which
 * are found again as changes by others. What is recorded is (last.h says in which order).
 */
#pragma once

#include "item.h"

struct spool {
    char *dir;       /* DIR/.git/vmxfs */
    char *branch;    /* whose items it has to do with: USER@MACHINE */
    unsigned number; /* of it in this process: WHO is PID.NUMBER */
    int lock;        /* -1: not had */
};

struct spool_names {
    char **list; /* the oldest first */
    size_t n;
};

/* branch: refs/heads/USER@MACHINE. spool_close in any case. */
int spool_open(struct spool *spool, const char *git_dir, const char *branch);
void spool_close(struct spool *spool);

/* 0, -errno. *ret_name: of its file, freed by the caller. */
int spool_put(struct spool *spool, const struct item *item, char **ret_name);

/* Whether a file of the spool is still to be recorded. */
bool spool_has(const struct spool *spool, const char *name);

/* The items of its branch. */
int spool_list(const struct spool *spool, struct spool_names *ret);
void spool_names_done(struct spool_names *names);

/* 0; -ENOENT: another process has recorded it; -EBADMSG: it is no whole item; -ENOMEM, -EMFILE,
 * -ENFILE; -EACCES, -EINVAL, ...: it cannot be read. */
int spool_get(const struct spool *spool, const char *name, struct item *ret);
void spool_remove(const struct spool *spool, const char *name);

/* 0; -EAGAIN: another one has it; -errno. */
int spool_lock(struct spool *spool);
void spool_unlock(struct spool *spool);
