/* SPDX-License-Identifier: MIT */
/*
 * The queue before the commits of one file. A thread that finds no commit of it under way leads: it
 * takes all changes that wait, commits them as one, and tells each its result. A leader whose own
 * wait ends takes only its own change with it; the others find a new leader among themselves.
 */
#include "commit.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "attempt.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "foreign_edit.h"
#include "move.h"
#include "new_settings.h"
#include "remote/file/file_name.h"
#include "remote/lock/lock.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "remote/notes.h"
#include "remote/server_errors.h"
#include "sftp/results.h"
#include "trying.h"

enum { LINKS_MAX = 8, FOREIGN_EDITS_MAX = 16 };

struct commit_queue {
    struct change *waiting; /* all protected by remote->lock */
    bool busy;
    unsigned users;
    UT_hash_handle hh;
    char path[];
};

static struct commit_queue *queue_get(struct remote *remote, const char *path)
    REQUIRES(remote->lock)
{
    struct commit_queue *q;
    size_t len = strlen(path);
    HASH_FIND(hh, remote->queues, path, len, q);
    if (!q) {
        q = calloc(1, sizeof(*q) + len + 1);
        if (!q)
            return NULL;
        memcpy(q->path, path, len + 1);
        HASH_ADD_KEYPTR(hh, remote->queues, q->path, len, q);
        if (!q->hh.tbl) {
            free(q);
            return NULL;
        }
    }
    q->users++;
    return q;
}

static void queue_put(struct remote *remote, struct commit_queue *q) REQUIRES(remote->lock)
{
    if (--q->users == 0) {
        HASH_DEL(remote->queues, q);
        free(q);
    }
}

/* The changes of one commit, as a rewrite. */
struct group {
    struct remote *remote;
    struct change *changes;
};

const struct change *change_before(const struct change *change)
{
    return change->prev->next ? change->prev : NULL; /* utlist: the first one's prev is the last */
}

/* Applies one change to the text so far: c->text is what it made, if it has not failed. */
static int apply_one(struct group *group, struct change *c, const struct server_text *server,
                     struct span text)
{
    struct vmx_dict *current = NULL;
    int r = vmx_dict_parse(text, &current);
    buf_clear(&c->text);
    c->diag = (struct diag){0};
    c->existed = server->exists;
    r = r ?: c->apply(c, server, current, &c->text, &c->diag);
    vmx_dict_free(current);
    if (r == 0 && c->text.len > group->remote->options.vmx_max) {
        diag_set(&c->diag, "the .vmx would be larger than %zu KiB (vmx_max)",
                 group->remote->options.vmx_max / 1024);
        r = -EFBIG;
    }
    return r;
}

static int make(void *ctx, const struct server_text *server, struct buf *ret)
{
    struct group *group = ctx;
    struct change *c;
    struct span before = vmx_dict_text(server->doc->dict);
    struct span text = before;
    int failed = 0;
    bool any = false;
    struct server_text so_far = *server;
    DL_FOREACH (group->changes, c) {
        c->result = apply_one(group, c, &so_far, text);
        if (c->result == 0) {
            any = so_far.exists = true;
            text = buf_span(&c->text);
        } else {
            failed = c->result;
        }
    }
    if (!any)
        return failed;
    if (server->exists && span_eq(text, before))
        return 1;
    return buf_add(ret, text);
}

/* 0; -EAGAIN: one of them was made from what is not so any more. */
static int still(void *ctx, const struct wait *wait)
{
    const struct group *group = ctx;
    struct change *c;
    int r = 0;
    DL_FOREACH (group->changes, c) {
        if (r == 0 && c->result == 0 && c->still)
            r = c->still(c, wait);
    }
    return r;
}

/* Whatever one of them fails with from now on, it may have been made. */
static void may_be_made(void *ctx)
{
    const struct group *group = ctx;
    struct change *c;
    DL_FOREACH (group->changes, c) {
        c->unsure |= c->result == 0;
    }
}

/* The document to start from, however old: it is compared with what the server has. NULL where
 * there is none (it will be created, or is found missing). */
