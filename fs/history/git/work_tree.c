/* SPDX-License-Identifier: MIT */
#include "work_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../files.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "branch.h"
#include "work_file.h"
#include "work_index.h"

struct work {
    git_repository *repository;
    const char *git_dir;
    struct work_index index;
    git_tree *tip; /* that the branch had before the recording; NULL: none */
    int folder;
    char *scratch;
};

static const git_oid no_file = {{0}};

/* ---- what is checked out */

static char *noted_path(const char *git_dir)
{
    char *path;
    return asprintf(&path, "%s/vmxfs/checked-out", git_dir) < 0 ? NULL : path;
}

static bool read_noted(const char *git_dir, git_oid *ret)
{
    FREE_AUTO char *path = noted_path(git_dir);
    BUF_AUTO text = {0};
    return path && file_read(path, 4096, &text) == 0 && text.len >= GIT_OID_HEXSZ &&
           git_oid_fromstrn(ret, text.data, GIT_OID_HEXSZ) == 0;
}

static int write_noted(const char *git_dir, const git_oid *commit, int flags)
{
    FREE_AUTO char *path = noted_path(git_dir);
    char id[GIT_OID_HEXSZ + 2];
    git_oid_tostr(id, GIT_OID_HEXSZ + 1, commit);
    id[GIT_OID_HEXSZ] = '\n';
    return path ? files_replace(path, (struct span){id, GIT_OID_HEXSZ + 1}, flags) : -ENOMEM;
}

static void forget_noted(const char *git_dir)
{
    FREE_AUTO char *path = noted_path(git_dir);
    if (path)
        unlink(path);
}

/* Zeros: nothing was. */
static git_oid find_shown(git_repository *repository, const char *git_dir, const git_oid *tip)
{
    git_oid noted;
    if (!tip)
        return no_file;
    if (read_noted(git_dir, &noted) && (git_oid_equal(&noted, tip) || git_oid_is_zero(&noted) ||
                                        git_graph_descendant_of(repository, tip, &noted) == 1))
        return noted;
    return *tip;
}

/* It is noted before the branch moves from there. Where nothing is noted, the branch itself says
 * what is shown, which would be wrong once it has moved. */
static int note_shown(git_repository *repository, const git_oid *tip, git_oid *ret)
{
    const char *git_dir = git_repository_path(repository);
    git_oid noted;
    *ret = find_shown(repository, git_dir, tip);
    return read_noted(git_dir, &noted) && git_oid_equal(&noted, ret)
               ? 0
               : write_noted(git_dir, ret, FILES_DURABLE);
}

/* ---- one file */

static void note_stat(git_index_entry *entry, const struct stat *st)
{
    entry->ctime = (git_index_time){(int32_t)st->st_ctim.tv_sec, (uint32_t)st->st_ctim.tv_nsec};
    entry->mtime = (git_index_time){(int32_t)st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec};
    entry->dev = (uint32_t)st->st_dev;
    entry->ino = (uint32_t)st->st_ino;
    entry->uid = (uint32_t)st->st_uid;
    entry->gid = (uint32_t)st->st_gid;
    entry->file_size = (uint32_t)st->st_size;
}

/* An entry without the numbers of its file makes git look into it. */
static void forget_stat(git_index_entry *entry)
{
    const struct stat none = {0};
    note_stat(entry, &none);
}

static int write_file(struct work *work, const git_diff_file *new, struct stat *ret)
{
    git_blob *blob = NULL;
    if (git_blob_lookup(&blob, work->repository, &new->id) < 0)
        return -EIO;
    const struct span content = {git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob)};
    const int r = work_file_write(work->folder, new->path, work->scratch, content, ret);
    git_blob_free(blob);
    return r;
}

/* -ENOSPC and the like stop the whole; what is in the way of one file makes it the owner's. */
static bool is_of_one_file(int r)
{
    return r == -ENOTDIR || r == -EISDIR || r == -ELOOP || r == -EEXIST || r == -ENOTEMPTY ||
           r == -EXDEV || r == -EACCES || r == -EPERM;
}

