/* SPDX-License-Identifier: MIT */
/*
 * What a bulk connection is:
 *
 *      open -----> ended -----> freed
 *            |             |
 *            |             nobody holds it any more
 *            its link was lost, or idle_ms have passed
 *
 * Only the thread opens, ends and frees bulk connections: all three may block. One that has ended
 * keeps its engine, whose calls fail at once, for as long as a file holds it.
 */
#include "bulk_connections.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "sftp/results.h"

enum {
    FAILURES_MAX = 3,     /* in a row; then there are none any more */
    AGAIN_FACTOR = 4,     /* so much longer until the next attempt after each further one */
    LIVED_MS = 10 * 1000, /* one that was lost earlier has failed, too */
    LOOK_MS = 1000,       /* how often open ones are looked at */
    LOOK_MORE_MS = 100,   /* the same where more may be worth it */

    WINDOW = 2 << 20,  /* bytes that a session of OpenSSH lets through in a round trip */
    RATE = 400 * 1000, /* bytes that a processor encrypts in a millisecond */
    PROCESSORS = 4,    /* with fewer one connection nearby keeps them all busy */
    AT_ONCE = 2,       /* logins */
    FAST = 8 << 20,    /* bytes, of which a writer's windows take some at once: two ... */
    FAST_MS = 2500,    /* ... bulk connections that move so many in this time are fast */
};

struct bulk_connection {
    struct bulk_connection *prev, *next;
    struct sftp *sftp;
    unsigned refs; /* protected by the lock */
    bool ended;    /* protected by the lock; set by the thread */
    int64_t since;
};

struct bulk_connections {
    struct bulk_connections_options options;
    pthread_t thread;
    atomic_llong used_at;
    struct lock lock;
    struct condition woken;

    /* protected by lock */
    struct bulk_connection *list;
    bool stop;
    bool wanted;
    unsigned failures; /* in a row; FAILURES_MAX: given up */
    int64_t not_before;
    bool soon;          /* all are opened before the first of them is in use */
    unsigned worth;     /* how many there are to be; no more than there are: that is all */
    uint64_t counted;   /* bytes that had gone over those that are up, at ... */
    int64_t counted_at; /* ... this time */
    struct diag why;    /* of the last failure */
    unsigned long opened;
    char over[32]; /* what carries them */
};

static void failed_locked(struct bulk_connections *bulk, bool for_good, const char *why)
    REQUIRES(&bulk->lock)
{
    int64_t pause = bulk->options.again_ms;
    for (unsigned i = 0; i < bulk->failures; i++)
        pause *= AGAIN_FACTOR;
    bulk->failures = for_good ? FAILURES_MAX : bulk->failures + 1;
    bulk->not_before = clock_ms() + pause;
    bulk->wanted = false;
    diag_set(&bulk->why, "%s", why);
    log_debug("bulk connection: %s", why);
}

static bool is_up_locked(const struct bulk_connection *connection)
{
    return !connection->ended && sftp_state(connection->sftp) == SFTP_UP;
}

static unsigned up_locked(const struct bulk_connections *bulk) REQUIRES(&bulk->lock)
{
    const struct bulk_connection *connection;
    unsigned n = 0;
    DL_FOREACH (bulk->list, connection)
        n += is_up_locked(connection);
    return n;
}

unsigned bulk_connections_worth(int64_t round_trip_ms, long processors)
{
    const unsigned least = processors >= PROCESSORS ? 2 : 1;
    if (round_trip_ms < 0)
        return least;
    const int64_t windows = 1 + round_trip_ms * RATE / WINDOW;
    return windows > BULK_WAYS ? BULK_WAYS : windows > least ? (unsigned)windows : least;
}

/* ---- the thread */

/* What is behind "transport: ". */
static void note_transport(struct bulk_connections *bulk, const struct transport *t)
{
    const struct span mark = SPAN_LITERAL("transport: ");
    BUF_AUTO text = {0};
    if (t->ops->describe(t, &text) < 0 || !span_starts_with(buf_span(&text), mark))
        return;
    const char *from = text.data + mark.n;
    lock_take(&bulk->lock);
    snprintf(bulk->over, sizeof(bulk->over), "%.*s", (int)strcspn(from, "\n"), from);
    lock_drop(&bulk->lock);
}

static int open_connection(struct bulk_connections *bulk, struct bulk_connection **ret,
                           struct diag *why)
{
    struct transport *transport = NULL;
    struct bulk_connection *connection = calloc(1, sizeof(*connection));
    int r = connection ? bulk->options.connect(bulk->options.ctx, &transport, why) : -ENOMEM;
    if (r == 0) {
        const struct sftp_options options = {.timeout_ms = bulk->options.timeout_ms};
        note_transport(bulk, transport);
        r = sftp_new(transport, &options, &connection->sftp, why);
    }
    if (r < 0) {
        free(connection);
        return r;
    }
    connection->since = clock_ms();
    *ret = connection;
    return 0;
}

