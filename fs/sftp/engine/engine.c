/* SPDX-License-Identifier: MIT */
/* The engine as a whole: its making and its end, and what it says about itself. */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "call.h"
#include "io.h"

enum { LINGER_MS = 1000 };

static struct sftp *engine_make(const struct sftp_options *options)
{
    struct sftp *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    lock_init(&s->lock);
    condition_init(&s->changed);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->options = *options;
    s->refs = 1;
    s->state = SFTP_UNUSED;
    s->lost_since = clock_ms();
    s->round_trip_us = s->least_trip_us = -1;
    for (unsigned i = 0; i < SLOTS; i++)
        s->free_slots[i] = (uint16_t)(SLOTS - 1 - i);
    s->n_free_slots = SLOTS;
    if (s->wake_fd >= 0)
        return s;
    engine_destroy(s);
    return NULL;
}

static int await_start(struct sftp *s, struct diag *why)
{
    /* The hello has deadlines of its own. */
    struct wait hello_ends = {.deadline = INT64_MAX};
    lock_take(&s->lock);
    while (s->starting)
        wait_on(&hello_ends, &s->changed, &s->lock);
    int r = s->start_result;
    if (r != 0 && why)
        *why = s->why;
    lock_drop(&s->lock);
    return r;
}

int sftp_new(struct transport *transport, const struct sftp_options *options, struct sftp **ret,
             struct diag *why)
{
    assert((transport || options->connect) && options->timeout_ms > 0);
    struct sftp *s = engine_make(options);
    int r = s ? 0 : -ENOMEM;
    if (r == 0) {
        s->link.transport = transport;
        s->starting = transport != NULL;
        s->state = transport ? SFTP_LOST : SFTP_UNUSED;
        r = thread_start(&s->thread, link_main, s);
    }
    if (r != 0) {
        transport_free(transport);
        engine_destroy(s);
        diag_set(why, "cannot start the SFTP engine: %s", strerror(-r));
        return r;
    }
    r = await_start(s, why);
    if (r == 0)
        *ret = s;
    else
        sftp_free(s);
    return r;
}

void sftp_end(struct sftp *sftp)
{
    const int timeout_ms = sftp->options.timeout_ms;
    lock_take(&sftp->lock);
    sftp->stopping = true;
    sftp->stop_at = clock_ms() + (timeout_ms < LINGER_MS ? timeout_ms : LINGER_MS);
    lock_drop(&sftp->lock);
    engine_wake(sftp);
    pthread_join(sftp->thread, NULL);
    sftp->ended = true;
}

void sftp_free(struct sftp *sftp)
{
    if (!sftp)
        return;
    if (!sftp->ended)
        sftp_end(sftp);
    lock_take(&sftp->lock);
    bool last = --sftp->refs == 0;
    lock_drop(&sftp->lock);
    if (last)
        engine_destroy(sftp);
}

void sftp_use(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    const bool unused = sftp->state == SFTP_UNUSED;
    if (unused) {
        sftp->state = SFTP_LOST;
        sftp->lost_since = clock_ms();
    }
    lock_drop(&sftp->lock);
    if (unused)
        engine_wake(sftp);
}

enum sftp_state sftp_state(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    enum sftp_state state = link_state_locked(sftp);
    lock_drop(&sftp->lock);
    return state;
}

int64_t sftp_round_trip_ms(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    int64_t us = sftp->round_trip_us;
    lock_drop(&sftp->lock);
    return us < 0 ? -1 : us / 1000;
}

int64_t sftp_least_trip_ms(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    const int64_t us = sftp->least_trip_us;
    lock_drop(&sftp->lock);
    return us < 0 ? -1 : us / 1000;
}

uint64_t sftp_received(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    const uint64_t bytes = sftp->received;
    lock_drop(&sftp->lock);
    return bytes;
}

uint64_t sftp_bytes(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    uint64_t bytes = sftp->sent + sftp->received;
    lock_drop(&sftp->lock);
    return bytes;
}

int sftp_renew(struct sftp *sftp, const struct wait *wait)
{
    struct sftp *s = sftp;
    int r = s->options.connect ? 0 : -EOPNOTSUPP;
    lock_take(&s->lock);
    if (r == 0 && s->state == SFTP_UP) {
        s->renewing = true;
        engine_wake(s);
    }
    while (r == 0 && s->renewing)
        r = wait_on(wait, &s->changed, &s->lock);
    lock_drop(&s->lock);
    return r;
}

bool sftp_handle_lives(struct sftp *sftp, const struct sftp_handle *handle)
{
    lock_take(&sftp->lock);
    bool lives = link_state_locked(sftp) == SFTP_UP && !sftp->stopping && handle->len > 0 &&
                 handle->epoch == sftp->epoch;
    lock_drop(&sftp->lock);
    return lives;
}

