/* SPDX-License-Identifier: MIT */
/* For the caller: waiting for a call, what its answer holds, and letting go of it. */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "call.h"
#include "sftp/protocol/proto.h"
#include "sftp/requests.h"

static const struct answer *answer_of(const struct sftp_call *call)
{
    assert(call && call->collected && call->result == 0);
    return &call->answer;
}

const struct sftp_handle *sftp_call_handle(const struct sftp_call *call)
{
    return &answer_of(call)->handle;
}

const struct sftp_attrs *sftp_call_attrs(const struct sftp_call *call)
{
    return &answer_of(call)->attrs;
}

struct span sftp_call_data(const struct sftp_call *call)
{
    return answer_of(call)->data;
}

const struct sftp_name *sftp_call_names(const struct sftp_call *call, size_t *ret_n)
{
    const struct answer *a = answer_of(call);
    *ret_n = a->n_names;
    return a->names;
}

size_t sftp_call_left_out(const struct sftp_call *call)
{
    return answer_of(call)->left_out;
}

const char *sftp_call_path(const struct sftp_call *call)
{
    return answer_of(call)->path;
}

const struct sftp_statvfs *sftp_call_statvfs(const struct sftp_call *call)
{
    return &answer_of(call)->statvfs;
}

/* The caller's deadline has passed. Has the server said nothing since this was sent, then nobody
 * else need wait for it either; but a request that was sent at the very end of its caller's time
 * proves nothing. */
static void suspect_locked(struct sftp *s, const struct sftp_call *call) REQUIRES(&s->lock)
{
    bool silent = call->received_before == s->received;
    if (call->stage == STAGE_IN_FLIGHT && silent &&
        clock_ms() - call->sent_at >= s->options.timeout_ms / 2) {
        link_fail_locked(s, SFTP_DOWN, -EIO, "the server does not answer");
        engine_wake(s);
    }
}

/* From its first byte on a change is not given up. */
static void note_sent_locked(const struct sftp *s, const struct sftp_call *call,
                             const struct wait *wait) REQUIRES(&s->lock)
{
    assert(call->sftp == s);
    if (call->changes && call->was_sent && wait->committed)
        *wait->committed = true;
}

/* The caller is told that nothing was done, so nothing may be done later. */
static void withdraw_locked(struct sftp *s, struct sftp_call *call, const struct wait *wait)
    REQUIRES(&s->lock)
{
    if (call->changes && call->stage == STAGE_QUEUED && wait->committed)
        call_finish_locked(s, call, -EINTR);
}

int sftp_wait(struct sftp_call *call, const struct wait *wait)
{
    if (!call)
        return -ENOMEM;
    if (call->collected)
        return call->result;
    struct sftp *s = call->sftp;
    int r = 0;
    lock_take(&s->lock);
    note_sent_locked(s, call, wait);
    while (r == 0 && call->stage != STAGE_DONE) {
        r = wait_on(wait, &call->done, &s->lock);
        note_sent_locked(s, call, wait);
    }
    if (r == -EINTR)
        withdraw_locked(s, call, wait);
    if (r == -EIO)
        suspect_locked(s, call);
    lock_drop(&s->lock);
    if (r != 0)
        return r;
    if (call->result == 0)
        call->result = answer_read(&call->answer, call->kind, call->asked);
    call->answer.handle.epoch = call->epoch;
    call->collected = true;
    return call->result;
}

bool sftp_call_has_ended(const struct sftp_call *call)
{
    if (!call)
        return true;
    struct sftp *s = call->sftp;
    lock_take(&s->lock);
    bool ended = call->stage == STAGE_DONE;
    lock_drop(&s->lock);
    return ended;
}

unsigned sftp_unsent(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    unsigned n = sftp->n_queued;
    lock_drop(&sftp->lock);
    return n;
}

struct span sftp_call_written(const struct sftp_call *call)
{
    assert(call->kind == CALL_WRITE);
    struct span all = buf_span(&call->request.bytes);
    return (struct span){all.p + (all.n - call->asked), call->asked};
}

bool sftp_call_was_sent(const struct sftp_call *call)
{
    if (!call)
        return false;
    struct sftp *s = call->sftp;
    lock_take(&s->lock);
    bool was_sent = call->was_sent;
    lock_drop(&s->lock);
    return was_sent;
}

/* Closes what an open brought that nobody waited for. */
static void close_unwanted(struct sftp *s, struct sftp_call *call)
{
    struct answer *a = &call->answer;
    if (kind_of(call->kind)->answer == SSH_FXP_HANDLE && answer_read(a, call->kind, 0) == 0) {
        a->handle.epoch = call->epoch;
        sftp_forget(sftp_close(s, &a->handle));
    }
}

static void let_go(struct sftp_call *call)
{
    struct sftp *s = call->sftp;
    lock_take(&s->lock);
    bool unread = call->stage == STAGE_DONE && !call->collected && call->result == 0;
    call->abandoned = true;
    if (call->stage == STAGE_QUEUED && kind_of(call->kind)->effect == HARMLESS)
        call_finish_locked(s, call, -ECANCELED);
    lock_drop(&s->lock);
    if (unread)
        close_unwanted(s, call);
    lock_take(&s->lock);
    call_unref_locked(s, call);
    bool last = s->refs == 0;
    lock_drop(&s->lock);
    if (last)
        engine_destroy(s);
}

void sftp_call_free(struct sftp_call **call)
{
    if (*call)
        let_go(*call);
    *call = NULL;
}

void sftp_forget(struct sftp_call *call)
{
    sftp_call_free(&call);
}
