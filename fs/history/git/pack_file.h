/* SPDX-License-Identifier: MIT */
/* Reading a pack that pack.h has written: where its objects are, and what is noted of it. */
#pragma once

#include "pack.h"

struct pack_file {
    char *name;
    int64_t time_ns; /* when it was made */
    int64_t size;
    struct pack_base *bases;
    size_t n_bases;
    struct pack_entry *entries; /* in the order of the pack; only id, offset, crc */
    size_t n;
};

/* Reads what is noted of a pack, and its size. 0; -ENOENT: the pack is not there; -EBADMSG. */
int pack_file_find(const char *git_dir, const char *name, struct pack_file *ret);
/* Reads its index. 0, -EBADMSG, -errno. */
int pack_file_load(const char *git_dir, struct pack_file *file);
void pack_file_done(struct pack_file *file);

/* Reads one entry as it stands there, checked. fd: of the pack. base: of a delta. */
int pack_file_entry(const struct pack_file *file, int fd, size_t i, struct buf *raw,
                    bool *ret_is_delta, git_oid *base);

/* Opens the pack. fd, -errno. */
int pack_file_open(const char *git_dir, const struct pack_file *file);