static int known_document(struct remote *remote, const char *path, const struct wait *wait,
                          struct document **ret)
{
    int r = remote_document(remote, path, DOCUMENT_ANY_AGE, wait, ret);
    return r == -ENOENT || r == -EMEDIUMTYPE ? 0 : r;
}

/* *target is a link, which stays: it becomes what the link means. That must be a .vmx as well, or a
 * user that may put a link there could have any file below the root written to. */
static int follow(struct remote *remote, char **target, const struct wait *wait)
{
    FREE_AUTO char *real = NULL;
    FREE_AUTO char *full = remote_path(remote, *target);
    const char *const paths[] = {full};
    int r = full ? remote_locate(remote, paths, 1, wait, &real) : -ENOMEM;
    if (r < 0)
        return r;
    if (!real || !remote_is_vmx_name(path_name(real)))
        return -EPERM;
    free(*target);
    *target = steal(real);
    return 0;
}

/* Tries until an attempt has an outcome. *target is replaced when it is a link. */
static int try_commit(struct remote *remote, char **target, const struct rewrite *rewrite,
                      const struct wait *wait, struct diag *diag, struct outcome *ret)
{
    struct lost lost = {0};
    struct trying trying = {.remote = remote, .wait = wait};
    int links = 0;
    int r = 0;
    while (r == 0) {
        DOCUMENT_AUTO *known = NULL;
        trying_begin(&trying);
        r = remote_check_new(remote, *target)
            ?: known_document(remote, *target, wait, &known)
            ?: attempt_commit(remote, *target, known, rewrite, &lost, wait, diag, ret);
        if (r == 0)
            break;
        lost.link = lost.link || r == -ENOTCONN;
        if (r == -ENOTCONN || r == -EAGAIN || r == -ETIME)
            cache_drop(remote->documents, *target);
        r = trying_again(&trying, lost.before != NULL, r);
        if (r == -ELOOP && ++links <= LINKS_MAX)
            r = follow(remote, target, wait);
    }
    if (r == -ENOENT) /* of a file that is not there the change itself tells */
        diag_set(diag,
                 "the folder is not there any more: it was moved, renamed or removed "
                 "meanwhile; the change was not made");
    r = trying_told(&trying, lost.before != NULL, r);
    lost_done(&lost);
    return r;
}

/* Edits of a program that takes no lock, which our rename replaced, as a rewrite of the text. */
struct merge {
    struct span base, theirs;
};

static int make_merged(void *ctx, const struct server_text *server, struct buf *ret)
{
    const struct merge *m = ctx;
    struct span ours = vmx_dict_text(server->doc->dict);
    int r = foreign_edit_merge(m->base, ours, m->theirs, NULL, ret);
    return r == 0 && span_eq(buf_span(ret), ours) ? 1 : r;
}

/* Commits what the last commit replaced on top of what the server has by then. *last becomes that
 * commit's outcome. 0, -errno. */
static int merge_replaced(struct remote *remote, char **target, const struct foreign_lost *lost,
                          const struct wait *wait, struct outcome *last)
{
    OUTCOME_AUTO done = *last;
    BUF_AUTO unused = {0};
    struct diag diag = {0};
    struct merge m = {vmx_dict_text(done.before->dict), buf_span(&done.replaced)};
    const struct rewrite rewrite = {.make = make_merged, .ctx = &m, .regardless = true};
    *last = (struct outcome){0};
    cache_put(remote->documents, *target, &done.after->cached);
    int r = try_commit(remote, target, &rewrite, wait, &diag, last);
    if (r == 0) {
        struct span ours = vmx_dict_text(last->before->dict);
        return foreign_edit_merge(m.base, ours, m.theirs, lost, &unused);
    }
    foreign_edit_tell_all(m.base, vmx_dict_text(done.after->dict), m.theirs, lost);
    outcome_done(last);
    *last =
        (struct outcome){.before = document_ref(done.before), .after = document_ref(done.after)};
    return r;
}

/* Keeps the edits that the commit replaced. What was to be committed is on the server already:
 * nothing here makes it fail, nor is it interrupted. */
