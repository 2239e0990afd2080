/* SPDX-License-Identifier: MIT */
/*
 * Which files VMs name: the disks of their .vmx, these disks' parents, to the first, the extents of
 * all of them, and nvram, swap file and suspend image, wherever below the root they lie.
 *
 * For one thread at a time.
 */
#pragma once

#include "disk_descriptors.h"

struct document;

/* A VM whose files are known. */
struct known_vm {
    struct path_item item;     /* first; the path of the .vmx */
    struct sftp_attrs version; /* of the .vmx that named them */
    bool opaque;               /* the .vmx does not tell what it names */
    int64_t unused_at;         /* clock_ms() when it was last seen not in use; 0: never */
};

struct naming { /* a VM names a file */
    struct known_vm *vm;
    bool disk; /* as a disk, a disk's parent or an extent */
    struct naming *next;
};

struct named_file {
    struct path_item item; /* first */
    struct naming *by;
};

/* All zeros: nothing. */
struct named_files {
    struct path_item *vms;   /* struct known_vm */
    struct path_item *files; /* struct named_file */
    size_t n;                /* of names */
    struct descriptors descriptors;
};

/* Forgets all but the descriptors. */
void named_files_clear(struct named_files *named);
void named_files_done(struct named_files *named);

/* Adds the files of VMs; asks nothing about known VMs with an unchanged .vmx. paths, docs: n of
 * each; a document is NULL if the .vmx cannot be read. 0; -ENOTCONN, -EIO, -EINTR, -ENOMEM. */
int named_files_add(struct named_files *named, struct remote *remote, char *const *paths,
                    struct document *const *docs, size_t n, const struct wait *wait);

/* NULL: no known VM names it. */
const struct named_file *named_files_find(const struct named_files *named, const char *path);
