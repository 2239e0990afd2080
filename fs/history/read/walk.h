/* SPDX-License-Identifier: MIT */
/*
 * One commit against its first parent: which .vmx files of one host differ, and who made it.
 *
 * Of the trees only those are read in which something differs, as they lie in the repository, and
 * the few that were read last are kept: each commit's are the next one's parents.
 */
#pragma once

#include <git2.h>

#include "base/cleanup.h"
#include "history/versions.h"

enum { WALK_TREES = 16 };

struct walk {
    git_repository *repository;
    git_odb *objects;
    char *host; /* the name of its folder in the root of the tree */
    git_odb_object *trees[WALK_TREES];
    size_t next_tree;

    /* Called for each file that differs: its name below the host's folder, and its blobs; NULL:
     * none. 0, -errno. */
    int (*see)(void *ctx, struct span name, const git_oid *before, const git_oid *after);
    void *ctx;
    struct buf name; /* of where it is */
};

/* Who made a commit, and of what kind it is. */
struct walk_commit {
    git_oid id, parent, undoes;
    bool has_parent, undoes_any, undoes_since;
    int64_t time_s;
    enum history_origin origin;
    char *user, *program; /* owned; never NULL */
};

/* dir: of the work tree. 0, -errno. */
int walk_open(struct walk *walk, const char *dir, const char *host);
void walk_close(struct walk *walk);

/* 0, -errno: of see, -EIO, -ENOMEM. */
int walk_commit(struct walk *walk, const git_oid *id, struct walk_commit *ret);
void walk_commit_done(struct walk_commit *commit);

/* Appends the bytes of a file. */
int walk_text(struct walk *walk, const git_oid *id, struct buf *ret);

/* The commit that a branch is at. -ENOENT: it has none yet. */
int walk_tip(struct walk *walk, const char *ref, git_oid *ret);
