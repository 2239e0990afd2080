/* SPDX-License-Identifier: MIT */
/*
 * Writing a pack and its index, as gitformat-pack(5) has them.
 *
 * libgit2's own writer maps the file that it writes into memory, so that a disk that is full ends
 * the process by SIGBUS; and it searches for what to make deltas of, which is known here.
 *
 * A delta is named by the id of its base, which stands before it in the same pack: so it can be
 * copied from pack to pack as it is (join.h). The base of an object may be in another pack; then
 * the object is stored whole, and a note beside the repository (DIR/.git/vmxfs/packs/NAME) has the
 * base, for when the packs are joined. These notes also say which packs vmxfs has made.
 *
 *     in a pack:  whole <- delta <- delta       depth 0, 1, 2; the whole one's height is 2
 */
#pragma once

#include <git2.h>
#include <zlib.h>

#include "objects.h"

enum { PACK_DEPTH = 50 }; /* of deltas: git's own limit */

struct pack_entry {
    git_oid id;
    uint32_t offset; /* 0: not written yet */
    uint32_t crc;
    uint32_t root; /* which entry is the whole one below it */
    uint16_t depth, height;
};

struct pack_base {
    git_oid id, base;
    unsigned height; /* of id */
};

struct pack {
    char *git_dir;
    int fd;
    char *path;                 /* of the unfinished file */
    struct pack_entry *entries; /* sorted by id */
    size_t n;
    struct pack_base *bases; /* those that are elsewhere */
    size_t n_bases;
    struct buf out; /* not written yet */
    size_t at;      /* where the next entry begins */
    z_stream deflate;
    struct evp_md_ctx_st *sum;
};

/* Begins a pack of these objects, which are sorted by id here. git_dir is copied; entries become
 * the pack's, also where it fails. pack_done in any case. 0, -errno. */
int pack_begin(struct pack *pack, const char *git_dir, struct pack_entry *entries, size_t n);

/* The entry of an object of this pack, or NULL. */
struct pack_entry *pack_find(const struct pack *pack, const git_oid *id);

/* Writes one of them, whole, or as a delta to its base if that has been written. base: zero: it has
 * none; base_data: its content. height: of the entry (above); 0 for one that is new. */
int pack_add(struct pack *pack, struct pack_entry *e, git_object_t type, struct span data,
             const git_oid *base, struct span base_data, unsigned height);

/* Whether pack_add would want base_data. */
bool pack_wants_base(const struct pack *pack, const git_oid *base, unsigned height);

/* Writes one as it stood in another pack. base: of a delta, which has been written; NULL: whole. */
int pack_copy(struct pack *pack, struct pack_entry *e, struct span raw, const git_oid *base);

/* Says that a whole object has a base in another pack. */
int pack_note_base(struct pack *pack, const struct pack_base *base);

/* Makes the pack one of the repository, durably. *ret: its name, "pack-" and 40 digits; freed by
 * the caller. */
int pack_finish(struct pack *pack, char **ret);
void pack_done(struct pack *pack);
#define PACK_AUTO __attribute__((cleanup(pack_done))) struct pack

/* Removes a pack of vmxfs with its index and its note. */
void pack_remove(const char *git_dir, const char *name);

/* Writes all of a batch as one pack. Nothing is written where there are none: *ret is NULL. */
int pack_write(const struct objects *objects, const char *git_dir, char **ret);