struct opening {
    struct bulk_connections *bulk;
    struct bulk_connection *connection; /* NULL: it failed */
    struct diag why;
    int r;
};

static void *run_opening(void *arg)
{
    struct opening *o = arg;
    o->r = open_connection(o->bulk, &o->connection, &o->why);
    return NULL;
}

/* Returns how many could be begun. */
static unsigned open_all(struct opening *openings, unsigned n)
{
    pthread_t threads[AT_ONCE];
    unsigned begun = 1;
    while (begun < n && thread_start(&threads[begun], run_opening, &openings[begun]) == 0)
        begun++;
    run_opening(&openings[0]);
    for (unsigned i = 1; i < begun; i++)
        pthread_join(threads[i], NULL);
    return begun;
}

/* Opens some more, at most AT_ONCE. Files see them together, because each change of their ways
 * costs them some round trips. As many as the server grants are enough. */
static void open_connections(struct bulk_connections *bulk, unsigned n)
{
    struct opening openings[AT_ONCE] = {0};
    const struct opening *failed = NULL;
    for (unsigned i = 0; i < n; i++)
        openings[i].bulk = bulk;
    const unsigned begun = open_all(openings, n);
    atomic_store(&bulk->used_at, clock_ms());
    lock_take(&bulk->lock);
    for (unsigned i = 0; i < begun; i++) {
        if (openings[i].connection) {
            DL_APPEND(bulk->list, openings[i].connection);
            bulk->opened++;
        } else {
            failed = &openings[i];
        }
    }
    bulk->wanted = false;
    if (failed || begun < n)
        bulk->worth = up_locked(bulk);
    if (failed && up_locked(bulk) == 0)
        failed_locked(bulk, failed->r == -EACCES,
                      failed->why.text[0] ? failed->why.text : strerror(-failed->r));
    lock_drop(&bulk->lock);
}

/* Whether those that are up move their data fast. */
static bool are_fast_locked(struct bulk_connections *bulk) REQUIRES(&bulk->lock)
{
    const struct bulk_connection *connection;
    const int64_t now = clock_ms();
    uint64_t bytes = 0;
    DL_FOREACH (bulk->list, connection)
        bytes += connection->ended ? 0 : sftp_bytes(connection->sftp);
    if (bytes >= bulk->counted + FAST && now - bulk->counted_at <= FAST_MS)
        return true;
    if (now - bulk->counted_at > FAST_MS || bytes < bulk->counted) {
        bulk->counted = bytes;
        bulk->counted_at = now;
    }
    return false;
}

/* How many to open now. */
static unsigned due_locked(struct bulk_connections *bulk) REQUIRES(&bulk->lock)
{
    const unsigned up = up_locked(bulk);
    if (up == 0 ? !bulk->wanted : up >= bulk->worth || !(bulk->soon || are_fast_locked(bulk)))
        return 0;
    return bulk->worth - up < AT_ONCE ? bulk->worth - up : AT_ONCE;
}

static void end_connection(struct bulk_connections *bulk, struct bulk_connection *connection,
                           bool idle)
{
    lock_take(&bulk->lock);
    connection->ended = true;
    if (idle || clock_ms() - connection->since >= LIVED_MS)
        bulk->failures = 0;
    else if (bulk->worth > 0)
        failed_locked(bulk, false, "the connection was lost soon after it was made");
    bulk->worth = 0; /* the others may be lost, too: that is one failure */
    lock_drop(&bulk->lock);
    sftp_end(connection->sftp);
}

/* Ends what is lost, or all where nobody uses them; frees what nobody holds. Only this thread
 * changes the list. */
static void sweep(struct bulk_connections *bulk, bool idle)
{
    struct bulk_connection *connection;
    struct bulk_connection *next;
    DL_FOREACH_SAFE(bulk->list, connection, next)
    {
        if (!connection->ended && (idle || sftp_state(connection->sftp) != SFTP_UP))
            end_connection(bulk, connection, idle);
        lock_take(&bulk->lock);
        bool over = connection->ended && connection->refs == 0;
        if (over)
            DL_DELETE(bulk->list, connection);
        lock_drop(&bulk->lock);
        if (over) {
            sftp_free(connection->sftp);
            free(connection);
        }
    }
}

static void sleep_locked(struct bulk_connections *bulk) REQUIRES(&bulk->lock)
{
    const unsigned up = up_locked(bulk);
    const int64_t ms = up > 0 && up < bulk->worth ? LOOK_MORE_MS : LOOK_MS;
    const struct wait look = {.deadline = bulk->list ? clock_ms() + ms : INT64_MAX / 2};
    wait_on(&look, &bulk->woken, &bulk->lock);
}

