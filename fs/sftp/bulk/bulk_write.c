/* SPDX-License-Identifier: MIT */
/*
 * Writing behind (bulk.h). A piece is kept from when it is sent until its answer has been read; the
 * call's own request is its memory. A piece that is lost was sent over a link that is gone, and
 * waits for bulk_writer_move.
 *
 * Pieces end at stripes, so that a piece goes one way as a whole; each way has a list and a window
 * of its own, and answers for its pieces in the order in which they came.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "bulk.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    /* Bytes unanswered each way. OpenSSH's own receive window is 2 MiB. What is more than the link
     * holds only fills buffers: sshd's grows by small steps, and copies all of it at each. */
    WINDOW_LEAST = 5 * BULK_PIECE,
    WINDOW_MOST = 10 * BULK_PIECE,
    PACE = 250 << 10, /* bytes that all ways together move in a millisecond, at the best */
};

struct piece {
    struct piece *prev, *next;
    uint64_t offset;
    size_t n;
    struct sftp_call *call;
    bool lost;
    bool told; /* that it is */
};

struct bulk_writer {
    struct bulk_ways ways;
    size_t piece_size; /* bytes in one request at the most */
    int64_t round_trip_ms;
    struct piece *pieces[BULK_WAYS];
    size_t unanswered[BULK_WAYS]; /* bytes in pieces */
    uint64_t answered[BULK_WAYS]; /* bytes, since the way was taken */
    uint64_t reached;             /* the end of what was answered */
    int error;                    /* found by a drain that could not be finished */
};

size_t bulk_write_window(int64_t round_trip_ms, unsigned ways, uint64_t answered)
{
    const uint64_t held = (uint64_t)(round_trip_ms > 0 ? round_trip_ms : 0) * PACE / ways;
    const uint64_t most = held < WINDOW_MOST ? held : WINDOW_MOST;
    const uint64_t grown = WINDOW_LEAST + answered;
    return grown < most ? (size_t)grown : most > WINDOW_LEAST ? (size_t)most : WINDOW_LEAST;
}

int bulk_writer_new(struct bulk_writer **ret)
{
    struct bulk_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    *ret = w;
    return 0;
}

static void drop(struct bulk_writer *w, unsigned way, struct piece *p)
{
    DL_DELETE(w->pieces[way], p);
    w->unanswered[way] -= p->n;
    sftp_call_free(&p->call);
    free(p);
}

void bulk_writer_free(struct bulk_writer *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < BULK_WAYS; i++) {
        while (w->pieces[i])
            drop(w, i, w->pieces[i]);
    }
    free(w);
}

bool bulk_writer_busy(const struct bulk_writer *w)
{
    bool busy = w->error != 0;
    for (unsigned i = 0; i < BULK_WAYS; i++)
        busy |= w->pieces[i] != NULL;
    return busy;
}

int bulk_writer_tell_lost(struct bulk_writer *w,
                          int (*see)(void *ctx, uint64_t offset, struct span data, bool sent),
                          void *ctx)
{
    struct piece *p;
    int r = 0;
    for (unsigned i = 0; i < 2 * BULK_WAYS; i++) {
        const bool sent = i < BULK_WAYS;
        DL_FOREACH (w->pieces[i % BULK_WAYS], p) {
            if (r < 0 || !p->lost || p->told || sftp_call_was_sent(p->call) != sent)
                continue;
            r = see(ctx, p->offset, sftp_call_written(p->call), sent);
            p->told = r == 0 && sent;
        }
    }
    return r;
}

uint64_t bulk_writer_take_reached(struct bulk_writer *w)
{
    uint64_t reached = w->reached;
    w->reached = 0;
    return reached;
}

/* Waits for a piece. It is done with then, but for -ENOTCONN (it is lost) and -EINTR and -EIO (the
 * wait came to nothing). The piece is an earlier caller's: it commits nobody, and is never
 * withdrawn. */
