/* SPDX-License-Identifier: MIT */
/* Directories: their entries, with attributes, as one cached snapshot. */
#pragma once

#include "cache.h"
#include "remote/remote.h"

struct listing_entry {
    char *name; /* shared (listing_name.h) */
    struct sftp_attrs attrs;
    const char *shown_as;   /* of a directory that a link beside it names (aliases.h): the link's
                               name; the directory can be reached and is not listed */
    const char *stands_for; /* of a link that is shown as the directory that it names: that one's
                               name, which is an entry, too; the attributes are the link's */
};

struct listing {
    struct cached cached;
    size_t n;
    struct listing_entry *entries; /* by name, without our own hidden files */
    size_t own;                    /* of those */
    bool changed;                  /* by this mount since it was listed (listing_removal.c) */
    bool shows_changes;            /* of documents that were cached */
    size_t left_out;               /* entries of the server's that cannot be files here */
    int64_t took_ms;               /* from the beginning of its load to the end ... */
    unsigned trips;                /* ... in at least so many round trips */
    struct sftp_attrs root; /* of the directory itself, if that is the root: no listing has it
                               as an entry; flags 0: not known */
};

/* The entries of a directory, at most max_age_ms old. *ret is a reference. */
int remote_list(struct remote *remote, const char *dir, int64_t max_age_ms, const struct wait *wait,
                struct listing **ret);

/* Loads the listings of directories that are not known, or older, in flight together: remote_list
 * finds them then. One that the server refuses is left to that. 0; -EIO, -EINTR, -ENOMEM. */
int remote_load_listings(struct remote *remote, char *const *dirs, size_t n, int64_t max_age_ms,
                         const struct wait *wait);

/* The same, but what this mount has changed since it was listed is not listed anew. */
int remote_list_changed(struct remote *remote, const char *dir, int64_t max_age_ms,
                        const struct wait *wait, struct listing **ret);

/* NULL: no memory. */
struct listing *listing_new(void);

/* What an entry counts for in cached.bytes. */
size_t listing_entry_bytes(const char *name);

/* 0, -ENOMEM. The names have to be brought into order. */
int listing_add(struct listing *listing, const char *name, const struct sftp_attrs *attrs);

/* ---- what an own removal leaves known of the other names (listing_removal.c) */

/* What is known of the folder of a name before that is removed: a reference, or NULL. */
struct listing *listing_before(struct remote *remote, const char *path);

/* The name was removed. before: as of listing_before. */
void listing_name_gone(struct remote *remote, const char *path, const struct listing *before);

/* NULL if the name is not there. */
const struct listing_entry *listing_find(const struct listing *listing, const char *name);

/* Attributes of one path (a link is not followed), at most max_age_ms old: from the listing of its
 * directory if that is young enough, else from the server. A listing that took most of
 * cache_timeout to load is good for as long again, unless max_age_ms is 0: otherwise it would never
 * serve, and a user who looks at all its names would have it loaded again and again. *ret_true_at:
 * the time (clock_ms()) at which they were true. 0, -ENOENT, ... */
int remote_getattr(struct remote *remote, const char *path, int64_t max_age_ms,
                   const struct wait *wait, struct sftp_attrs *ret, int64_t *ret_true_at);

static inline void listing_unref(struct listing **l)
{
    if (*l)
        cached_unref(&(*l)->cached);
    *l = NULL;
}
#define LISTING_AUTO __attribute__((cleanup(listing_unref), unused)) struct listing
