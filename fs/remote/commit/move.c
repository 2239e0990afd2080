/* SPDX-License-Identifier: MIT */
/*
 * A move changes two names. Each that is a .vmx's is locked before anything is looked at, always in
 * the order of their paths, so that two moves that cross do not keep each other from both locks.
 * What is asked under the locks stays true until the rename: nothing that takes part in the locking
 * writes to either name meanwhile, and a set that comes later is applied to the text that was
 * moved.
 *
 * The names are reached through the locks' tokens (lock.h). So a rename that an old, lost
 * connection's server process still has before it does nothing any more once another attempt, or
 * another client, has a lock.
 */
#include "move.h"

#include <errno.h>
#include <string.h>

#include "attempt.h"
#include "base/cleanup.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"
#include "sftp/requests.h"
#include "sftp/results.h"
#include "unsure_names.h"

struct ends {
    struct hold from, to;
};

static void name_refused(const struct move *move, const char *path)
{
    if (move->refused)
        *move->refused = path;
}

/* Takes the lock of a name; NULL, and what is no .vmx's, has none. What is removed must be a
 * document. */
static int take(const struct move *move, const char *path, struct hold *ret)
{
    if (!path || !remote_is_vmx_name(path_name(path)))
        return 0;
    int r = hold_take(move->remote, path, move->to, move->wait, move->diag, ret);
    if (r < 0)
        name_refused(move, path);
    return r;
}

static int take_both(const struct move *move, struct ends *ends)
{
    if (move->to && strcmp(move->to, move->path) < 0)
        return take(move, move->to, &ends->to) ?: take(move, move->path, &ends->from);
    return take(move, move->path, &ends->from) ?: take(move, move->to, &ends->to);
}

/* A source that is no .vmx: has no lock, and is looked for all the same. */
static int look_for(const struct move *move, const char *path, struct hold *ret)
{
    FREE_AUTO char *full = remote_path(move->remote, path);
    SFTP_CALL_AUTO *call = full ? sftp_lstat(move->remote->sftp, full) : NULL;
    int r = sftp_wait(call, move->wait);
    ret->there = r == 0;
    if (r == 0)
        ret->attrs = *sftp_call_attrs(call);
    return r == -ENOENT ? 0 : r;
}

static int check(const struct move *move, const struct ends *ends)
{
    if (!ends->from.there)
        return -ENOENT;
    if (move->onto == MOVE_ONTO_NOTHING && ends->to.there)
        return -EEXIST;
    if (move->onto == MOVE_ONTO_OTHER && ends->to.there && !ends->to.other)
        return -EEXIST;
    bool empty = !ends->to.other && ends->to.settings == 0;
    if (move->onto == MOVE_ONTO_EMPTY && !empty)
        return -ENOTEMPTY;
    /* Also with rename=unsafe: only a commit sets aside what it replaces. */
    return ends->to.there && !sftp_features(move->remote->sftp).posix_rename ? -EOPNOTSUPP : 0;
}

/* Until when something may be sent: when the first of the locks ends. */
static int64_t expiry(const struct ends *ends)
{
    if (!ends->from.attempt || !ends->to.attempt)
        return ends->from.attempt ? ends->from.expiry : ends->to.expiry;
    return ends->from.expiry < ends->to.expiry ? ends->from.expiry : ends->to.expiry;
}

/* The server's path of a name that is held, or is no .vmx's. NULL: no memory. */
static char *end_path(const struct remote *remote, const char *path, const struct hold *hold)
{
    return hold->attempt ? strdup(hold->name) : remote_path(remote, path);
}

/* What waits for a .vmx goes with it. Through the lock, as the .vmx itself; nobody waits for it. */
static void forget_beside(const struct move *move, const struct ends *ends)
{
    FREE_AUTO char *path = ends->from.attempt ? remote_beside_path(ends->from.name) : NULL;
    if (path && !move->to)
        sftp_forget(sftp_remove(move->remote->sftp, path, expiry(ends)));
}

