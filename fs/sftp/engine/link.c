/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection, on the I/O thread.
 *
 *                  hello                   bytes stop, garbage
 *      (start) ------------> SFTP_UP ------------------------------> SFTP_LOST
 *                             ^  ^ \                                  |    |
 *                             |  |  \ nothing came for timeout_ms     |    |
 *                             |  |   \                                |    |
 *                             |  |    `----> SFTP_DOWN <--------------'    |
 *                             |  |               |    not up after         |
 *                             |  `---------------'    timeout_ms           |
 *                             |     connected again                        |
 *                             `--------------------------------------------'
 *      SFTP_LOST, SFTP_DOWN ---- authentication refused ----> SFTP_REFUSED (for good)
 *
 *      (start without a connection) ---> SFTP_UNUSED ---- wanted ----> SFTP_LOST ----> SFTP_UP
 *                                             ^                            |
 *                                             `---------- not made --------'
 *
 * Any thread may leave SFTP_UP (a wait that ended without a byte does); only this one enters it.
 * The next caller that looks finds that a loss has lasted too long, since this thread may be
 * connecting.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "call.h"
#include "io.h"

enum {
    BACKOFF_MIN_MS = 200,
    BACKOFF_MAX_MS = 10 * 1000,
    NEEDED_MS = 1000, /* the time between attempts because somebody needs the link */
};

/* Says hello; then the link is up. */
static int link_begin(struct sftp *s)
{
    struct sftp_features features;
    int64_t round_trip_us;
    struct diag why = {0};
    struct transport *t = s->link.transport;
    BUF_AUTO text = {0};
    int r = hello(s, &features, &round_trip_us, &why);
    if (r == 0) {
        r = t->ops->describe(t, &text);
        if (r != 0)
            diag_set(&why, "cannot describe the connection: out of memory");
    }
    lock_take(&s->lock);
    if (r == 0) {
        s->state = SFTP_UP;
        s->epoch++;
        s->features = features;
        s->round_trip_us = s->least_trip_us = round_trip_us;
        s->up_at = clock_wall_s();
        s->received_at = s->link.up_since = s->link.pinged_at = clock_ms();
        s->link.received_before = s->received;
        buf_done(&s->transport_text);
        s->transport_text = text;
        text = (struct buf){0};
    } else {
        s->why = why;
        if (s->epoch == 0 && !s->starting)
            s->state = SFTP_UNUSED;
    }
    if (s->starting) {
        s->starting = false;
        s->start_result = r;
    }
    condition_wake_all(&s->changed);
    lock_drop(&s->lock);
    return r;
}

static void link_end(struct sftp *s)
{
    io_reset(s);
    transport_free(s->link.transport);
    s->link.transport = NULL;
}

/* Until the engine stops. */
static void idle(struct sftp *s)
{
    while (!io_must_stop(s))
        io_poll(s, -1);
}

static bool is_needed(struct sftp *s)
{
    lock_take(&s->lock);
    const bool needed = s->waiting > 0 || s->needed;
    lock_drop(&s->lock);
    return needed;
}

/* A pause of that length before the next attempt. Who needs the link ends it at once, unless that
 * was done a short while ago. */
static void pause_for(struct sftp *s, int ms)
{
    const int64_t begin = clock_ms();
    while (!io_must_stop(s)) {
        const int64_t now = clock_ms();
        const bool needed = is_needed(s);
        int64_t end = begin + ms;
        if (needed && s->link.needed_at + NEEDED_MS < end)
            end = s->link.needed_at + NEEDED_MS;
        if (needed && end <= now)
            s->link.needed_at = now;
        if (end <= now)
            return;
        io_poll(s, (int)(end - now));
    }
}

/* A link that carried an answer, or lived for a moment, is a good one: to lose it says nothing
 * about the next. One that ends with its hello is as good as none. */
static bool was_good(struct sftp *s)
{
    const struct link *l = &s->link;
    lock_take(&s->lock);
    bool answered = s->received > l->received_before;
    lock_drop(&s->lock);
    return l->up_since > 0 && (answered || clock_ms() - l->up_since > BACKOFF_MIN_MS);
}

/* The pauses start anew after each good link, and the first attempt comes at once. Whoever first
 * needs the link does not wait for their end. */
static void back_off(struct sftp *s)
{
    struct link *l = &s->link;
    if (was_good(s))
        l->backoff_ms = 0;
    l->up_since = 0;
    pause_for(s, l->backoff_ms);
    l->backoff_ms = l->backoff_ms == 0 ? BACKOFF_MIN_MS : 2 * l->backoff_ms;
    if (l->backoff_ms > BACKOFF_MAX_MS)
        l->backoff_ms = BACKOFF_MAX_MS;
}