static git_oid at_tip(const struct work *work, const char *path)
{
    git_tree_entry *entry = NULL;
    git_oid id = no_file;
    if (work->tip && git_tree_entry_bypath(&entry, work->tip, path) == 0) {
        id = *git_tree_entry_id(entry);
        git_tree_entry_free(entry);
    }
    return id;
}

/* What the index may hold if the owner has staged nothing: what the work tree showed, or, where his
 * git has brought it to the branch meanwhile, what the branch had. */
static bool is_unstaged(const struct work *work, const git_diff_delta *delta, const git_oid *staged)
{
    const git_oid tip = at_tip(work, delta->new_file.path);
    return git_oid_equal(staged, &delta->old_file.id) || git_oid_equal(staged, &tip);
}

/* The same of the file, which may be ahead of the index if that could not be written. */
static enum work_file_state file_state(const struct work *work, const git_diff_delta *delta,
                                       struct stat *ret)
{
    const char *path = delta->new_file.path;
    const git_oid tip = at_tip(work, path);
    const enum work_file_state state =
        work_file_state(work->folder, path, &delta->old_file.id, &delta->new_file.id, ret);
    return state == WORK_FILE_OTHER
               ? work_file_state(work->folder, path, &tip, &delta->new_file.id, ret)
               : state;
}

/* That git is not to look at the file, which the owner has said of it: in a sparse checkout, or to
 * have a change of his own left alone. */
static void keep_flags(git_index_entry *entry, const git_index_entry *old)
{
    const uint16_t skip = old->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE;
    entry->flags |= (old->flags & GIT_INDEX_ENTRY_VALID) | (skip ? GIT_INDEX_ENTRY_EXTENDED : 0);
    entry->flags_extended |= skip;
}

/* old: its entry in the index, NULL: none. */
static int put_file(struct work *work, const git_diff_delta *delta, const git_index_entry *old)
{
    git_index_entry entry = {.mode = delta->new_file.mode, .path = delta->new_file.path};
    struct stat st;
    const enum work_file_state state = file_state(work, delta, &st);
    entry.id = delta->new_file.id;
    if (old)
        keep_flags(&entry, old);
    int r = state == WORK_FILE_UNFIT ? -ENAMETOOLONG : 0;
    if (state == WORK_FILE_OLD || (state == WORK_FILE_NONE && git_oid_is_zero(&delta->old_file.id)))
        r = write_file(work, &delta->new_file, &st);
    else if (state != WORK_FILE_NEW)
        st = (struct stat){0};
    if (r == -ENAMETOOLONG) {
        entry.flags |= GIT_INDEX_ENTRY_EXTENDED;
        entry.flags_extended |= GIT_INDEX_ENTRY_SKIP_WORKTREE;
    }
    if (r < 0 && r != -ENAMETOOLONG && !is_of_one_file(r))
        return r;
    if (r == 0)
        note_stat(&entry, &st);
    return git_index_add(work->index.index, &entry) < 0 ? -EIO : 0;
}

static int remove_file(struct work *work, const git_diff_delta *delta)
{
    struct stat st;
    const char *path = delta->old_file.path;
    if (file_state(work, delta, &st) == WORK_FILE_OLD)
        work_file_remove(work->folder, path);
    return git_index_remove(work->index.index, path, 0) < 0 ? -EIO : 0;
}

static bool is_in_conflict(git_index *index, const char *path)
{
    return git_index_get_bypath(index, path, 1) || git_index_get_bypath(index, path, 2) ||
           git_index_get_bypath(index, path, 3);
}

static int update_file(struct work *work, const git_diff_delta *delta)
{
    const char *path = delta->new_file.path;
    const git_index_entry *entry = git_index_get_bypath(work->index.index, path, 0);
    const git_oid *staged = entry ? &entry->id : &no_file;
    if (!is_unstaged(work, delta, staged) || is_in_conflict(work->index.index, path) ||
        (entry && entry->flags_extended & GIT_INDEX_ENTRY_INTENT_TO_ADD))
        return 0;
    return git_oid_is_zero(&delta->new_file.id) ? remove_file(work, delta)
                                                : put_file(work, delta, entry);
}