int sftp_wait_up(struct sftp *sftp, const struct wait *wait)
{
    struct sftp *s = sftp;
    int r = 0;
    lock_take(&s->lock);
    while (r == 0 && link_state_locked(s) != SFTP_UP) {
        struct wait until = *wait;
        if (until.deadline > s->lost_since + s->options.timeout_ms)
            until.deadline = s->lost_since + s->options.timeout_ms;
        bool hopeless = s->state != SFTP_LOST || !s->options.connect || s->stopping;
        if (!hopeless && s->waiting++ == 0)
            engine_wake(s);
        r = hopeless ? -EIO : wait_on(&until, &s->changed, &s->lock);
        s->waiting -= !hopeless;
    }
    lock_drop(&s->lock);
    return r;
}

bool sftp_why_not_up(struct sftp *sftp, struct diag *ret)
{
    char since[CLOCK_UTC_SIZE];
    lock_take(&sftp->lock);
    const bool up = link_state_locked(sftp) == SFTP_UP;
    clock_utc(sftp->loss.at, since);
    if (!up && sftp->loss.at == 0)
        diag_set(ret, "there is no connection to the server: %s",
                 sftp->why.text[0] ? sftp->why.text : "it does not answer");
    else if (!up)
        diag_set(ret, "the connection to the server is lost since %s: %s", since, sftp->why.text);
    lock_drop(&sftp->lock);
    return !up;
}

/* Since when the link is up, or is not, and what became of the one before. */
static int describe_times_locked(struct sftp *s, enum sftp_state state, struct buf *ret)
    REQUIRES(&s->lock)
{
    char since[CLOCK_UTC_SIZE];
    char lost[CLOCK_UTC_SIZE];
    clock_utc(s->loss.at, lost);
    clock_utc(state == SFTP_UP ? s->up_at : s->loss.at, since);
    int r = s->epoch > 0 ? buf_addf(ret, "link-since: %s\n", since) : 0;
    if (r == 0 && s->loss.at > 0)
        r = buf_addf(ret, "link-lost: %s\nlink-lost-reason: %s\n", lost, s->loss.why.text);
    return r;
}

static int describe_link_locked(struct sftp *s, struct buf *ret) REQUIRES(&s->lock)
{
    static const char *const names[] = {[SFTP_UNUSED] = "unused",
                                        [SFTP_UP] = "up",
                                        [SFTP_LOST] = "lost",
                                        [SFTP_DOWN] = "down",
                                        [SFTP_REFUSED] = "refused"};
    enum sftp_state state = link_state_locked(s);
    int r = buf_addf(ret, "link: %s\n", names[state]);
    if (r == 0 && state != SFTP_UP && s->why.text[0])
        r = buf_addf(ret, "link-error: %s\n", s->why.text);
    r = r ?: describe_times_locked(s, state, ret) ?: buf_add(ret, buf_span(&s->transport_text));
    if (r == 0 && s->round_trip_us >= 0)
        r = buf_addf(ret, "round-trip-ms: %lld.%lld\n", (long long)s->round_trip_us / 1000,
                     (long long)s->round_trip_us / 100 % 10);
    return r;
}

static int describe_features(const struct sftp_features *f, struct buf *ret)
{
    int r =
        buf_addf(ret, "extensions:%s%s%s%s%s%s\n", f->posix_rename ? " posix-rename" : "",
                 f->hardlink ? " hardlink" : "", f->lsetstat ? " lsetstat" : "",
                 f->fsync ? " fsync" : "", f->statvfs ? " statvfs" : "", f->limits ? " limits" : "")
            ?: buf_addf(ret, "max-read: %llu\nmax-write: %llu\n", (unsigned long long)f->max_read,
                        (unsigned long long)f->max_write);
    if (r == 0 && f->max_handles > 0)
        r = buf_addf(ret, "max-handles: %llu\n", (unsigned long long)f->max_handles);
    return r;
}

int sftp_describe(struct sftp *sftp, struct buf *ret)
{
    struct sftp *s = sftp;
    lock_take(&s->lock);
    int r = describe_link_locked(s, ret)
        ?: (s->epoch > 0 ? describe_features(&s->features, ret) : 0)
        ?: buf_addf(ret,
                   "links: %llu\nrequests: %llu\nrequests-in-flight: %u\nrequests-queued: %u\n"
                   "bytes-sent: %llu\nbytes-received: %llu\n",
                   (unsigned long long)s->epoch, (unsigned long long)s->calls,
                   SLOTS - s->n_free_slots, s->n_queued, (unsigned long long)s->sent,
                   (unsigned long long)s->received);
    lock_drop(&s->lock);
    return r;
}
