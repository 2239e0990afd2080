/* SPDX-License-Identifier: MIT */
/*
 * The reader keeps a list of chunks: parts of the file that are asked for or have come, in the
 * order of their offsets, without overlap. Reading asks for every gap in what is wanted, and from
 * where its stream goes on to the end of that one's window, then takes bytes off the chunks. That
 * one rule serves short answers (what they lack is a gap again), reads that overtake each other,
 * and jumps.
 *
 * A chunk goes when its bytes have been taken, so that nothing is served twice from memory. What
 * was skipped stays as long as a stream is near: the kernel's reads may arrive out of order. Where
 * several streams read the file beside each other, each asks ahead up to where the next one began,
 * and they share the window.
 *
 * A short answer is the end of the file only where the server's size says so; that size is asked
 * for beside the first read and costs no round trip.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "bulk.h"
#include "streams.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    CHUNK = 256 * 1024, /* at most, where the server allows it: each request costs processor time */
    WINDOW_MIN = 256 * 1024,
    WINDOW_MAX = 2 * 1024 * 1024, /* each way: that is what a session of OpenSSH lets through */
    REORDER = 1024 * 1024,        /* how far reads may overtake each other */
};

struct chunk {
    struct chunk *prev, *next;
    uint64_t offset;
    size_t size; /* asked for; once it has come: its bytes */
    struct sftp_call *call;
    bool ready;
    bool cut; /* the answer was shorter than what was asked for */
    size_t taken;
};

struct bulk_reader {
    struct bulk_ways ways;
    size_t chunk_size;
    struct chunk *chunks;
    bool started;
    struct streams streams;
    struct stream *current; /* the one that the read at hand belongs to */
    struct sftp_call *stat;
    bool size_known;
    uint64_t size;
};

int bulk_reader_new(const struct bulk_ways *ways, struct bulk_reader **ret)
{
    struct bulk_reader *b = calloc(1, sizeof(*b));
    if (!b)
        return -ENOMEM;
    bulk_reader_move(b, ways);
    *ret = b;
    return 0;
}

void bulk_reader_move(struct bulk_reader *reader, const struct bulk_ways *ways)
{
    assert(ways->n > 0 && ways->n <= BULK_WAYS);
    reader->ways = *ways;
    reader->chunk_size = CHUNK;
    for (unsigned i = 0; i < ways->n; i++) {
        uint64_t max = sftp_features(ways->way[i].sftp).max_read;
        if (max < reader->chunk_size)
            reader->chunk_size = (size_t)max;
    }
}

static void drop(struct bulk_reader *b, struct chunk *chunk)
{
    DL_DELETE(b->chunks, chunk);
    sftp_call_free(&chunk->call);
    free(chunk);
}

static void drop_from(struct bulk_reader *b, uint64_t offset)
{
    while (b->chunks && b->chunks->prev->offset >= offset)
        drop(b, b->chunks->prev);
}

void bulk_reader_free(struct bulk_reader *reader)
{
    if (!reader)
        return;
    drop_from(reader, 0);
    sftp_call_free(&reader->stat);
    free(reader);
}

/* Asks for a part, in pieces, which go before a chunk of the list (NULL: to its end). */
static int ask(struct bulk_reader *b, uint64_t from, uint64_t to, struct chunk *before)
{
    while (from < to) {
        struct chunk *chunk = calloc(1, sizeof(*chunk));
        if (!chunk)
            return -ENOMEM;
        const struct bulk_way *way = &b->ways.way[bulk_way_of(&b->ways, from)];
        chunk->offset = from;
        chunk->size = bulk_part(&b->ways, from, to - from, b->chunk_size);
        chunk->call = sftp_read(way->sftp, &way->handle, from, (uint32_t)chunk->size);
        if (before)
            DL_PREPEND_ELEM(b->chunks, before, chunk);
        else
            DL_APPEND(b->chunks, chunk);
        from += chunk->size;
    }
    return 0;
}

static int ask_gaps(struct bulk_reader *b, uint64_t from, uint64_t to)
{
    struct chunk *c;
    int r = 0;
    DL_FOREACH (b->chunks, c) {
        if (c->offset + c->size <= from)
            continue;
        if (c->offset >= to)
            break;
        if (r == 0 && from < c->offset)
            r = ask(b, from, c->offset, c);
        from = c->offset + c->size;
    }
    return r ?: ask(b, from, to, c);
}

