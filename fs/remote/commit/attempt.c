/* SPDX-License-Identifier: MIT */
/*
 * A commit is three flights of requests; each is sent as a whole before its first answer is waited
 * for.
 *
 *   1. take the lock, with the temporary file in it (lock.h); open the target, ask for the evidence
 *      of use;
 *   2. read the folder's listing (more evidence; what dead owners left) and the target; write,
 *      chmod and sync the temporary file; last, LSTAT of the target;
 *   3. LSTAT, OPEN and LSTAT of the target; rename; sync again; FSTAT.
 *
 * If the third flight shows another file than the one that was read, or one whose time cannot tell,
 * the replaced text is read through the handle, for the caller to merge.
 *
 * The lock's folder is removed, which nobody waits for. Invariants:
 *
 *   - the target is only ever replaced by the rename of a whole, synced file;
 *   - what is renamed over it was made from bytes that were read after the lock was taken;
 *   - it is renamed out of the lock: once that is broken there is nothing to rename;
 *   - nothing is renamed after vmx_lock_expiry;
 *   - an attempt that fails before the third flight leaves the target as it was.
 *
 * After a lost link there is a new attempt, under a lock of its own, which is had only when the
 * lost one's token is gone: so its rename has happened, or never will. Which of both shows itself:
 * the server has the very text.
 */
#include "attempt.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/cache/open_ahead.h"
#include "parser/edit/edit.h"
#include "remote/call_group.h"
#include "remote/in_use/in_use.h"
#include "remote/lock/other_lock.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"
#include "replaced.h"
#include "sftp/bulk/bulk.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { READDIRS = 4, READDIRS_MAX = 64 };

struct attempt {
    struct remote *remote;
    const struct wait *wait;
    const char *path;
    struct vmx_lock lock;
    struct inuse inuse;
    struct sftp_call *target_open, *target_stat;
    struct sftp_handle target; /* len 0: there is no such file */
    struct sftp_attrs before;  /* of the target, as last seen */
    uint32_t links;            /* names that the target has; 0: not known */
    uint32_t clock_s;          /* the server's clock, when the lock was taken; 0: not known */
};

static void attempt_done(struct attempt *a)
{
    if (a->target.len > 0)
        sftp_forget(sftp_close(a->remote->sftp, &a->target));
    vmx_lock_drop(&a->lock);
    sftp_call_free(&a->target_open);
    sftp_call_free(&a->target_stat);
    inuse_done(&a->inuse);
    vmx_lock_done(&a->lock);
}

/* The target is opened ahead of its attributes where that may be (open_ahead.h), else behind them.
 */
static void ask_for_target(struct attempt *a)
{
    struct sftp *sftp = a->remote->sftp;
    a->target_stat = sftp_lstat(sftp, a->lock.paths.target);
    if (open_ahead_allowed(a->remote, a->path))
        a->target_open = sftp_open(sftp, a->lock.paths.target, SFTP_OPEN_READ, NULL);
}

/* Waits no longer for an opening in which the server hangs. */
static void check_target(struct attempt *a)
{
    open_ahead_check(a->remote, a->path, a->target_stat, a->target_open, a->wait);
}

/* 0: it is open, or was not asked for. */
static int have_target(struct attempt *a)
{
    int r = a->target_open ? sftp_wait(a->target_open, a->wait) : 0;
    if (r == 0 && a->target_open)
        a->target = *sftp_call_handle(a->target_open);
    return r;
}

/* What the target is. 0: it is open if it is there. */
static int judge_target(struct attempt *a)
{
    int open_r = have_target(a);
    int r = sftp_wait(a->target_stat, a->wait);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    a->before = *sftp_call_attrs(a->target_stat);
    if (!remote_can_be_vmx(a->remote, &a->before))
        return S_ISLNK(a->before.mode) ? -ELOOP : -EMEDIUMTYPE;
    if (a->target_open)
        return open_r;
    a->target_open = sftp_open(a->remote->sftp, a->lock.paths.target, SFTP_OPEN_READ, NULL);
    return have_target(a);
}

