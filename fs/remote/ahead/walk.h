/* SPDX-License-Identifier: MIT */
/*
 * A walk through the tree below a directory, in the order of names: the listings of its
 * sub-directories, and the documents in it and in them. A document's turn comes when the listing
 * that names it is there, and after the sub-directories that are to be listed.
 *
 * A walk is *wide* when it goes on as fast as it can, or keeps *ahead* of a user, in either
 * direction: by no more than the user reads in half of the time for which an answer is trusted.
 */
#pragma once

#include "remote/cache/load.h"

struct walk {
    struct walk *prev, *next; /* the owner's */
    struct listing *listing;  /* of the directory: a reference */
    bool relists;             /* listings that have become too old, too */
    bool wide;
    bool backward;                  /* from here on entries are counted from the last one */
    size_t from, end;               /* wide: 0 and all of them */
    size_t listed, document, inner; /* where it is: inner is in the listing of a sub-directory */
    size_t found, passed; /* wide: its sub-directories and documents; those it is through with */
    int64_t began_at, used_at;
    char dir[];
};

/* What is to be loaded next. */
struct wanted {
    const struct load_kind *kind;
    char *path;
    int64_t not_before;
    size_t bytes; /* expected */
};

enum walk_state {
    WALK_WANTS, /* *ret is to be loaded, unless it is known; then walk_passed */
    WALK_WAITS, /* for a listing under way, or for the user */
    WALK_OVER,
};

/* NULL: the directory is not known, there is no such entry, or no memory. */
struct walk *walk_new_wide(struct remote *remote, const char *dir);
/* The user is at the entry named, and came from the side of the other name. */
struct walk *walk_new_ahead(struct remote *remote, const char *dir, bool relists,
                            const char *came_from, const char *is_at);
void walk_free(struct walk *walk);

/* The path wanted is the caller's to free. */
enum walk_state walk_next(struct walk *walk, struct remote *remote, struct wanted *ret);
/* The same, where there is no room for the listing that walk_next wants: a document of those that
 * came before. */
enum walk_state walk_next_document(struct walk *walk, struct remote *remote, struct wanted *ret);
void walk_passed(struct walk *walk, const struct wanted *wanted);

/* The user has come to the entry of this name, or below it. */
void walk_used(struct walk *walk, const struct remote *remote, const char *name);
