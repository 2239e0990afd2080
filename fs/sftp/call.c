/* SPDX-License-Identifier: MIT */
/* The life of a call, from its making to the last reference. */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"

enum { AT_LENGTH = 0, AT_ID = 5 };

struct sftp_call *call_new(struct sftp *s, enum call_kind kind)
{
    const struct kind *k = kind_of(kind);
    struct sftp_call *call = calloc(1, sizeof(*call));
    if (!call || condition_init(&call->done) != 0) {
        free(call);
        return NULL;
    }
    call->sftp = s;
    call->kind = kind;
    call->changes = kind_changes(kind);
    call->refs = 1;
    wire_put_u32(&call->request, 0); /* the length, when it is known */
    wire_put_u8(&call->request, k->request);
    wire_put_u32(&call->request, 0); /* the id, when it is sent */
    if (k->extension)
        wire_put_string(&call->request, span_of(k->extension));
    return call;
}

static void call_destroy(struct sftp_call *call)
{
    condition_done(&call->done);
    buf_done(&call->request.bytes);
    answer_done(&call->answer);
    free(call);
}

void call_unref_locked(struct sftp *s, struct sftp_call *call)
{
    assert(call->refs > 0);
    if (--call->refs > 0)
        return;
    s->listed -= call->listed;
    call_destroy(call);
    s->refs--;
}

static int link_error_locked(struct sftp *s) REQUIRES(&s->lock)
{
    switch (link_state_locked(s)) {
    case SFTP_UP:
        return s->stopping ? -ENOTCONN : 0;
    case SFTP_LOST:
        return -ENOTCONN;
    case SFTP_DOWN:
    case SFTP_REFUSED:
        return s->stopping ? -ENOTCONN : -EIO;
    }
    return -EIO;
}

static int cannot_be_sent_locked(struct sftp *s, const struct sftp_call *call,
                                 const struct sftp_handle *handle) REQUIRES(&s->lock)
{
    int r = link_error_locked(s);
    if (r == 0 && handle && (handle->len == 0 || handle->epoch != s->epoch))
        r = -ENOTCONN;
    if (r == 0 && !kind_offered(call->kind, &s->features))
        r = -EOPNOTSUPP;
    return r != 0 ? r : call->request.error;
}

struct sftp_call *call_submit(struct sftp_call *call, const struct sftp_handle *handle)
{
    if (!call)
        return NULL;
    if (call->request.error == -ENOMEM) {
        call_destroy(call);
        return NULL;
    }
    struct sftp *s = call->sftp;
    bool wake = false;
    wire_set_u32(&call->request.bytes, AT_LENGTH, (uint32_t)call->request.bytes.len - 4);
    lock_take(&s->lock);
    s->refs++;
    s->calls++;
    call->epoch = s->epoch;
    call->result = cannot_be_sent_locked(s, call, handle);
    if (call->result != 0) {
        call->stage = STAGE_DONE;
    } else {
        call->stage = STAGE_QUEUED;
        call->refs++;
        DL_APPEND(s->queue, call);
        s->n_queued++;
        wake = !s->woken;
        s->woken = true;
    }
    lock_drop(&s->lock);
    if (wake)
        engine_wake(s);
    return call;
}

void call_send_locked(struct sftp *s, struct sftp_call *call)
{
    assert(call->stage == STAGE_QUEUED && s->n_free_slots > 0);
    uint32_t slot = s->free_slots[--s->n_free_slots];
    call->id = s->generation++ * SLOTS + slot;
    s->slots[slot] = call;
    wire_set_u32(&call->request.bytes, AT_ID, call->id);
    call->alone = !s->in_flight;
    call->was_sent = true;
    call->sent_at = clock_ms();
    call->received_before = s->received;
    call->stage = STAGE_IN_FLIGHT;
    DL_DELETE(s->queue, call);
    s->n_queued--;
    DL_APPEND(s->in_flight, call);
    s->n_in_flight++;
}