/* First flight. 0: the lock is held, and the target is open if there is one. A lock that is signed
 * in its place is held when it was listed, and the target may be another one until then. The
 * lock's answers are waited for before the target's opening: only a wait for a change knows that it
 * was sent, and is not to be given up (sftp_wait). */
static int first_flight(struct attempt *a, const struct document *known, struct diag *diag)
{
    vmx_lock_ask(&a->lock);
    if (!a->lock.in_place)
        ask_for_target(a);
    int r = inuse_ask(&a->inuse, a->remote, a->path, known ? known->dict : NULL);
    check_target(a);
    int lock_r = vmx_lock_answer(&a->lock, a->wait, diag);
    lock_r = remote_write_error(a->remote, a->path, a->wait, lock_r);
    if (lock_r < 0 || r < 0)
        return lock_r < 0 ? lock_r : r;
    if (a->lock.in_place) {
        ask_for_target(a);
        check_target(a);
    }
    return judge_target(a);
}

/* Looks at the names of one READDIR: evidence of use, and leftovers, which are removed. */
static void look_at_names(struct attempt *a, const struct sftp_call *call)
{
    size_t n;
    const struct sftp_name *names = sftp_call_names(call, &n);
    for (size_t i = 0; i < n; i++) {
        inuse_look_at_name(&a->inuse, names[i].name);
        if (strcmp(names[i].name, path_name(a->path)) == 0)
            a->links = names[i].links;
        other_lock_clear_leftover(&a->lock, &names[i], a->clock_s);
    }
}

/* The folder's listing, whose first requests are under way. */
struct folder_read {
    struct sftp_call *clock;
    struct flight names;
};

static void ask_names(struct attempt *a, struct folder_read *folder, size_t requests)
{
    while (requests-- > 0)
        flight_add(&folder->names, sftp_readdir(a->remote->sftp, &a->lock.folder));
}

static void folder_ask(struct attempt *a, struct folder_read *folder)
{
    folder->clock = vmx_lock_ask_token(&a->lock);
    if (a->lock.folder.len > 0)
        ask_names(a, folder, READDIRS);
}

static int folder_answer(struct attempt *a, struct folder_read *folder)
{
    int r = sftp_wait(folder->clock, a->wait);
    a->clock_s = r == 0 ? sftp_call_attrs(folder->clock)->mtime : 0;
    if (r == 0)
        server_clock_tell(&a->remote->clock, a->clock_s);
    if (r == -ENOENT) /* our lock was broken */
        r = -EAGAIN;
    for (size_t i = 0; r == 0 && i < folder->names.n; i++) {
        r = sftp_wait(folder->names.calls[i], a->wait);
        if (r == 0)
            look_at_names(a, folder->names.calls[i]);
        sftp_call_free(&folder->names.calls[i]);
        /* A folder with more names than the flight could hold: twice as many, and so on. */
        if (r == 0 && i + 1 == folder->names.n)
            ask_names(a, folder, folder->names.n < READDIRS_MAX ? folder->names.n : READDIRS_MAX);
    }
    r = r ?: folder->names.error;
    sftp_call_free(&folder->clock);
    flight_done(&folder->names);
    return r == -ENODATA ? 0 : r;
}

/* Sends what makes the temporary file: content, owner and mode of the target, sync. */
static void send_text(struct attempt *a, struct span text, bool again, struct flight *flight)
{
    struct sftp *sftp = a->remote->sftp;
    uint64_t chunk = sftp_features(sftp).max_write;
    if (again) {
        const struct sftp_attrs empty = {.flags = SFTP_ATTR_SIZE};
        flight_add(flight, sftp_fsetstat(sftp, &a->lock.temp, &empty));
    }
    for (size_t at = 0; at < text.n; at += chunk) {
        size_t n = text.n - at < chunk ? text.n - at : chunk;
        flight_add(flight, sftp_write(sftp, &a->lock.temp, at, (struct span){text.p + at, n}));
    }
    struct sftp_attrs attrs = {
        .flags = SFTP_ATTR_OWNER, .uid = a->before.uid, .gid = a->before.gid};
    /* Only root may give a file away: where it may not, the file becomes the user's own. Before the
     * mode, which a change of owner may strip. */
    if (a->target.len > 0 && a->before.flags & SFTP_ATTR_OWNER)
        sftp_forget(sftp_fsetstat(sftp, &a->lock.temp, &attrs));
    attrs = (struct sftp_attrs){.flags = SFTP_ATTR_MODE,
                                .mode = a->target.len > 0 ? a->before.mode & 07777 : 0644};
    flight_add(flight, sftp_fsetstat(sftp, &a->lock.temp, &attrs));
    if (sftp_features(sftp).fsync)
        flight_add(flight, sftp_fsync(sftp, &a->lock.temp));
}

