/* SPDX-License-Identifier: MIT */
/*
 * What a lane is:
 *
 *      open -----> ended -----> freed
 *            |             |
 *            |             nobody holds it any more
 *            its link was lost, or idle_ms have passed
 *
 * Only the thread opens, ends and frees lanes: all three may block. An ended lane keeps its engine,
 * whose calls fail at once, for as long as a file holds it.
 */
#include "bulk_connections.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    FAILURES_MAX = 3,     /* in a row; then there are no lanes any more */
    AGAIN_MS = 30 * 1000, /* after the first one, and ... */
    AGAIN_FACTOR = 4,     /* ... longer after each further one */
    LIVED_MS = 10 * 1000, /* a lane that was lost earlier has failed, too */
    LOOK_MS = 1000,       /* how often open lanes are looked at */
};

struct lane {
    struct lane *prev, *next;
    struct sftp *sftp;
    unsigned refs; /* protected by lanes->lock */
    bool ended;    /* protected by lanes->lock; set by the thread */
    int64_t since;
};

struct lanes {
    struct lanes_options options;
    pthread_t thread;
    atomic_llong used_at;
    struct lock lock;
    struct condition woken;

    /* protected by lock */
    struct lane *list;
    bool stop;
    bool wanted;
    unsigned failures; /* in a row; FAILURES_MAX: given up */
    int64_t not_before;
    struct why why; /* of the last failure */
    unsigned long opened;
    char over[32]; /* what carries them */
};

static void failed_locked(struct lanes *l, bool for_good, const char *why) REQUIRES(&l->lock)
{
    int64_t pause = AGAIN_MS;
    for (unsigned i = 0; i < l->failures; i++)
        pause *= AGAIN_FACTOR;
    l->failures = for_good ? FAILURES_MAX : l->failures + 1;
    l->not_before = clock_ms() + pause;
    l->wanted = false;
    why_set(&l->why, "%s", why);
    log_debug("bulk connection: %s", why);
}

/* ---- the thread */

/* What is behind "transport: ". */
static void note_transport(struct lanes *l, const struct transport *t)
{
    static const char mark[] = "transport: ";
    BUF_AUTO text = {0};
    if (t->ops->describe(t, &text) < 0 || !text.len ||
        !span_starts_with(buf_span(&text), SPAN_LITERAL("transport: ")))
        return;
    const char *from = text.data + sizeof(mark) - 1;
    size_t n = strcspn(from, "\n");
    if (n >= sizeof(l->over))
        n = sizeof(l->over) - 1;
    lock_take(&l->lock);
    memcpy(l->over, from, n);
    l->over[n] = '\0';
    lock_drop(&l->lock);
}

static int open_lane(struct lanes *l, struct lane **ret, struct why *why)
{
    struct transport *transport = NULL;
    struct lane *lane = calloc(1, sizeof(*lane));
    int r = lane ? l->options.connect(l->options.ctx, &transport, why) : -ENOMEM;
    if (r == 0) {
        const struct sftp_options options = {.timeout_ms = l->options.timeout_ms};
        note_transport(l, transport);
        r = sftp_new(transport, &options, &lane->sftp, why);
    }
    if (r < 0) {
        free(lane);
        return r;
    }
    lane->since = clock_ms();
    *ret = lane;
    return 0;
}

/* More than one where the window of one session would set the pace; as many as the server grants.
 */
static void open_lanes(struct lanes *l)
{
    struct lane *opened[BULK_WAYS] = {0};
    struct why why = {0};
    unsigned n = 0;
    int r = 0;
    while (r == 0 && n < BULK_WAYS &&
           (n == 0 || sftp_round_trip_ms(opened[0]->sftp) >= l->options.far_ms)) {
        r = open_lane(l, &opened[n], &why);
        n += r == 0;
    }
    atomic_store(&l->used_at, clock_ms());
    lock_take(&l->lock);
    for (unsigned i = 0; i < n; i++)
        DL_APPEND(l->list, opened[i]);
    l->opened += n;
    l->wanted = false;
    if (n == 0)
        failed_locked(l, r == -EACCES, why.text[0] ? why.text : strerror(-r));
    lock_drop(&l->lock);
}

static struct lane *find_dead_locked(struct lanes *l, bool idle) REQUIRES(&l->lock)
{
    struct lane *lane;
    DL_FOREACH (l->list, lane) {
        if (lane->ended ? lane->refs == 0 : idle || sftp_state(lane->sftp) != SFTP_UP)
            return lane;
    }
    return NULL;
}

