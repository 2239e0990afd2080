/* SPDX-License-Identifier: MIT */
/*
 * New objects of a repository, in memory until they become one pack (pack.h). What is read is
 * looked for among them first, then in the repository.
 *
 * Each object may name the one that it is a new version of, its base: a pack keeps only what
 * differs from it. That is known here, where an object is made, and would have to be guessed later.
 */
#pragma once

#include <git2.h>
#include <stdbool.h>
#include <uthash.h>

#include "parser/text/buf.h"

struct object {
    git_oid id;
    git_object_t type;
    struct buf data;
    git_oid base; /* zero: it has none */
    struct object *next;
    UT_hash_handle hh;
};

struct objects {
    git_odb *odb; /* borrowed */
    struct object *by_id;
    struct object *first, *last; /* as they were made */
    size_t bytes;
};

void objects_clear(struct objects *objects);

/* Makes an object where there is none that is the same. base: NULL: none. 0, -ENOMEM, -EIO. */
int objects_add(struct objects *objects, git_object_t type, struct span data, const git_oid *base,
                git_oid *ret);

/* Appends an object's content. 0, -ENOENT, -EIO, -ENOMEM. */
int objects_read(const struct objects *objects, const git_oid *id, git_object_t type,
                 struct buf *ret);
