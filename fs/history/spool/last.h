/* SPDX-License-Identifier: MIT */
/*
 * DIR/.git/vmxfs/last-BRANCH: what was recorded last, so that a process that is killed between
 * moving the branch and removing files of the spool leaves nothing that would be recorded twice.
 *
 *     pack written -> last written -> branch moved -> files of the spool removed
 *       durable         durable         durable
 *
 * last names the commit that the branch is about to get, and what of the spool is in it. If the
 * branch has the commit, those files are done with. If it has not, they are yet to be recorded, and
 * the pack is only ballast. So it holds for a kill and for a power loss at any place.
 *
 * It also has the time of the newest change made through vmxfs, for each file with one in the last
 * minute: what was read before that and is found later is no change by others.
 */
#pragma once

#include <git2.h>
#include <uthash.h>

#include "spool.h"

struct last_change {
    char *file;
    int64_t time_ns;
    UT_hash_handle hh;
};

struct last {
    git_oid commit;          /* zero: none */
    struct spool_names done; /* of the spool */
    struct last_change *changes;
};

/* A file that is missing or broken says nothing; where there is none yet, one of an older vmxfs,
 * without the branch in its name, counts. -ENOMEM. */
int last_read(const struct spool *spool, struct last *ret);

/* Durably. 0, -errno. */
int last_write(const struct spool *spool, const struct last *last);

int last_add_done(struct last *last, const char *name);
int last_add_change(struct last *last, const char *file, int64_t time_ns);
int64_t last_change_ns(const struct last *last, const char *file); /* 0: none is known */

/* Forgets what is done, and the changes too. */
void last_clear_done(struct last *last);
void last_done(struct last *last);