static void keep_foreign_edits(struct remote *remote, const char *path, char **target,
                               const struct wait *wait, struct outcome *outcome)
{
    const struct wait firm = {.deadline = wait->deadline};
    const struct foreign_lost lost = {remote, path};
    int r = 0;
    for (int i = 0; r == 0 && outcome->edited && i < FOREIGN_EDITS_MAX; i++)
        r = merge_replaced(remote, target, &lost, &firm, outcome);
    if (r == 0 && outcome->edited)
        foreign_edit_tell_all(vmx_dict_text(outcome->before->dict),
                              vmx_dict_text(outcome->after->dict), buf_span(&outcome->replaced),
                              &lost);
    if (outcome->missed)
        remote_note(remote, path, NULL,
                    "somebody else's edit may have been replaced: it cannot be read");
}

/* A commit puts another file in the place of the old one, which keeps its other names. */
static void note_separated(struct remote *remote, const char *path, uint32_t links)
{
    char text[160];
    if (links < 2)
        return;
    snprintf(text, sizeof(text),
             "the file had %u names on the server (hard links): this one has the change, and the "
             "others keep the text from before",
             links);
    remote_note(remote, path, NULL, text);
}

/* Tells of each change that the file got another text by it, and of what somebody else's edit added
 * to all of them. */
static void tell(struct remote *remote, const char *path, const struct group *group,
                 const struct document *before, const struct document *after)
{
    const struct change *c;
    struct span text = vmx_dict_text(before->dict);
    DL_FOREACH (group->changes, c) {
        if (c->result < 0)
            continue;
        if (!c->existed || !span_eq(buf_span(&c->text), text))
            remote_tell_committed(remote, path, c->existed, text, buf_span(&c->text), &c->by);
        text = buf_span(&c->text);
    }
    /* Its reading began later, though maybe within the same millisecond. */
    if (!span_eq(vmx_dict_text(after->dict), text))
        remote_tell_seen(remote, path, vmx_dict_text(after->dict), clock_ms() + 1);
}

/* Commits a group and gives each change its result. */
static int commit_group(struct remote *remote, const char *path, struct group *group,
                        const struct wait *wait)
{
    OUTCOME_AUTO outcome = {0};
    DOCUMENT_AUTO *before = NULL;
    bool changed = false;
    struct diag diag = {0};
    uint32_t links = 0;
    const struct rewrite rewrite = {
        .make = make, .still = still, .unanswered = may_be_made, .ctx = group};
    FREE_AUTO char *target = strdup(path);
    int r = target ? try_commit(remote, &target, &rewrite, wait, &diag, &outcome) : -ENOMEM;
    if (r == 0) {
        before = document_ref(outcome.before);
        changed = before != outcome.after;
        links = outcome.links;
        keep_foreign_edits(remote, path, &target, wait, &outcome);
    }
    if (r == 0 && before != outcome.after) {
        atomic_fetch_add(&remote->commits, 1);
        FREE_AUTO char *dir = path_dir(target);
        cache_put(remote->documents, target, &outcome.after->cached);
        if (dir)
            cache_drop(remote->listings, dir);
        new_settings_note(remote, path, before, outcome.after);
        note_separated(remote, path, links);
        if (changed)
            tell(remote, target, group, before, outcome.after);
    } else if (r < 0) {
        atomic_fetch_add(&remote->commits_failed, 1);
        cache_drop(remote->documents, target ? target : path);
    }
    struct change *c;
    DL_FOREACH (group->changes, c) {
        if (r < 0 && c->result == 0) {
            c->result = r;
            c->diag = diag;
        }
        if (c->result == 0 && c->committed)
            c->committed(c, before, outcome.after);
    }
    return r;
}

