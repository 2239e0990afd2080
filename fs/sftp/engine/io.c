/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers, on the I/O thread, while the link is up.
 *
 * A request is put on the wire in the order of the queue. Small ones are gathered and sent with one
 * write; a large one is sent from its own memory. One with a time limit goes alone, is looked at
 * right before each attempt to hand over its first byte, and waits in the queue until the transport
 * holds nothing that would delay it.
 */
#include "io.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "call.h"
#include "sftp/requests.h"

enum {
    SMALL = 8 * 1024,   /* a request up to this size is gathered */
    BATCH = 32 * 1024,  /* gathered bytes: no look-ahead to speak of */
    TURN = 1024 * 1024, /* bytes sent before answers are looked at */
    TURNS = 64,         /* before deadlines are looked at */
};

int io_poll(struct sftp *s, int timeout_ms)
{
    struct transport *t = s->link.transport;
    struct pollfd fds[] = {
        {.fd = s->wake_fd, .events = POLLIN},
        {.fd = t ? t->fd : -1, .events = t ? t->ops->events(t) : 0},
    };
    if (poll(fds, 2, timeout_ms) < 0)
        return errno == EINTR ? 0 : -errno;
    uint64_t count;
    if (fds[0].revents && read(s->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return -errno;
    return fds[1].revents & POLLOUT ? t->ops->flush(t) : 0;
}

int io_fill(struct link *l)
{
    uint8_t *room;
    size_t size = frame_room(&l->frame, &room);
    ssize_t n = l->transport->ops->read(l->transport, room, size);
    if (n == -EAGAIN)
        return 0;
    if (n <= 0)
        return n == 0 ? -ECONNRESET : (int)n;
    frame_filled(&l->frame, (size_t)n);
    return (int)n;
}

bool io_must_stop(struct sftp *s)
{
    lock_take(&s->lock);
    bool stop = s->stopping;
    lock_drop(&s->lock);
    return stop;
}

bool io_must_renew(struct sftp *s)
{
    lock_take(&s->lock);
    bool renew = s->renewing;
    lock_drop(&s->lock);
    return renew;
}

/* Nothing is on its way to the transport any more. */
static void drop_out(struct sftp *s)
{
    struct link *l = &s->link;
    if (l->single) {
        lock_take(&s->lock);
        call_unref_locked(s, l->single);
        lock_drop(&s->lock);
    }
    l->single = NULL;
    buf_clear(&l->batch);
    l->sent = 0;
}

void io_reset(struct sftp *s)
{
    drop_out(s);
    sftp_call_free(&s->link.ping);
    frame_done(&s->link.frame);
    buf_done(&s->link.batch);
}

static bool too_late(const struct sftp_call *call)
{
    return call->not_after != 0 && clock_boot_ms() > call->not_after;
}

static struct span unsent(const struct link *l)
{
    struct span all = buf_span(l->single ? &l->single->request.bytes : &l->batch);
    return (struct span){all.n > l->sent ? all.p + l->sent : NULL, all.n - l->sent};
}

/* Takes the first call off the queue, as the next bytes or a part of them. False: not now. */
static bool take_locked(struct sftp *s, struct sftp_call *call, bool busy) REQUIRES(&s->lock)
{
    struct link *l = &s->link;
    size_t n = call->request.bytes.len;
    bool alone = call->not_after != 0 || n > SMALL;
    if (s->n_free_slots == 0 || (l->batch.len > 0 && (alone || l->batch.len + n > BATCH)))
        return false;
    if (call->not_after != 0 && busy)
        return false;
    if (!alone && buf_reserve(&l->batch, n) != 0) {
        call_finish_locked(s, call, -ENOMEM);
        return true;
    }
    call_send_locked(s, call);
    if (alone) {
        call->refs++;
        l->single = call;
        return false;
    }
    buf_add(&l->batch, buf_span(&call->request.bytes));
    if (call->kind != CALL_WRITE) /* see sftp_call_written */
        buf_done(&call->request.bytes);
    return true;
}

/* Puts together what goes to the transport next. */
static void refill(struct sftp *s)
{
    struct link *l = &s->link;
    bool busy = l->transport->ops->events(l->transport) & POLLOUT;
    bool more = true;
    drop_out(s);
    lock_take(&s->lock);
    s->woken = false;
    while (more && s->queue) {
        if (too_late(s->queue))
            call_finish_locked(s, s->queue, -ETIME);
        else
            more = take_locked(s, s->queue, busy);
    }
    lock_drop(&s->lock);
}

/* No room for the first byte of a call with a time limit: it has not been sent after all. */
static void hold_back(struct sftp *s)
{
    struct link *l = &s->link;
    if (!l->single || l->sent > 0 || l->single->not_after == 0)
        return;
    lock_take(&s->lock);
    call_unsend_locked(s, l->single);
    lock_drop(&s->lock);
    drop_out(s);
}

/* 1 when something went out, 0 when nothing can or need, -errno. */
static int send_some(struct sftp *s)
{
    struct transport *t = s->link.transport;
    size_t total = 0;
    while (total < TURN) {
        if (unsent(&s->link).n == 0)
            refill(s);
        struct span out = unsent(&s->link);
        if (out.n == 0)
            break;
        ssize_t n = t->ops->write(t, out.p, out.n);
        if (n == -EAGAIN) {
            hold_back(s);
            break;
        }
        if (n < 0)
            return (int)n;
        s->link.sent += (size_t)n;
        total += (size_t)n;
    }
    if (total == 0)
        return 0;
    lock_take(&s->lock);
    s->sent += total;
    lock_drop(&s->lock);
    return 1;
}

static void measure_locked(struct sftp *s, const struct sftp_call *call) REQUIRES(&s->lock)
{
    bool quick = call->kind == CALL_REALPATH || call->kind == CALL_LSTAT || call->kind == CALL_STAT;
    if (!call->alone || !quick)
        return;
    s->round_trip_us = clock_us() - call->sent_us;
    if (s->least_trip_us < 0 || s->round_trip_us < s->least_trip_us)
        s->least_trip_us = s->round_trip_us;
}

/* Whether the answer of a call may take so much memory: 0, -EPROTO, -ENOMEM. */
static int admit_locked(struct sftp *s, struct sftp_call *call, size_t n) REQUIRES(&s->lock)
{
    if (n > answer_max(call->kind, call->asked))
        return -EPROTO;
    if (call->kind != CALL_READDIR)
        return 0;
    if (s->listed + n > LISTED_MAX)
        return -ENOMEM;
    call->listed = n;
    s->listed += n;
    return 0;
}

/* Gives a packet to the call that waits for it. -EPROTO when there is none. */
static int deliver(struct sftp *s, const struct packet *packet)
{
    uint32_t id;
    if (!answer_id(packet, &id))
        return -EPROTO;
    lock_take(&s->lock);
    struct sftp_call *call = s->slots[id % SLOTS];
    if (!call || call->id != id) {
        lock_drop(&s->lock);
        return -EPROTO;
    }
    bool abandoned = call->abandoned;
    measure_locked(s, call);
    int r = abandoned ? 0 : admit_locked(s, call, packet->n);
    if (r < 0)
        free(packet->bytes);
    else
        call->answer.packet = *packet;
    if (abandoned)
        call->refs++;
    call_finish_locked(s, call, r);
    lock_drop(&s->lock);
    if (abandoned)
        sftp_call_free(&call);
    return 0;
}

static int deliver_all(struct sftp *s)
{
    for (;;) {
        struct packet packet;
        int r = frame_next(&s->link.frame, &packet);
        if (r <= 0)
            return r;
        r = deliver(s, &packet);
        if (r != 0) {
            free(packet.bytes);
            return r;
        }
    }
}

/* 1 when something came, 0 when nothing is there, -errno. */
static int receive_some(struct sftp *s)
{
    int r = deliver_all(s) ?: io_fill(&s->link);
    if (r <= 0)
        return r;
    lock_take(&s->lock);
    s->received += (uint64_t)r;
    s->received_at = clock_ms();
    lock_drop(&s->lock);
    return deliver_all(s) ?: 1;
}

/* Ends when nothing was sent and then nothing was there to read: only then may the thread sleep,
 * since a transport may read while it sends, and keep what it read. */
static int exchange(struct sftp *s, bool *ret_more)
{
    int sent = 1;
    int received = 1;
    for (int i = 0; i < TURNS && sent + received > 0; i++) {
        sent = send_some(s);
        if (sent < 0)
            return sent;
        received = receive_some(s);
        if (received < 0)
            return received;
    }
    *ret_more = sent + received > 0;
    return 0;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How long the server may still be silent. Takes the link down when that is over. */
static int64_t patience_locked(struct sftp *s, int64_t now) REQUIRES(&s->lock)
{
    int64_t left = later(s->in_flight->sent_at, s->received_at) + s->options.timeout_ms - now;
    if (left <= 0)
        link_fail_locked(s, SFTP_DOWN, -EIO, "the server does not answer");
    return left;
}

/* When to look at deadlines again, in ms from now; 0: the link has ended, or must. */
static int64_t next_look_locked(struct sftp *s, bool *ret_ping) REQUIRES(&s->lock)
{
    int64_t now = clock_ms();
    int64_t left;
    bool idle = !s->in_flight && !s->queue;
    *ret_ping = false;
    assert(s->state == SFTP_UP || idle);
    if (s->stopping) {
        left = idle ? 0 : s->stop_at - now;
    } else if (s->in_flight) {
        left = patience_locked(s, now);
    } else {
        left = later(s->link.pinged_at, s->received_at) + s->options.timeout_ms - now;
        *ret_ping = left <= 0;
        left = later(left, 1);
    }
    if (s->queue && s->queue->not_after != 0) {
        int64_t expires = later(s->queue->not_after + 1 - clock_boot_ms(), 1);
        left = left < expires ? left : expires;
    }
    return s->state == SFTP_UP ? later(left, 0) : 0;
}

static void lose(struct sftp *s, int r)
{
    char text[128];
    if (r == -EPROTO)
        snprintf(text, sizeof(text), "the server sent data that is not SFTP");
    else if (r == -ECONNRESET || r == -EPIPE)
        snprintf(text, sizeof(text), "the server closed the connection");
    else if (r == -ESHUTDOWN)
        snprintf(text, sizeof(text), "the connection is not needed any more");
    else
        snprintf(text, sizeof(text), "the connection failed: %s", strerror(-r));
    lock_take(&s->lock);
    if (s->state == SFTP_UP)
        link_fail_locked(s, SFTP_LOST, -ENOTCONN, text);
    lock_drop(&s->lock);
}

void io_serve(struct sftp *s)
{
    bool more = true;
    for (;;) {
        bool ping;
        lock_take(&s->lock);
        int64_t left = next_look_locked(s, &ping);
        lock_drop(&s->lock);
        if (left == 0)
            break;
        if (io_must_renew(s))
            return;
        if (ping) {
            s->link.pinged_at = clock_ms();
            sftp_call_free(&s->link.ping);
            s->link.ping = sftp_realpath(s, ".");
            continue;
        }
        int r = io_poll(s, more ? 0 : (int)left) ?: exchange(s, &more);
        if (r != 0) {
            lose(s, r);
            return;
        }
    }
    lose(s, -ESHUTDOWN); /* where the engine stops: what is still under way ends */
}