/* Where the server says that the file ends. False when it does not say. */
static bool learn_size(struct bulk_reader *b, const struct wait *wait)
{
    if (!b->stat)
        return b->size_known;
    int r = sftp_wait(b->stat, wait);
    if (r == -EINTR || r == -EIO)
        return false; /* the answer may still come */
    if (r == 0) {
        const struct sftp_attrs *attrs = sftp_call_attrs(b->stat);
        b->size_known = (attrs->flags & SFTP_ATTR_SIZE) != 0;
        b->size = attrs->size;
    }
    sftp_call_free(&b->stat);
    return b->size_known;
}

static struct chunk *find(const struct bulk_reader *b, uint64_t at)
{
    struct chunk *c;
    DL_FOREACH (b->chunks, c) {
        if (at >= c->offset && at - c->offset < c->size)
            return c;
    }
    return NULL;
}

/* The foremost stream may have the whole window: who reads beside it goes on where that one has
 * asked. */
static size_t largest_window(const struct bulk_reader *b, const struct stream *s)
{
    const size_t all = b->ways.n * (size_t)WINDOW_MAX;
    return streams_limit(&b->streams, s) == UINT64_MAX ? all : all / streams_living(&b->streams);
}

/* Opens the window of a stream that has come further, or that begins where another one has asked
 * ahead. */
static void open_window(struct bulk_reader *b, struct stream *s, uint64_t offset, size_t size)
{
    const size_t max = largest_window(b, s);
    size_t window = s->window == 0 ? 2 * size : 2 * s->window;
    if (s->window == 0 && find(b, offset))
        window = max;
    if (window > max)
        window = max;
    s->window = window < WINDOW_MIN ? WINDOW_MIN : window;
}

/* Whether a stream has the chunk before it, or has just passed it. */
static bool is_near(const struct bulk_reader *b, const struct stream *s, const struct chunk *c)
{
    return streams_lives(&b->streams, s) && c->offset + c->size + REORDER > s->next &&
           c->offset < s->next + 2ULL * b->ways.n * WINDOW_MAX;
}

static void drop_far(struct bulk_reader *b)
{
    struct chunk *c, *next;
    DL_FOREACH_SAFE(b->chunks, c, next)
    {
        bool near = false;
        for (unsigned i = 0; !near && i < STREAMS; i++)
            near = is_near(b, &b->streams.list[i], c);
        if (!near)
            drop(b, c);
    }
}

/* Looks at where the reader goes: onward, or somewhere else. */
static void steer(struct bulk_reader *b, uint64_t offset, size_t size)
{
    uint64_t advance;
    const bool first = b->streams.step == 0;
    if (!b->started || (b->size_known && offset >= b->size)) {
        b->size_known = false; /* it may have grown */
        sftp_call_free(&b->stat);
        b->stat = sftp_fstat(b->ways.way[0].sftp, &b->ways.way[0].handle);
    }
    b->current = streams_step(&b->streams, offset, size, &advance);
    if (advance > 0 || (first && b->started) || find(b, offset))
        open_window(b, b->current, offset, size);
    drop_far(b);
    b->started = true;
}

/* How far to ask when the bytes up to end are wanted. Never ahead beyond the file's known size:
 * what lies there now may be written before it is read. */
static uint64_t horizon(struct bulk_reader *b, uint64_t at, uint64_t end, const struct wait *wait)
{
    const struct stream *s = b->current;
    uint64_t ahead = end;
    if (s->window > 0 && learn_size(b, wait) && b->size > end) {
        const uint64_t limit = streams_limit(&b->streams, s);
        ahead = (end + s->window + b->chunk_size - 1) / b->chunk_size * b->chunk_size;
        if (ahead > limit)
            ahead = limit;
        if (ahead > b->size)
            ahead = b->size;
    }
    uint64_t most = at + 2ULL * b->ways.n * WINDOW_MAX;
    return ahead < most ? ahead : most;
}

/* What is wanted, and what its stream has not passed yet. */
static int ask_ahead(struct bulk_reader *b, uint64_t at, uint64_t end, const struct wait *wait)
{
    const uint64_t ahead = horizon(b, at, end, wait);
    int r = ask_gaps(b, at, ahead < end ? ahead : end);
    if (r == 0 && ahead > b->current->next)
        r = ask_gaps(b, b->current->next, ahead);
    return r;
}