/* ---- all of them */

/* A file that was changed in the second in which the index was written, to the same size, would
 * pass for unchanged once the index is newer: git looks for such when it writes one, and so does
 * this. */
static int forget_racy(struct work *work)
{
    git_index *index = work->index.index;
    for (size_t i = 0; i < git_index_entrycount(index); i++) {
        const git_index_entry *entry = git_index_get_byindex(index, i);
        struct stat st;
        if (entry->mtime.seconds < work->index.written_s || entry->file_size == 0 ||
            work_file_state(work->folder, entry->path, &no_file, &entry->id, &st) == WORK_FILE_NEW)
            continue;
        git_index_entry racy = *entry;
        forget_stat(&racy);
        if (git_index_add(index, &racy) < 0)
            return -EIO;
    }
    return 0;
}

static int find_tree(git_repository *repository, const git_oid *id, git_tree **ret)
{
    git_commit *commit = NULL;
    int error = git_commit_lookup(&commit, repository, id);
    if (error == 0)
        error = git_commit_tree(ret, commit);
    git_commit_free(commit);
    return error < 0 ? -EIO : 0;
}

static int diff_trees(git_repository *repository, const git_oid *from, const git_oid *to,
                      git_diff **ret)
{
    git_tree *trees[2] = {0};
    int r = (git_oid_is_zero(from) ? 0 : find_tree(repository, from, &trees[0]))
                ?: find_tree(repository, to, &trees[1]);
    if (r == 0 && git_diff_tree_to_tree(ret, repository, trees[0], trees[1], NULL) < 0)
        r = -EIO;
    git_tree_free(trees[0]);
    git_tree_free(trees[1]);
    return r;
}

static int update_files(struct work *work, const git_oid *from, const git_oid *to)
{
    git_diff *diff = NULL;
    int r = diff_trees(work->repository, from, to, &diff) ?: forget_racy(work);
    /* What goes makes room for what comes: a file may be in the place of a folder. */
    for (int comes = 0; comes < 2; comes++) {
        for (size_t i = 0; r == 0 && i < git_diff_num_deltas(diff); i++) {
            const git_diff_delta *delta = git_diff_get_delta(diff, i);
            if (git_oid_is_zero(&delta->new_file.id) != !!comes)
                r = update_file(work, delta);
        }
    }
    git_diff_free(diff);
    return r;
}

static int update(git_repository *repository, const git_oid *from, const git_oid *tip,
                  const git_oid *to)
{
    FREE_AUTO char *scratch = NULL;
    struct work work = {.repository = repository, .git_dir = git_repository_path(repository)};
    if (asprintf(&scratch, "%s/vmxfs/file", work.git_dir) < 0)
        return -ENOMEM;
    work.scratch = scratch;
    FD_AUTO folder = open(git_repository_workdir(repository), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    work.folder = folder;
    int r = work_index_begin(&work.index, work.git_dir);
    if (r < 0)
        return r;
    r = (tip ? find_tree(repository, tip, &work.tip) : 0) ?: update_files(&work, from, to);
    git_tree_free(work.tip);
    if (r < 0) {
        work_index_abort(&work.index);
        return r;
    }
    return work_index_finish(&work.index);
}

int work_tree_prepare(git_repository *repository, const char *branch, const git_oid *tip)
{
    git_oid shown;
    if (branch_is_checked_out(repository, branch))
        return note_shown(repository, tip, &shown);
    /* His git brings the work tree to the branch when he comes back. */
    forget_noted(git_repository_path(repository));
    return 0;
}

int work_tree_update(git_repository *repository, const char *branch, const git_oid *tip)
{
    git_oid from;
    git_oid to;
    if (!branch_is_checked_out(repository, branch) || branch_tip(repository, branch, &to) < 0)
        return 0;
    const int r = note_shown(repository, tip, &from);
    if (r < 0 || git_oid_equal(&from, &to))
        return r;
    return update(repository, &from, tip, &to)
               ?: write_noted(git_repository_path(repository), &to, FILES_FAST);
}
