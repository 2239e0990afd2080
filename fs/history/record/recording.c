/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include <errno.h>
#include <stdlib.h>

#include "../files.h"
#include "../git/branch.h"
#include "../git/pack.h"
#include "../git/repository.h"
#include "../git/tree.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include "parser/text/text.h"

static bool has_commit(git_repository *repository, const git_oid *tip, const git_oid *commit)
{
    return git_oid_equal(tip, commit) ||
           (!git_oid_is_zero(tip) && git_graph_descendant_of(repository, tip, commit) == 1);
}

static bool any_is_left(const struct recording *rec)
{
    for (size_t i = 0; i < rec->last.done.n; i++) {
        if (spool_has(rec->spool, rec->last.done.list[i]))
            return true;
    }
    return false;
}

/* See last.h. */
static int end_last(struct recording *rec)
{
    int r = last_read(rec->spool, &rec->last);
    if (r < 0 || git_oid_is_zero(&rec->last.commit))
        return r;
    if (!has_commit(rec->repository, &rec->tip, &rec->last.commit)) {
        last_done(&rec->last);
        return 0;
    }
    if (any_is_left(rec))
        r = branch_sync(rec->repository, rec->history->branch);
    if (r < 0)
        return r;
    for (size_t i = 0; i < rec->last.done.n; i++)
        spool_remove(rec->spool, rec->last.done.list[i]);
    last_clear_done(&rec->last);
    return 0;
}

static int read_tip(struct recording *rec, struct diag *why)
{
    git_commit *commit = NULL;
    int r = branch_tip(rec->repository, rec->history->branch, &rec->tip);
    if (r == -ENOENT) {
        rec->tip = (git_oid){{0}};
        return 0;
    }
    if (r < 0)
        return diag_set(why, "the branch %s cannot be read", rec->history->branch), r;
    const int error = git_commit_lookup(&commit, rec->repository, &rec->tip);
    if (error == 0)
        rec->tree = *git_commit_tree_id(commit);
    git_commit_free(commit);
    rec->head = rec->tip;
    return repository_error(error, "the newest commit", why);
}

int recording_begin(struct recording *rec, const struct history *history, const struct spool *spool,
                    struct diag *why)
{
    *rec = (struct recording){.history = history, .spool = spool, .began_ns = clock_wall_ns()};
    int r = repository_open(history->options.dir, &rec->repository, why);
    if (r < 0)
        return r;
    rec->git_dir = git_repository_path(rec->repository);
    r = repository_error(git_repository_odb(&rec->odb, rec->repository), "the objects", why);
    rec->objects.odb = rec->odb;
    return r ?: read_tip(rec, why) ?: end_last(rec);
}

void recording_end(struct recording *rec)
{
    objects_clear(&rec->objects);
    last_done(&rec->last);
    buf_done(&rec->subject);
    git_odb_free(rec->odb);
    git_repository_free(rec->repository);
}

int recording_blob(const struct recording *rec, const char *file, git_oid *ret)
{
    return tree_get(&rec->objects, &rec->tree, file, ret);
}

int recording_id(struct span text, git_oid *ret)
{
    return git_odb_hash(ret, text.n ? text.p : "", text.n, GIT_OBJECT_BLOB) < 0 ? -EIO : 0;
}

static int by_path(const void *a, const void *b)
{
    const struct tree_change *x = a;
    const struct tree_change *y = b;
    return strcmp(x->path, y->path);
}

static int add_blob(struct recording *rec, const struct recording_change *change, git_oid *ret)
{
    git_oid base;
    const int r = recording_blob(rec, change->file, &base);
    if (r < 0 && r != -ENOENT)
        return r;
    return objects_add(&rec->objects, GIT_OBJECT_BLOB, *change->after, r == 0 ? &base : NULL, ret);
}

static int change_tree(struct recording *rec, const struct recording_change *changes, size_t n,
                       git_oid *ret)
{
    FREE_AUTO struct tree_change *list = calloc(n, sizeof(*list));
    int r = list ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < n; i++) {
        list[i].path = changes[i].file;
        r = changes[i].after ? add_blob(rec, &changes[i], &list[i].blob) : 0;
    }
    if (r < 0)
        return r;
    qsort(list, n, sizeof(*list), by_path);
    r = tree_set(&rec->objects, &rec->tree, list, n, ret);
    if (r == 0 && git_oid_is_zero(ret)) /* a commit must have a tree */
        r = objects_add(&rec->objects, GIT_OBJECT_TREE, SPAN_LITERAL(""), NULL, ret);
    return r;
}

int recording_commit(struct recording *rec, const struct recording_change *changes, size_t n,
                     const struct message *message)
{
    BUF_AUTO text = {0};
    const struct message_person committer = {rec->history->user, rec->history->mail};
    git_oid tree;
    git_oid_cpy(&tree, &rec->tree);
    int r = n > 0 ? change_tree(rec, changes, n, &tree) : 0;
    if (r < 0 || (n > 0 && git_oid_equal(&tree, &rec->tree)))
        return r;
    r = message_commit(message, &tree, git_oid_is_zero(&rec->head) ? NULL : &rec->head, &committer,
                       &text)
            ?: objects_add(&rec->objects, GIT_OBJECT_COMMIT, buf_span(&text), NULL, &rec->head);
    if (r < 0)
        return r;
    rec->tree = tree;
    rec->commits++;
    buf_clear(&rec->subject);
    return buf_add_str(&rec->subject, message->subject);
}

static int move_branch(struct recording *rec, bool *ret_moved, struct diag *why)
{
    BUF_AUTO text = {0};
    int r = rec->commits == 1 ? buf_addf(&text, "vmxfs: %s", rec->subject.data)
                              : buf_addf(&text, "vmxfs: %zu changes, the last one %s", rec->commits,
                                         rec->subject.data);
    const struct branch_move move = {.branch = rec->history->branch,
                                     .from = git_oid_is_zero(&rec->tip) ? NULL : &rec->tip,
                                     .to = &rec->head,
                                     .name = rec->history->user,
                                     .mail = rec->history->mail,
                                     .message = text.data};
    return r ?: branch_move(rec->repository, &move, ret_moved, why);
}

static int publish_commits(struct recording *rec, struct diag *why)
{
    FREE_AUTO char *pack = NULL;
    bool moved = false;
    int r = pack_write(&rec->objects, rec->git_dir, &pack);
    rec->last.commit = rec->head;
    r = r ?: last_write(rec->spool, &rec->last);
    if (r < 0)
        diag_set(why, "%s: %s", rec->git_dir, strerror(-r));
    r = r ?: move_branch(rec, &moved, why);
    if (r < 0 && pack && !moved)
        pack_remove(rec->git_dir, pack);
    return r;
}

int recording_publish(struct recording *rec, struct diag *why)
{
    int r = rec->commits > 0 ? publish_commits(rec, why) : 0;
    if (r < 0)
        return r;
    for (size_t i = 0; i < rec->last.done.n; i++)
        spool_remove(rec->spool, rec->last.done.list[i]);
    last_clear_done(&rec->last);
    rec->tip = rec->head;
    rec->commits = 0;
    objects_clear(&rec->objects);
    return git_odb_refresh(rec->odb) < 0 ? -EIO : 0;
}