static void *run(void *arg)
{
    struct bulk_connections *bulk = arg;
    lock_take(&bulk->lock);
    while (!bulk->stop) {
        const unsigned due = due_locked(bulk);
        if (due == 0)
            sleep_locked(bulk);
        lock_drop(&bulk->lock);
        if (due > 0)
            open_connections(bulk, due);
        /* What was lost at once counts before more are opened. */
        sweep(bulk, clock_ms() - atomic_load(&bulk->used_at) >= bulk->options.idle_ms);
        lock_take(&bulk->lock);
    }
    lock_drop(&bulk->lock);
    sweep(bulk, true);
    return NULL;
}

/* ---- the others */

int bulk_connections_new(const struct bulk_connections_options *options,
                         struct bulk_connections **ret)
{
    struct bulk_connections *bulk = calloc(1, sizeof(*bulk));
    if (!bulk)
        return -ENOMEM;
    bulk->options = *options;
    lock_init(&bulk->lock);
    condition_init(&bulk->woken);
    int r = thread_start(&bulk->thread, run, bulk);
    if (r == 0) {
        *ret = bulk;
        return 0;
    }
    condition_done(&bulk->woken);
    lock_done(&bulk->lock);
    free(bulk);
    return r;
}

void bulk_connections_free(struct bulk_connections *bulk)
{
    if (!bulk)
        return;
    lock_take(&bulk->lock);
    bulk->stop = true;
    condition_wake_all(&bulk->woken);
    lock_drop(&bulk->lock);
    pthread_join(bulk->thread, NULL);
    condition_done(&bulk->woken);
    lock_done(&bulk->lock);
    free(bulk);
}

static unsigned number(const struct bulk_connections_options *options, int64_t round_trip_ms)
{
    if (options->number)
        return options->number;
    const unsigned n = bulk_connections_worth(round_trip_ms, sysconf(_SC_NPROCESSORS_ONLN));
    return options->max && n > options->max ? options->max : n;
}

static void want_locked(struct bulk_connections *bulk, int64_t round_trip_ms, bool soon)
    REQUIRES(&bulk->lock)
{
    const struct bulk_connection *connection;
    bool any = false;
    DL_FOREACH (bulk->list, connection)
        any |= !connection->ended;
    bool may = bulk->failures < FAILURES_MAX && clock_ms() >= bulk->not_before;
    if (!any && may && !bulk->wanted) {
        bulk->wanted = true;
        bulk->soon = soon;
        bulk->worth = number(&bulk->options, round_trip_ms);
        condition_wake_all(&bulk->woken);
    }
}

void bulk_connections_want(struct bulk_connections *bulk, int64_t round_trip_ms)
{
    if (!bulk)
        return;
    lock_take(&bulk->lock);
    want_locked(bulk, round_trip_ms, false);
    lock_drop(&bulk->lock);
}

void bulk_connections_expect(struct bulk_connections *bulk, int64_t round_trip_ms)
{
    if (!bulk)
        return;
    lock_take(&bulk->lock);
    want_locked(bulk, round_trip_ms, true);
    lock_drop(&bulk->lock);
    bulk_connections_touch(bulk);
}

static bool has(struct bulk_connection *const *connections, unsigned n,
                const struct bulk_connection *connection)
{
    bool found = false;
    for (unsigned i = 0; i < n; i++)
        found |= connections[i] == connection;
    return found;
}

unsigned bulk_connections_take(struct bulk_connections *bulk,
                               struct bulk_connection *taken[BULK_WAYS], unsigned n)
{
    struct bulk_connection *connection;
    if (!bulk)
        return n;
    lock_take(&bulk->lock);
    DL_FOREACH (bulk->list, connection) {
        if (n < BULK_WAYS && is_up_locked(connection) && !has(taken, n, connection)) {
            connection->refs++;
            taken[n++] = connection;
        }
    }
    lock_drop(&bulk->lock);
    bulk_connections_touch(bulk);
    return n;
}

void bulk_connections_drop(struct bulk_connections *bulk, struct bulk_connection *const *taken,
                           unsigned n)
{
    if (n == 0)
        return;
    lock_take(&bulk->lock);
    for (unsigned i = 0; i < n; i++) {
        if (--taken[i]->refs == 0 && taken[i]->ended)
            condition_wake_all(&bulk->woken);
    }
    lock_drop(&bulk->lock);
}

void bulk_connections_touch(struct bulk_connections *bulk)
{
    if (bulk)
        atomic_store(&bulk->used_at, clock_ms());
}

struct sftp *bulk_connection_sftp(const struct bulk_connection *connection)
{
    return connection->sftp;
}

int bulk_connections_describe(struct bulk_connections *bulk, struct buf *ret)
{
    if (!bulk)
        return 0;
    lock_take(&bulk->lock);
    int r = buf_addf(ret, "bulk-connections: %u\nbulk-connections-made: %lu\n", up_locked(bulk),
                     bulk->opened);
    if (r == 0 && bulk->over[0])
        r = buf_addf(ret, "bulk-transport: %s\n", bulk->over);
    if (r == 0 && bulk->why.text[0])
        r = buf_addf(ret, "bulk-error: %s\n", bulk->why.text);
    lock_drop(&bulk->lock);
    return r;
}