/* Ends what is lost, or all where nobody uses them; frees what nobody holds. */
static void sweep(struct lanes *l, bool idle)
{
    struct lane *lane;
    lock_take(&l->lock);
    while ((lane = find_dead_locked(l, idle))) {
        bool freed = lane->ended;
        if (freed) {
            DL_DELETE(l->list, lane);
        } else {
            lane->ended = true;
            if (idle || clock_ms() - lane->since >= LIVED_MS)
                l->failures = 0;
            else
                failed_locked(l, false, "the connection was lost soon after it was made");
        }
        lock_drop(&l->lock);
        if (freed) {
            sftp_free(lane->sftp);
            free(lane);
        } else {
            sftp_end(lane->sftp);
        }
        lock_take(&l->lock);
    }
    lock_drop(&l->lock);
}

static void *run(void *arg)
{
    struct lanes *l = arg;
    lock_take(&l->lock);
    while (!l->stop) {
        bool open = l->wanted;
        if (!open) {
            const struct wait look = {.deadline = l->list ? clock_ms() + LOOK_MS : INT64_MAX / 2};
            wait_on(&look, &l->woken, &l->lock);
        }
        bool idle = clock_ms() - atomic_load(&l->used_at) >= l->options.idle_ms;
        lock_drop(&l->lock);
        if (open)
            open_lanes(l);
        else
            sweep(l, idle);
        lock_take(&l->lock);
    }
    lock_drop(&l->lock);
    sweep(l, true);
    return NULL;
}

/* ---- the others */

int lanes_new(const struct lanes_options *options, struct lanes **ret)
{
    struct lanes *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->options = *options;
    int r = lock_init(&l->lock);
    if (r == 0) {
        r = condition_init(&l->woken);
        if (r == 0) {
            r = thread_start(&l->thread, run, l);
            if (r == 0) {
                *ret = l;
                return 0;
            }
            condition_done(&l->woken);
        }
        lock_done(&l->lock);
    }
    free(l);
    return r;
}

void lanes_free(struct lanes *l)
{
    if (!l)
        return;
    lock_take(&l->lock);
    l->stop = true;
    condition_wake_all(&l->woken);
    lock_drop(&l->lock);
    pthread_join(l->thread, NULL);
    condition_done(&l->woken);
    lock_done(&l->lock);
    free(l);
}

void lanes_want(struct lanes *l)
{
    const struct lane *lane;
    bool any = false;
    if (!l)
        return;
    lock_take(&l->lock);
    DL_FOREACH (l->list, lane)
        any |= !lane->ended;
    bool may = l->failures < FAILURES_MAX && clock_ms() >= l->not_before;
    if (!any && may && !l->wanted) {
        l->wanted = true;
        condition_wake_all(&l->woken);
    }
    lock_drop(&l->lock);
}

unsigned lanes_take(struct lanes *l, struct lane *ret[BULK_WAYS])
{
    struct lane *lane;
    unsigned n = 0;
    if (!l)
        return 0;
    lock_take(&l->lock);
    DL_FOREACH (l->list, lane) {
        if (n < BULK_WAYS && !lane->ended && sftp_state(lane->sftp) == SFTP_UP) {
            lane->refs++;
            ret[n++] = lane;
        }
    }
    lock_drop(&l->lock);
    lanes_touch(l);
    return n;
}

void lanes_drop(struct lanes *l, struct lane *lane)
{
    lock_take(&l->lock);
    if (--lane->refs == 0 && lane->ended)
        condition_wake_all(&l->woken);
    lock_drop(&l->lock);
}

void lanes_touch(struct lanes *l)
{
    atomic_store(&l->used_at, clock_ms());
}

struct sftp *lane_sftp(const struct lane *lane)
{
    return lane->sftp;
}

int lanes_describe(struct lanes *l, struct buf *ret)
{
    const struct lane *lane;
    unsigned n = 0;
    if (!l)
        return 0;
    lock_take(&l->lock);
    DL_FOREACH (l->list, lane)
        n += !lane->ended && sftp_state(lane->sftp) == SFTP_UP;
    int r = buf_addf(ret, "bulk-connections: %u\nbulk-connections-made: %lu\n", n, l->opened);
    if (r == 0 && l->over[0])
        r = buf_addf(ret, "bulk-transport: %s\n", l->over);
    if (r == 0 && l->why.text[0])
        r = buf_addf(ret, "bulk-error: %s\n", l->why.text);
    lock_drop(&l->lock);
    return r;
}