static int await_chunk(struct chunk *c, const struct wait *wait)
{
    if (c->ready)
        return 0;
    int r = sftp_wait(c->call, wait);
    if (r != 0)
        return r;
    size_t n = sftp_call_data(c->call).n;
    c->cut = n < c->size;
    c->size = n;
    c->ready = true;
    return 0;
}

/* Takes what the chunk at that place has. Says whether a short answer ends with it. */
static size_t take(struct bulk_reader *b, struct chunk *c, uint64_t at, size_t wanted, char *ret,
                   bool *ret_cut)
{
    struct span data = sftp_call_data(c->call);
    size_t skip = (size_t)(at - c->offset);
    size_t n = data.n - skip < wanted ? data.n - skip : wanted;
    memcpy(ret, data.p + skip, n);
    *ret_cut = c->cut && skip + n == data.n;
    c->taken += n;
    if (c->taken >= data.n)
        drop(b, c);
    return n;
}

/* Reads on at a place: how many bytes have come, 0 when asking again is due, -ENODATA at the end.
 */
static int read_some(struct bulk_reader *b, uint64_t at, uint64_t end, const struct wait *wait,
                     char *ret, size_t *ret_n, bool *ret_cut)
{
    int r = ask_ahead(b, at, end, wait);
    if (r != 0)
        return r;
    struct chunk *c = find(b, at);
    assert(c); /* no gaps are left */
    r = await_chunk(c, wait);
    if (r != 0 && r != -EINTR && r != -EIO) /* else the answer may still come */
        drop(b, c);
    if (r != 0)
        return r;
    *ret_n = 0;
    *ret_cut = false;
    if (at - c->offset < c->size)
        *ret_n = take(b, c, at, (size_t)(end - at), ret, ret_cut);
    return 0;
}

int bulk_read(struct bulk_reader *reader, uint64_t offset, size_t size, const struct wait *wait,
              void *ret, size_t *ret_n)
{
    size_t done = 0;
    bool cut = false;
    if (offset > INT64_MAX - size)
        return -EOVERFLOW;
    steer(reader, offset, size);
    while (done < size) {
        size_t n = 0;
        int r = -ENODATA;
        if (!cut || !learn_size(reader, wait) || offset + done != reader->size)
            r = read_some(reader, offset + done, offset + size, wait, (char *)ret + done, &n, &cut);
        if (r == -ENODATA) {
            drop_from(reader, offset + done);
            break;
        }
        if (r != 0)
            return r;
        done += n;
    }
    *ret_n = done;
    return 0;
}

static int read_to_end(struct bulk_reader *b, size_t max, const struct wait *wait, struct buf *ret)
{
    size_t total = 0;
    /* One byte more than expected: the answer then ends short, which proves the end. */
    size_t wanted = (b->size < max ? (size_t)b->size : max) + 1;
    for (;;) {
        size_t n;
        int r =
            buf_reserve(ret, wanted) ?: bulk_read(b, total, wanted, wait, ret->data + ret->len, &n);
        if (r != 0)
            return r;
        total += n;
        if (total > max)
            return -EFBIG;
        ret->len += n;
        ret->data[ret->len] = '\0';
        if (n < wanted)
            return 0;
        wanted = total < CHUNK ? CHUNK : total;
        if (wanted > max + 1 - total)
            wanted = max + 1 - total;
    }
}

int bulk_read_all(struct sftp *sftp, const struct sftp_handle *handle, uint64_t size_hint,
                  size_t max, const struct wait *wait, struct buf *ret)
{
    struct bulk_reader *b;
    size_t before = ret->len;
    const struct bulk_ways ways = bulk_one_way(sftp, handle);
    int r = max < SIZE_MAX / 4 ? bulk_reader_new(&ways, &b) : -EINVAL;
    if (r != 0)
        return r;
    b->started = true;
    b->size_known = true;
    b->size = size_hint;
    r = read_to_end(b, max, wait, ret);
    bulk_reader_free(b);
    if (r != 0 && ret->data) {
        ret->len = before;
        ret->data[before] = '\0';
    }
    return r;
}