/* What the target holds, read through its handle, with proof that the name still means it. */
struct target_read {
    struct flight data;
    struct sftp_call *handle_stat, *name_stat;
};

static void target_ask(struct attempt *a, struct target_read *target)
{
    struct sftp *sftp = a->remote->sftp;
    uint64_t chunk = sftp_features(sftp).max_read;
    for (uint64_t at = 0; a->target.len > 0 && at < a->before.size; at += chunk) {
        uint64_t n = a->before.size - at < chunk ? a->before.size - at : chunk;
        flight_add(&target->data, sftp_read(sftp, &a->target, at, (uint32_t)n));
    }
}

static void target_ask_stat(struct attempt *a, struct target_read *target)
{
    struct sftp *sftp = a->remote->sftp;
    if (a->target.len > 0)
        target->handle_stat = sftp_fstat(sftp, &a->target);
    target->name_stat = sftp_lstat(sftp, a->lock.paths.target);
}

static bool same_file(const struct sftp_attrs *a, const struct sftp_attrs *b)
{
    return a->size == b->size && a->mtime == b->mtime && a->mode == b->mode;
}

/* 0: ret holds the text; -EAGAIN: it changes while we look. */
static int target_answer(struct attempt *a, struct target_read *target, struct buf *ret)
{
    int r = sftp_wait(target->name_stat, a->wait);
    if (a->target.len == 0)
        return r == 0 ? -EAGAIN : r == -ENOENT ? 0 : r;
    int stat_r = sftp_wait(target->handle_stat, a->wait);
    r = r ?: stat_r;
    if (r < 0)
        return r == -ENOENT ? -EAGAIN : r;
    const struct sftp_attrs *by_handle = sftp_call_attrs(target->handle_stat);
    if (!remote_can_be_vmx(a->remote, by_handle))
        return -EMEDIUMTYPE;
    if (!same_file(by_handle, sftp_call_attrs(target->name_stat)))
        return -EAGAIN;
    a->before = *by_handle;
    for (size_t i = 0; i < target->data.n && r == 0; i++) {
        r = sftp_wait(target->data.calls[i], a->wait)
                ?: buf_add(ret, sftp_call_data(target->data.calls[i]));
    }
    if (r == 0 && ret->len != by_handle->size) {
        /* Shorter answers than asked for are legal; the whole is read again in order. */
        buf_clear(ret);
        r = bulk_read_all(a->remote->sftp, &a->target, by_handle->size, a->remote->options.vmx_max,
                          a->wait, ret);
    }
    return r == -ENODATA ? -EAGAIN : r;
}

static void target_done(struct target_read *target)
{
    flight_done(&target->data);
    sftp_call_free(&target->handle_stat);
    sftp_call_free(&target->name_stat);
}

/* Second flight. text: what to write if the target is what was thought; NULL: nothing. */
static int second_flight(struct attempt *a, const struct buf *text, struct buf *ret_server)
{
    struct target_read target = {0};
    struct folder_read folder = {0};
    FLIGHT_AUTO writes = {0};
    folder_ask(a, &folder);
    target_ask(a, &target);
    if (text)
        send_text(a, buf_span(text), false, &writes);
    target_ask_stat(a, &target);
    int r = target_answer(a, &target, ret_server);
    int folder_r = folder_answer(a, &folder);
    int write_r = flight_wait(&writes, 0, a->wait);
    target_done(&target);
    r = r ?: folder_r;
    return r < 0 ? r : remote_write_error(a->remote, a->path, a->wait, write_r);
}