static int settle(struct bulk_writer *w, unsigned way, struct piece *p, const struct wait *wait)
{
    const struct wait plain = wait_to_ask(wait);
    int r = p->lost ? -ENOTCONN : sftp_wait(p->call, &plain);
    if (r == -EIO && clock_ms() < wait->deadline)
        r = -ENOTCONN; /* the link is or was down, and the handle went with it */
    p->lost = r == -ENOTCONN;
    if (r == 0 && w->reached < p->offset + p->n)
        w->reached = p->offset + p->n;
    w->answered[way] += r == 0 ? p->n : 0;
    if (r != -ENOTCONN && r != -EINTR && r != -EIO)
        drop(w, way, p);
    return r;
}

static int add_piece(struct bulk_writer *w, uint64_t offset, struct span data)
{
    unsigned i = bulk_way_of(&w->ways, offset);
    struct piece *p = malloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    *p = (struct piece){.offset = offset, .n = data.n};
    p->call = sftp_write(w->ways.way[i].sftp, &w->ways.way[i].handle, offset, data);
    if (!p->call) {
        free(p);
        return -ENOMEM;
    }
    DL_APPEND(w->pieces[i], p);
    w->unanswered[i] += data.n;
    return 0;
}

/* Waits until all of the data fits into the windows: either all of it is taken, or nothing. */
static int make_room(struct bulk_writer *w, uint64_t offset, size_t n, const struct wait *wait)
{
    size_t wanted[BULK_WAYS] = {0};
    int r = 0;
    for (size_t at = 0, step; at < n; at += step) {
        step = bulk_part(&w->ways, offset + at, n - at, w->piece_size);
        wanted[bulk_way_of(&w->ways, offset + at)] += step;
    }
    for (unsigned i = 0; i < w->ways.n; i++) {
        while (r == 0 && wanted[i] && w->pieces[i] &&
               w->unanswered[i] + wanted[i] >
                   bulk_write_window(w->round_trip_ms, w->ways.n, w->answered[i]))
            r = settle(w, i, w->pieces[i], wait);
    }
    return r;
}

int bulk_writer_add(struct bulk_writer *w, uint64_t offset, struct span data,
                    const struct wait *wait)
{
    int r = make_room(w, offset, data.n, wait);
    for (size_t at = 0, n; r == 0 && at < data.n; at += n) {
        n = bulk_part(&w->ways, offset + at, data.n - at, w->piece_size);
        r = add_piece(w, offset + at, (struct span){data.p + at, n});
    }
    return r;
}

int bulk_writer_drain(struct bulk_writer *w, const struct wait *wait)
{
    struct piece *p, *next;
    bool lost = false;
    for (unsigned i = 0; i < BULK_WAYS; i++) {
        DL_FOREACH_SAFE(w->pieces[i], p, next)
        {
            int r = settle(w, i, p, wait);
            if (r == -EINTR || r == -EIO)
                return r;
            lost |= r == -ENOTCONN;
            if (w->error == 0 && r != -ENOTCONN)
                w->error = r;
        }
    }
    if (lost)
        return -ENOTCONN;
    int r = w->error;
    w->error = 0;
    return r;
}

void bulk_writer_move(struct bulk_writer *w, const struct bulk_ways *ways)
{
    struct piece *lost = NULL;
    struct piece *p, *next;
    assert(ways->n > 0 && ways->n <= BULK_WAYS);
    for (unsigned i = 0; i < BULK_WAYS; i++) {
        DL_CONCAT(lost, w->pieces[i]);
        w->pieces[i] = NULL;
        w->unanswered[i] = 0;
        w->answered[i] = 0;
    }
    w->ways = *ways;
    w->piece_size = BULK_PIECE;
    w->round_trip_ms = sftp_round_trip_ms(ways->way[0].sftp);
    for (unsigned i = 0; i < ways->n; i++) {
        uint64_t max = sftp_features(ways->way[i].sftp).max_write;
        if (max < w->piece_size)
            w->piece_size = (size_t)max;
    }
    DL_FOREACH_SAFE(lost, p, next)
    {
        assert(p->lost);
        unsigned i = bulk_way_of(ways, p->offset);
        struct sftp_call *call = sftp_write(ways->way[i].sftp, &ways->way[i].handle, p->offset,
                                            sftp_call_written(p->call));
        if (call) { /* without memory it stays lost */
            sftp_call_free(&p->call);
            p->call = call;
            p->lost = p->told = false;
        }
        DL_DELETE(lost, p);
        DL_APPEND(w->pieces[i], p);
        w->unanswered[i] += p->n;
    }
}