/* lost: it was sent before, and no answer came. */
static int send(const struct move *move, const struct ends *ends, bool lost, bool *ret_sent)
{
    struct remote *remote = move->remote;
    FREE_AUTO char *from = end_path(remote, move->path, &ends->from);
    FREE_AUTO char *to = move->to ? end_path(remote, move->to, &ends->to) : NULL;
    if (!from || (move->to && !to))
        return -ENOMEM;
    SFTP_CALL_AUTO *call = to ? sftp_best_rename(remote->sftp, from, to, expiry(ends))
                              : sftp_remove(remote->sftp, from, expiry(ends));
    const struct wait firm = wait_firmly(move->wait);
    int r = sftp_wait(call, &firm);
    *ret_sent = sftp_call_was_sent(call);
    if (r == 0)
        forget_beside(move, ends);
    const int noted =
        unsure_is_unanswered(call, r) ? unsure_names_going(remote, move->path, move->to) : 0;
    if (noted != 0)
        r = noted;
    /* -ENOENT: somebody took our lock for a dead one's, or what was there is gone. */
    if (r == -ENOENT)
        return -EAGAIN;
    return to && r < 0 ? remote_rename_error(remote, move->path, move->to, lost, &firm, r)
                       : remote_write_error(remote, move->path, &firm, r);
}

/* Sent again is only what is still there: another one may have got the name of what has gone. */
static int check_lost(const struct lost_move *lost, const struct hold *from, struct diag *diag)
{
    /* A rename keeps the attributes. */
    if (!lost->sent || (document_same_version(&lost->attrs, &from->attrs) &&
                        span_eq(buf_span(&lost->text), buf_span(&from->text))))
        return 0;
    diag_set(diag,
             "the connection was lost, and another file has this name now: it is not known "
             "what became of the one before");
    return -EIO;
}

int attempt_move(const struct move *move, struct lost_move *lost)
{
    struct ends ends = {.from = {0}};
    bool sent = false;
    int r = move->to ? remote_check_rename(move->remote, move->diag) : 0;
    name_refused(move, move->path);
    r = r ?: take_both(move, &ends);
    if (r == 0 && !ends.from.attempt)
        r = look_for(move, move->path, &ends.from);
    if (r == 0 && ends.from.there)
        r = check_lost(lost, &ends.from, move->diag);
    r = r ?: check(move, &ends) ?: send(move, &ends, lost->sent, &sent);
    if ((r == -ENOTCONN || r == -EIO) && sent) {
        lost_move_done(lost);
        *lost = (struct lost_move){true, ends.from.attrs, ends.from.text};
        ends.from.text = (struct buf){0};
    }
    hold_drop(&ends.to);
    hold_drop(&ends.from);
    return r;
}

void lost_move_done(struct lost_move *lost)
{
    buf_done(&lost->text);
    *lost = (struct lost_move){0};
}

/* Whether a file holds this text. 0, 1, -errno. */
static int holds(const struct move *move, const char *path, struct span text)
{
    BUF_AUTO found = {0};
    FREE_AUTO char *full = remote_path(move->remote, path);
    int r = full ? remote_read_all(move->remote, full, text.n, move->wait, &found) : -ENOMEM;
    return r ?: span_eq(buf_span(&found), text);
}

int lost_move_answer(const struct move *move, const struct lost_move *lost)
{
    if (!lost->sent)
        return -ENOENT;
    if (!move->to)
        return 0;
    struct hold to = {.attempt = NULL};
    int r = look_for(move, move->to, &to);
    bool same = r == 0 && to.there && document_same_version(&lost->attrs, &to.attrs);
    if (same && lost->text.len > 0) {
        r = holds(move, move->to, buf_span(&lost->text));
        same = r == 1;
    }
    if (r < 0 || same)
        return same ? 0 : r;
    diag_set(move->diag, "the connection was lost: it is not known whether the file became %s",
             path_name(move->to));
    return -EIO;
}