static void note(struct sftp *s, const struct diag *text)
{
    log_debug("link: %s", text->text);
    if (s->options.note)
        s->options.note(s->options.note_ctx, text->text);
}

static void note_loss(struct sftp *s)
{
    struct diag text = {0};
    lock_take(&s->lock);
    if (!s->stopping)
        diag_set(&text, "the connection to the server was lost: %s", s->loss.why.text);
    lock_drop(&s->lock);
    if (text.text[0])
        note(s, &text);
}

static void note_return(struct sftp *s)
{
    struct diag text = {0};
    char lost[CLOCK_UTC_SIZE];
    lock_take(&s->lock);
    const long long ms = clock_boot_ms() - s->loss.boot_ms;
    clock_utc(s->loss.at, lost);
    diag_set(&text, "the connection to the server is back after %lld.%lld s; it was lost at %s: %s",
             ms / 1000, ms / 100 % 10, lost, s->loss.why.text);
    lock_drop(&s->lock);
    note(s, &text);
}

static void note_refusal(struct sftp *s, const struct diag *why)
{
    struct diag text = {0};
    diag_set(&text,
             "the connection to the server is not made again, because the login was refused: %s; "
             "unmount, and mount anew",
             why->text);
    note(s, &text);
}

/* A connection could not be made. The first one is tried again when somebody wants it again. */
static void note_failure(struct sftp *s, int r, const struct diag *why)
{
    lock_take(&s->lock);
    s->why = *why;
    if (r == -EACCES)
        s->state = SFTP_REFUSED;
    else if (s->epoch == 0)
        s->state = SFTP_UNUSED;
    condition_wake_all(&s->changed);
    lock_drop(&s->lock);
    log_debug("link: connecting: %s", why->text);
}

/* Connects and says hello. 0, -errno. */
static int link_make(struct sftp *s)
{
    struct diag why = {0};
    lock_take(&s->lock);
    s->needed = false;
    lock_drop(&s->lock);
    int r = s->options.connect(s->options.ctx, &s->link.transport, &why);
    if (r != 0) {
        note_failure(s, r, &why);
        if (r == -EACCES)
            note_refusal(s, &why);
        return r;
    }
    r = link_begin(s);
    if (r != 0)
        link_end(s);
    return r;
}

static bool is_wanted(struct sftp *s)
{
    lock_take(&s->lock);
    const bool wanted = s->state != SFTP_UNUSED && s->state != SFTP_REFUSED;
    lock_drop(&s->lock);
    return wanted;
}

/* Makes the first connection of an engine that was started without one, each time that somebody
 * wants it. False: the engine stops. */
static bool link_first(struct sftp *s)
{
    while (!io_must_stop(s)) {
        if (is_wanted(s) && link_make(s) == 0)
            return true;
        if (!is_wanted(s))
            io_poll(s, -1);
    }
    return false;
}

/* Connects again until that works, or nobody wants it any more. */
static void link_restore(struct sftp *s)
{
    if (!s->options.connect)
        idle(s);
    for (;;) {
        back_off(s);
        if (io_must_stop(s))
            return;
        int r = link_make(s);
        if (r == 0) {
            note_return(s);
            return;
        }
        if (r == -EACCES)
            idle(s);
    }
}

static void end_renewal(struct sftp *s)
{
    lock_take(&s->lock);
    s->renewing = false;
    condition_wake_all(&s->changed);
    lock_drop(&s->lock);
}

/* Another connection takes the place of this one, if it can be made. */
static void link_renew(struct sftp *s)
{
    struct diag why = {0};
    struct transport *fresh = NULL;
    if (s->options.connect(s->options.ctx, &fresh, &why) != 0) {
        log_debug("link: the connection stays: %s", why.text);
        end_renewal(s);
        return;
    }
    lock_take(&s->lock);
    if (s->state == SFTP_UP)
        link_fail_locked(s, SFTP_LOST, -ENOTCONN, "another connection takes its place");
    lock_drop(&s->lock);
    link_end(s);
    s->link.transport = fresh;
    const bool up = link_begin(s) == 0;
    end_renewal(s);
    if (up)
        return;
    lock_take(&s->lock);
    link_lost_locked(s);
    lock_drop(&s->lock);
    link_end(s);
    link_restore(s);
}

void *link_main(void *sftp)
{
    struct sftp *s = sftp;
    bool begun = s->link.transport ? link_begin(s) == 0 : link_first(s);
    while (begun && s->link.transport) {
        io_serve(s);
        if (io_must_renew(s)) {
            link_renew(s);
            continue;
        }
        note_loss(s);
        link_end(s);
        link_restore(s);
    }
    if (s->link.transport)
        link_end(s);
    return NULL;
}
