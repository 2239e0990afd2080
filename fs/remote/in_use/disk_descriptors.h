/* SPDX-License-Identifier: MIT */
/*
 * Disk descriptors: the files that each names, read once and kept as long as the file has the same
 * time and size. A file of more than DESCRIPTOR_MAX bytes is not a descriptor, and names nothing.
 *
 * For one thread at a time.
 */
#pragma once

#include "remote/remote_private.h"

enum { DESCRIPTOR_MAX = 1 << 20 };

struct descriptor {
    struct path_item item; /* first */
    struct sftp_attrs attrs;
    struct buf parents, extents; /* names, each followed by a NUL */
};

/* All zeros: none. */
struct descriptors {
    struct path_item *table;
    size_t bytes; /* of all names */
};

void descriptors_done(struct descriptors *all);

/* Brings the entries of n paths up to date. A file that cannot be read names nothing. 0; -ENOTCONN,
 * -EIO, -EINTR, -ENOMEM. */
int descriptors_refresh(struct descriptors *all, struct remote *remote, const char *const *paths,
                        size_t n, const struct wait *wait);

/* NULL: the file is not a descriptor. */
struct descriptor *descriptors_find(const struct descriptors *all, const char *path);
