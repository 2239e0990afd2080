/* SPDX-License-Identifier: MIT */
/* The life of a call, from its making to the last reference, and what can end it from outside: the
 * state of the link. */
#include "call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <utlist.h>

#include "base/clock.h"

enum { AT_LENGTH = 0, AT_ID = 5 };

void engine_wake(struct sftp *s)
{
    uint64_t one = 1;
    ssize_t n = write(s->wake_fd, &one, sizeof(one));
    (void)n; /* full: then it is awake already */
}

void engine_destroy(struct sftp *s)
{
    if (!s)
        return;
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    condition_done(&s->changed);
    lock_done(&s->lock);
    buf_done(&s->transport_text);
    free(s);
}

struct sftp_call *call_new(struct sftp *s, enum call_kind kind)
{
    const struct kind *k = kind_of(kind);
    struct sftp_call *call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    condition_init(&call->done);
    call->sftp = s;
    call->kind = kind;
    call->changes = k->effect == CHANGES;
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

enum sftp_state link_state_locked(struct sftp *s)
{
    if (s->state == SFTP_LOST && s->options.connect &&
        clock_ms() >= s->lost_since + s->options.timeout_ms)
        s->state = SFTP_DOWN;
    return s->state;
}

static int link_error_locked(struct sftp *s) REQUIRES(&s->lock)
{
    enum sftp_state state = link_state_locked(s);
    if (state == SFTP_DOWN && !s->needed) {
        s->needed = true;
        engine_wake(s);
    }
    if (s->stopping || state == SFTP_LOST)
        return -ENOTCONN;
    return state == SFTP_UP ? 0 : -EIO;
}

static int cannot_be_sent_locked(struct sftp *s, const struct sftp_call *call,
                                 const struct sftp_handle *handle) REQUIRES(&s->lock)
{
    int r = call->request.error ?: link_error_locked(s); /* a lost one could be sent again */
    if (r == 0 && handle && (handle->len == 0 || handle->epoch != s->epoch))
        r = -ENOTCONN;
    if (r == 0 && !kind_offered(call->kind, &s->features))
        r = -EOPNOTSUPP;
    return r;
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
    call->sent_us = clock_us();
    call->received_before = s->received;
    call->stage = STAGE_IN_FLIGHT;
    DL_DELETE(s->queue, call);
    s->n_queued--;
    DL_APPEND(s->in_flight, call);
}

static void leave_flight_locked(struct sftp *s, struct sftp_call *call) REQUIRES(&s->lock)
{
    uint32_t slot = call->id % SLOTS;
    assert(s->slots[slot] == call);
    s->slots[slot] = NULL;
    s->free_slots[s->n_free_slots++] = (uint16_t)slot;
    DL_DELETE(s->in_flight, call);
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

void link_lost_locked(struct sftp *s)
{
    s->loss.at = clock_wall_s();
    s->loss.boot_ms = clock_boot_ms();
    s->loss.why = s->why;
}

void link_fail_locked(struct sftp *s, enum sftp_state state, int result, const char *why)
{
    const bool was_up = s->state == SFTP_UP;
    s->state = state;
    s->lost_since = clock_ms();
    snprintf(s->why.text, sizeof(s->why.text), "%s", why);
    if (was_up && !s->stopping && !s->renewing)
        link_lost_locked(s);
    while (s->in_flight)
        call_finish_locked(s, s->in_flight, result);
    while (s->queue)
        call_finish_locked(s, s->queue, result);
    condition_wake_all(&s->changed);
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

struct sftp_features sftp_features(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    struct sftp_features features = sftp->features;
    lock_drop(&sftp->lock);
    return features;
}