/* The target was not what was thought: writes the text made from what it really is. */
static int write_again(struct attempt *a, struct span text)
{
    struct target_read target = {0};
    FLIGHT_AUTO writes = {0};
    send_text(a, text, true, &writes);
    target_ask_stat(a, &target);
    int write_r = flight_wait(&writes, 0, a->wait);
    int r = sftp_wait(target.name_stat, a->wait);
    if (r == 0 && !same_file(&a->before, sftp_call_attrs(target.name_stat)))
        r = -EAGAIN;
    if (r == -ENOENT)
        r = a->target.len > 0 ? -EAGAIN : 0;
    target_done(&target);
    return r < 0 ? r : remote_write_error(a->remote, a->path, a->wait, write_r);
}

/* Third flight. */
static int third_flight(struct attempt *a, struct sftp_attrs *ret, struct replaced *ret_replaced)
{
    struct sftp *sftp = a->remote->sftp;
    const char *full = a->lock.paths.target;
    replaced_ask(ret_replaced, a->remote, full);
    const int64_t expiry = vmx_lock_expiry(&a->lock);
    const struct sftp_features can = sftp_features(sftp);
    if (!can.posix_rename)
        vmx_lock_set_aside(&a->lock);
    SFTP_CALL_AUTO *rename = sftp_best_rename(sftp, a->lock.paths.temp, full, expiry);
    SFTP_CALL_AUTO *sync = can.fsync ? sftp_fsync(sftp, &a->lock.temp) : NULL;
    SFTP_CALL_AUTO *stat = sftp_fstat(sftp, &a->lock.temp);
    /* Once the rename is on its way its outcome is worth waiting for: no interrupt any more. */
    const struct wait firm = wait_firmly(a->wait);
    open_ahead_check(a->remote, a->path, ret_replaced->stat, ret_replaced->open, &firm);
    int r = sftp_wait(rename, &firm);
    const bool there = r == 0;
    if (r == 0 && can.fsync)
        r = sftp_wait(sync, &firm);
    r = r ?: sftp_wait(stat, &firm);
    if (r == 0)
        *ret = *sftp_call_attrs(stat);
    if (there && r != -ENOTCONN) {
        vmx_lock_installed(&a->lock);
        return r == 0 ? 0 : -EIO; /* it may not be durable */
    }
    if (r == -ENOENT) /* somebody took our lock for a dead one's, and our file with it */
        return -EAGAIN;
    return remote_write_error(a->remote, a->path, &firm, r);
}

/* Reads what the rename replaced, where that may be another text than base, which ours was made
 * from. What was to be committed is on the server already: nothing here makes that fail. */
static void look_at_replaced(struct attempt *a, struct span base, struct replaced *replaced,
                             struct outcome *ret)
{
    const struct sftp_attrs *before = a->target.len > 0 ? &a->before : NULL;
    const struct wait firm = {.deadline = a->wait->deadline}; /* not interrupted any more */
    if (!replaced_may_be_foreign(replaced, before, a->clock_s, &firm))
        return;
    int r = replaced_read(replaced, a->remote, &firm, &ret->replaced);
    bool same = r == 0 && span_eq(buf_span(&ret->replaced), base);
    ret->missed = r < 0 || (same && replaced_was_missed(replaced, &firm));
    ret->edited = r == 0 && !same;
}

/* dict: the settings as the server has them. */
static int check_use(struct attempt *a, const struct vmx_dict *dict, struct diag *diag)
{
    int r = a->remote->options.ignore_running ? 0 : inuse_answer(&a->inuse, dict, a->wait);
    if (r < 0 || !a->inuse.found[0] || a->remote->options.ignore_running)
        return r;
    diag_set(diag, "%s; power it off, or mount with -o running=allow", a->inuse.found);
    return -EBUSY;
}

