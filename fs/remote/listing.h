/* SPDX-License-Identifier: MIT */
/* Directories: what they hold, with attributes, as one cached snapshot. */
#pragma once

#include "cache.h"
#include "remote.h"

struct listing_entry {
    char *name;
    struct sftp_attrs attrs;
    const char *link; /* of a UUID-named directory that a link beside it names: that link's name;
                         the directory is reachable only */
};

struct listing {
    struct cached cached;
    size_t n;
    struct listing_entry *entries; /* by name, without our own hidden files */
    size_t left_out;               /* entries of the server's that no file can be */
    struct sftp_attrs root; /* of the directory itself, if that is the root: no listing has it
                               as an entry; flags 0: not known */
};

/* The entries of a directory, at most max_age_ms old. *ret is a reference. */
int remote_list(struct remote *remote, const char *dir, int64_t max_age_ms, const struct wait *wait,
                struct listing **ret);

/* Names that VMware makes of a UUID: hexadecimal digits in groups (VMFS, NFS, vSAN). Only these are
 * known by a link. */
bool listing_is_uuid_name(const char *name);

/* NULL if the name is not there. */
const struct listing_entry *listing_find(const struct listing *listing, const char *name);

/* Attributes of one path (a link is not followed), at most max_age_ms old: from the listing of its
 * directory where that is young enough, else asked. *ret_true_at: as of when (clock_ms()). 0,
 * -ENOENT, ... */
int remote_getattr(struct remote *remote, const char *path, int64_t max_age_ms,
                   const struct wait *wait, struct sftp_attrs *ret, int64_t *ret_true_at);

static inline void listing_unref(struct listing **l)
{
    if (*l)
        cached_unref(&(*l)->cached);
    *l = NULL;
}
#define LISTING_AUTO __attribute__((cleanup(listing_unref), unused)) struct listing