/* Leads one group. Called with the lock held; it is released meanwhile. */
static void lead(struct remote *remote, struct commit_queue *q, struct change *own,
                 const struct wait *wait) REQUIRES(remote->lock)
{
    struct group group = {.remote = remote, .changes = q->waiting};
    struct change *c;
    struct change *next;
    q->waiting = NULL;
    q->busy = true;
    lock_drop(&remote->lock);

    int r = commit_group(remote, q->path, &group, wait);

    lock_take(&remote->lock);
    q->busy = false;
    bool give_back = r == -EINTR || r == -EIO || r == -ENOLCK;
    DL_FOREACH_SAFE(group.changes, c, next)
    {
        DL_DELETE(group.changes, c);
        if (give_back && c != own && c->result == r) {
            c->result = 0;
            DL_APPEND(q->waiting, c);
            continue;
        }
        if (c != own && c->result == 0)
            atomic_fetch_add(&remote->commits_joined, 1);
        c->done = true;
    }
    condition_wake_all(&remote->queue_moved);
}

/* Where the VM is in use. Scripts know the sentence that this stands behind. */
static void add_next(struct diag *diag)
{
    static const char text[] = "; .vmxfs/next takes it, and waits until the VM is off";
    const size_t n = strlen(diag->text);
    if (n > 0 && n + sizeof(text) <= sizeof(diag->text))
        memcpy(diag->text + n, text, sizeof(text));
}

int remote_commit(struct remote *remote, const char *path, struct change *change,
                  const struct wait *wait)
{
    change->result = 0;
    change->done = change->unsure = false;
    change->text = (struct buf){0};
    lock_take(&remote->lock);
    struct commit_queue *q = queue_get(remote, path);
    if (!q) {
        lock_drop(&remote->lock);
        return -ENOMEM;
    }
    DL_APPEND(q->waiting, change);
    int r = 0;
    while (!change->done) {
        if (!q->busy) {
            lead(remote, q, change, wait);
            continue;
        }
        struct change *c = q->waiting;
        while (c && c != change)
            c = c->next;
        if (!c) { /* being committed: its outcome is near, and must be known */
            struct wait firm = wait_firmly(wait);
            firm.deadline = INT64_MAX / 2;
            wait_on(&firm, &remote->queue_moved, &remote->lock);
            continue;
        }
        r = wait_on(wait, &remote->queue_moved, &remote->lock);
        if (r < 0) {
            /* Only the last one of a list has none behind it. */
            assert(change->next || change->prev == change || change != q->waiting);
            DL_DELETE(q->waiting, change);
            change->result = r;
            break;
        }
    }
    if (change->result < 0 && change->unsure && change->result != -EIO) {
        change->result = -EIO;
        diag_set(&change->diag,
                 "the connection was lost: it is not known whether the change was made");
    }
    r = change->result;
    if (r == -EBUSY && !change->cannot_wait)
        add_next(&change->diag);
    queue_put(remote, q);
    lock_drop(&remote->lock);
    buf_done(&change->text);
    return r;
}

/* Tries to remove or rename until there is an outcome. */
static int try_move(const struct move *move)
{
    struct lost_move lost = {0};
    struct trying trying = {.remote = move->remote, .wait = move->wait};
    int r = 0;
    while (r == 0) {
        trying_begin(&trying);
        r = attempt_move(move, &lost);
        if (r == -ENOENT)
            r = lost_move_answer(move, &lost);
        if (r == 0)
            break;
        r = trying_again(&trying, lost.sent, r);
    }
    r = trying_told(&trying, lost.sent, r);
    lost_move_done(&lost);
    return r;
}

static void forget(struct remote *remote, const char *path)
{
    FREE_AUTO char *dir = path_dir(path);
    cache_drop_below(remote->documents, path);
    if (dir)
        cache_drop(remote->listings, dir);
}

/* Waits for the commits of a file to end and keeps others away until queue_release. path may be
 * NULL. */
static int queue_claim(struct remote *remote, const char *path, const struct wait *wait,
                       struct commit_queue **ret) REQUIRES(remote->lock)
{
    if (!path)
        return 0;
    struct commit_queue *q = queue_get(remote, path);
    int r = q ? 0 : -ENOMEM;
    while (r == 0 && q->busy)
        r = wait_on(wait, &remote->queue_moved, &remote->lock);
    if (r == 0) {
        q->busy = true;
        *ret = q;
    } else if (q) {
        queue_put(remote, q);
    }
    return r;
}