/* A change that would only put values in quotes waits until the VM is off. 1: there is nothing else
 * to do; 0, -errno. */
static int judge_use(struct attempt *a, const struct vmx_dict *dict, const struct buf *text,
                     struct diag *diag)
{
    bool can_wait = false;
    int r = check_use(a, dict, diag);
    if (r == -EBUSY && vmx_edits_only_quote(dict, buf_span(text), &can_wait) == 0 && can_wait) {
        *diag = (struct diag){0};
        return 1;
    }
    return r;
}

/* The document that the server really has; known itself when it was right. */
static int server_document(struct attempt *a, struct document *known, const struct buf *text,
                           int64_t read_at, struct document **ret)
{
    if (known && a->target.len > 0 && span_eq(vmx_dict_text(known->dict), buf_span(text))) {
        *ret = document_ref(known);
        return 0;
    }
    return document_new(buf_span(text), &a->before, read_at, ret);
}

/* The text made from what the cache says. An old answer does not decide that there is nothing to
 * do, or that the change must fail: the server is asked. *known becomes what it has. */
static int make_from_known(struct attempt *a, const struct rewrite *rewrite,
                           struct document **known, struct buf *text)
{
    const struct server_text guess = {.doc = *known, .exists = true};
    int r = *known ? rewrite->make(rewrite->ctx, &guess, text) : 0;
    if (r == 0)
        return 0;
    DOCUMENT_AUTO *fresh = NULL;
    int fresh_r = remote_document(a->remote, a->path, 0, a->wait, &fresh);
    if (fresh_r < 0 && fresh_r != -ENOENT && fresh_r != -EMEDIUMTYPE)
        return fresh_r;
    bool same = fresh && span_eq(vmx_dict_text((*known)->dict), vmx_dict_text(fresh->dict));
    document_unref(known);
    *known = steal(fresh);
    if (same || !*known)
        return same ? r : 0;
    buf_clear(text);
    const struct server_text seen = {.doc = *known, .exists = true};
    return rewrite->make(rewrite->ctx, &seen, text);
}

/* Whether the rename whose answer was lost has happened. */
static bool has_arrived(const struct lost *lost, const struct document *server)
{
    return lost->before && span_eq(buf_span(&lost->text), vmx_dict_text(server->dict));
}

/* First and second flight, and the text that is to be installed. 1: nothing is to be done. */
static int prepare(struct attempt *a, const struct rewrite *rewrite, struct document *known,
                   const struct lost *lost, struct diag *diag, struct buf *text,
                   struct document **ret_server)
{
    struct document *server = NULL;
    BUF_AUTO server_text = {0};
    int64_t read_at = clock_ms();
    int r = remote_check_rename(a->remote, diag)
        ?: first_flight(a, known, diag)
        ?: second_flight(a, known ? text : NULL, &server_text)
        ?: server_document(a, known, &server_text, read_at, &server);
    if (r < 0)
        return r;
    assert(server);
    *ret_server = server;
    if (has_arrived(lost, server))
        return 1;
    if (server != known) {
        const struct server_text seen = {server, a->target.len > 0, a->clock_s};
        buf_clear(text);
        r = rewrite->make(rewrite->ctx, &seen, text);
    }
    if (r == 0 && !rewrite->regardless)
        r = judge_use(a, server->dict, text, diag);
    if (r == 0 && rewrite->still)
        r = rewrite->still(rewrite->ctx, a->wait);
    return r == 0 && server != known ? write_again(a, buf_span(text)) : r;
}