static void leave_flight_locked(struct sftp *s, struct sftp_call *call) REQUIRES(&s->lock)
{
    uint32_t slot = call->id % SLOTS;
    assert(s->slots[slot] == call);
    s->slots[slot] = NULL;
    s->free_slots[s->n_free_slots++] = (uint16_t)slot;
    DL_DELETE(s->in_flight, call);
    s->n_in_flight--;
}

void call_unsend_locked(struct sftp *s, struct sftp_call *call)
{
    if (call->stage != STAGE_IN_FLIGHT)
        return; /* it failed meanwhile */
    leave_flight_locked(s, call);
    call->was_sent = false;
    call->stage = STAGE_QUEUED;
    DL_PREPEND(s->queue, call);
    s->n_queued++;
}

void call_finish_locked(struct sftp *s, struct sftp_call *call, int result)
{
    if (call->stage == STAGE_QUEUED) {
        DL_DELETE(s->queue, call);
        s->n_queued--;
    } else {
        leave_flight_locked(s, call);
    }
    call->stage = STAGE_DONE;
    call->result = result;
    condition_wake_all(&call->done);
    call_unref_locked(s, call);
}

/* The caller's deadline has passed. Has the server said nothing since this was sent, then nobody
 * else need wait for it either; but a request that was sent at the very end of its caller's time
 * proves nothing. */
static void suspect_locked(struct sftp *s, const struct sftp_call *call) REQUIRES(&s->lock)
{
    bool silent = call->received_before == s->received;
    if (call->stage == STAGE_IN_FLIGHT && silent &&
        clock_ms() - call->sent_at >= s->timeout_ms / 2) {
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

/* The caller is told that nothing was done: so it must not be done later. */
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
    if (r == -ETIMEDOUT) {
        suspect_locked(s, call);
        r = -EIO;
    }
    lock_drop(&s->lock);
    if (r != 0)
        return r;
    if (call->result == 0)
        call->result = answer_read(&call->answer, call->kind, call->asked);
    call->answer.handle.epoch = call->epoch;
    call->collected = true;
    return call->result;
}

void sftp_give_up(struct sftp_call *call, const char *why)
{
    if (!call)
        return;
    struct sftp *s = call->sftp;
    lock_take(&s->lock);
    if (call->stage == STAGE_QUEUED) {
        call_finish_locked(s, call, -ECANCELED);
    } else if (call->stage == STAGE_IN_FLIGHT) {
        link_fail_locked(s, SFTP_LOST, -ENOTCONN, why);
        engine_wake(s);
    }
    lock_drop(&s->lock);
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

void call_close_unwanted(struct sftp *s, struct answer *answer, enum call_kind kind, uint64_t epoch)
{
    if (kind_of(kind)->answer == kind_of(CALL_OPEN)->answer && answer_read(answer, kind, 0) == 0) {
        answer->handle.epoch = epoch;
        sftp_forget(sftp_close(s, &answer->handle));
    }
}

static void let_go(struct sftp_call *call, bool even_unsent)
{
    struct sftp *s = call->sftp;
    lock_take(&s->lock);
    bool unread = call->stage == STAGE_DONE && !call->collected && call->result == 0;
    call->abandoned = true;
    if (even_unsent && call->stage == STAGE_QUEUED && kind_of(call->kind)->harmless)
        call_finish_locked(s, call, -ECANCELED);
    lock_drop(&s->lock);
    if (unread)
        call_close_unwanted(s, &call->answer, call->kind, call->epoch);
    lock_take(&s->lock);
    call_unref_locked(s, call);
    bool last = s->refs == 0;
    lock_drop(&s->lock);
    if (last)
        engine_destroy(s);
}

void call_detach(struct sftp_call *call)
{
    if (call)
        let_go(call, false);
}

void sftp_call_free(struct sftp_call **call)
{
    if (*call)
        let_go(*call, true);
    *call = NULL;
}