static void queue_release(struct remote *remote, struct commit_queue *q) REQUIRES(remote->lock)
{
    if (!q)
        return;
    q->busy = false;
    condition_wake_all(&remote->queue_moved);
    queue_put(remote, q);
}

/* Moves while no commit of either name is under way here. They are waited for in one order, or two
 * moves could wait for each other. */
static int alone(const struct move *move)
{
    struct remote *remote = move->remote;
    struct commit_queue *first = NULL;
    struct commit_queue *second = NULL;
    bool swapped = move->to && strcmp(move->to, move->path) < 0;
    lock_take(&remote->lock);
    int r = queue_claim(remote, swapped ? move->to : move->path, move->wait, &first)
                ?: queue_claim(remote, swapped ? move->path : move->to, move->wait, &second);
    lock_drop(&remote->lock);
    if (r == 0 && move->to)
        r = remote_check_new(remote, move->to);
    if (r == 0) {
        r = try_move(move);
        if (r == 0 && move->to)
            unsure_name_settled(remote, move->to);
        if (r == 0)
            files_renamed(remote, move->path, move->to);
        forget(remote, move->path);
        if (move->to)
            forget(remote, move->to);
        if (r == 0)
            remote_tell_moved(remote, move->path, move->to, move->by);
    }
    lock_take(&remote->lock);
    queue_release(remote, second);
    queue_release(remote, first);
    lock_drop(&remote->lock);
    return r;
}

int remote_remove_vmx(struct remote *remote, const char *path, const struct remote_by *by,
                      const struct wait *wait, struct diag *diag)
{
    const struct move removal = {
        .remote = remote, .path = path, .by = by, .wait = wait, .diag = diag};
    return alone(&removal);
}

/* What had a name that is no .vmx's is made here, as far as a history is concerned. */
static void tell_made(const struct move *move)
{
    struct remote *remote = move->remote;
    DOCUMENT_AUTO *made = NULL;
    if (!move->by || remote_is_vmx_name(path_name(move->path)) ||
        !remote_is_vmx_name(path_name(move->to)) || !remote_is_recorded(remote))
        return;
    if (remote_document(remote, move->to, DOCUMENT_ANY_AGE, move->wait, &made) == 0)
        remote_tell_committed(remote, move->to, false, (struct span){0}, vmx_dict_text(made->dict),
                              move->by);
}

int remote_rename_vmx(struct remote *remote, const char *path, const char *to, enum move_onto onto,
                      const struct remote_by *by, const struct wait *wait, struct diag *diag,
                      const char **ret_refused)
{
    const struct move move = {remote, path, to, onto, by, wait, diag, ret_refused};
    int r = alone(&move);
    if (r == 0)
        tell_made(&move);
    return r;
}

int remote_create_vmx(struct remote *remote, const char *path, const struct remote_by *by,
                      const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    int r = strlen(path_name(path)) > LOCK_NAME_MAX ? -ENAMETOOLONG : 0;
    r = r ?: remote_check_new(remote, path);
    if (!full || r < 0)
        return r < 0 ? r : -ENOMEM;
    const struct sftp_attrs attrs = {.flags = SFTP_ATTR_MODE, .mode = 0644};
    SFTP_CALL_AUTO *open =
        sftp_open(remote->sftp, full, SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_EXCL, &attrs);
    SFTP_CALL_AUTO *stat = sftp_lstat(remote->sftp, full);
    r = sftp_wait(open, wait);
    if (r == 0)
        sftp_forget(sftp_close(remote->sftp, sftp_call_handle(open)));
    else if (r == -EREMOTEIO && sftp_wait(stat, wait) == 0)
        r = -EEXIST;
    forget(remote, path);
    if (r == 0)
        remote_tell_committed(remote, path, false, (struct span){0}, (struct span){0}, by);
    return r == -ENOTCONN ? -EIO : remote_write_error(remote, path, wait, r);
}