static int commit(struct attempt *a, struct document *guess, const struct rewrite *rewrite,
                  struct lost *lost, struct diag *diag, struct outcome *ret)
{
    BUF_AUTO text = {0};
    DOCUMENT_AUTO *known = guess && !lost->link ? document_ref(guess) : NULL;
    DOCUMENT_AUTO *server = NULL;
    int r = make_from_known(a, rewrite, &known, &text);
    if (r == 1)
        server = document_ref(known);
    r = r ?: prepare(a, rewrite, known, lost, diag, &text, &server);
    if (r == 1) {
        assert(server);
        ret->missed = has_arrived(lost, server); /* what it replaced went with the link */
        ret->before = document_ref(ret->missed ? lost->before : server);
        ret->after = steal(server);
        return 0;
    }
    struct sftp_attrs attrs;
    if (r == 0) {
        struct replaced replaced = {0};
        r = third_flight(a, &attrs, &replaced);
        if (r == 0)
            look_at_replaced(a, vmx_dict_text(server->dict), &replaced, ret);
        replaced_done(&replaced, a->remote, a->wait);
        if (r == 0 && document_new(buf_span(&text), &attrs, clock_ms(), &ret->after) < 0)
            r = -EIO;
        if (r == -ENOTCONN || r == -EIO) {
            lost_done(lost);
            *lost = (struct lost){r == -ENOTCONN, steal(server), text};
            text = (struct buf){0};
            if (rewrite->unanswered)
                rewrite->unanswered(rewrite->ctx);
        }
    }
    if (r == 0)
        ret->before = steal(server);
    ret->links = a->links;
    return r;
}

/* Ends with attempt_done, also where it failed. */
static int attempt_begin(struct attempt *a, struct remote *remote, const char *path, bool moves,
                         const struct wait *wait)
{
    *a = (struct attempt){.remote = remote, .path = path, .wait = wait};
    return vmx_lock_init(&a->lock, remote, path, moves);
}

void lost_done(struct lost *lost)
{
    document_unref(&lost->before);
    buf_done(&lost->text);
}

void outcome_done(struct outcome *outcome)
{
    document_unref(&outcome->before);
    document_unref(&outcome->after);
    buf_done(&outcome->replaced);
}

int attempt_commit(struct remote *remote, const char *path, struct document *known,
                   const struct rewrite *rewrite, struct lost *lost, const struct wait *wait,
                   struct diag *diag, struct outcome *ret)
{
    struct attempt a;
    int r =
        attempt_begin(&a, remote, path, false, wait) ?: commit(&a, known, rewrite, lost, diag, ret);
    attempt_done(&a);
    return r;
}

/* ---- a name that is held */

/* The name is a link's, or not a text's of settings: its VM's use shows beside it. */
static int look_around(struct attempt *a)
{
    struct folder_read folder = {0};
    folder_ask(a, &folder);
    return folder_answer(a, &folder);
}

static int take(struct attempt *a, bool any, struct diag *diag, struct hold *ret)
{
    int64_t true_at;
    DOCUMENT_AUTO *known = (struct document *)cache_peek(a->remote->documents, a->path, &true_at);
    BUF_AUTO text = {0};
    struct vmx_dict *dict = NULL;
    int r = first_flight(a, known, diag);
    bool other = any && (r == -ELOOP || r == -EMEDIUMTYPE);
    if (other)
        r = look_around(a);
    else if (r == 0)
        r = second_flight(a, NULL, &text);
    r = r ?: vmx_dict_parse(buf_span(&text), &dict) ?: check_use(a, dict, diag);
    if (r == 0) {
        *ret = (struct hold){.attempt = a,
                             .there = other || a->target.len > 0,
                             .other = other,
                             .attrs = a->before,
                             .text = text,
                             .settings = vmx_dict_keys(dict),
                             .name = a->lock.paths.name,
                             .expiry = vmx_lock_expiry(&a->lock)};
        text = (struct buf){0};
    }
    vmx_dict_free(dict);
    return r;
}

int hold_take(struct remote *remote, const char *path, bool any, const struct wait *wait,
              struct diag *diag, struct hold *ret)
{
    struct attempt *a = malloc(sizeof(*a));
    if (!a)
        return -ENOMEM;
    int r = attempt_begin(a, remote, path, true, wait) ?: take(a, any, diag, ret);
    if (r < 0) {
        attempt_done(a);
        free(a);
    }
    return r;
}

void hold_drop(struct hold *hold)
{
    buf_done(&hold->text);
    if (!hold->attempt)
        return;
    attempt_done(hold->attempt);
    free(hold->attempt);
    hold->attempt = NULL;
}
