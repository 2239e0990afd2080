/* SPDX-License-Identifier: MIT */
/*
 * A file's data may go several ways at once: over connections of their own to one server. Which way
 * a byte goes is said by its offset alone, so that two writes to one place cannot overtake each
 * other.
 */
#pragma once

#include "sftp/sftp.h"

enum {
    BULK_WAYS = 4,
    BULK_PIECE = 252 << 10,       /* bytes of one WRITE, if the server takes so many: whole pages
                                     within OpenSSH's limit, 255 KiB */
    BULK_STRIPE = 2 * BULK_PIECE, /* bytes that go one way before the next one's turn */
};

/* The same file, opened over each. Borrowed: the handles stay the caller's to close. */
struct bulk_ways {
    unsigned n;
    struct bulk_way {
        struct sftp *sftp;
        struct sftp_handle handle;
    } way[BULK_WAYS];
};

static inline struct bulk_ways bulk_one_way(struct sftp *sftp, const struct sftp_handle *handle)
{
    return (struct bulk_ways){.n = 1, .way = {{sftp, *handle}}};
}

/* The way of the byte at offset. */
static inline unsigned bulk_way_of(const struct bulk_ways *ways, uint64_t offset)
{
    return (unsigned)(offset / BULK_STRIPE % ways->n);
}

/* How many of the bytes at offset, n at the most, one request may hold: they go one way, and are no
 * more than max. */
static inline size_t bulk_part(const struct bulk_ways *ways, uint64_t offset, uint64_t n,
                               size_t max)
{
    uint64_t part = ways->n > 1 ? BULK_STRIPE - offset % BULK_STRIPE : max;
    if (part > max)
        part = max;
    return (size_t)(part < n ? part : n);
}

/*
 * Reading a file through a window of requests: the data that the caller will ask for next is
 * already under way. Sequential reading opens the window (up to 2 MiB each way), a jump closes it.
 */
struct bulk_reader;

/* 0, -ENOMEM. */
int bulk_reader_new(const struct bulk_ways *ways, struct bulk_reader **ret);
void bulk_reader_free(struct bulk_reader *reader);

/* Uses other ways from now on. Data that was asked for before still comes over the old ones, which
 * must outlive the reader. */
void bulk_reader_move(struct bulk_reader *reader, const struct bulk_ways *ways);

/* Reads up to size bytes at offset. *ret_n is less than size only at the end of the file. One
 * thread at a time. 0, -errno as sftp_wait. */
int bulk_read(struct bulk_reader *reader, uint64_t offset, size_t size, const struct wait *wait,
              void *ret, size_t *ret_n);

/* Reads a whole file of at most max bytes into ret (appended). -EFBIG when it is larger. */
int bulk_read_all(struct sftp *sftp, const struct sftp_handle *handle, uint64_t size_hint,
                  size_t max, const struct wait *wait, struct buf *ret);

/*
 * Writing behind the caller: data is sent at once and answered later. The writer keeps unanswered
 * data, so that it can be sent again after a lost link. One thread at a time.
 */
struct bulk_writer;

/* Without any way: bulk_writer_move comes next. 0, -ENOMEM. */
int bulk_writer_new(struct bulk_writer **ret);
void bulk_writer_free(struct bulk_writer *writer); /* gives unanswered data up; accepts NULL */

/* Takes a copy of the data and sends it, after it has waited until less than a window of earlier
 * data is unanswered. 0; an error of earlier data, which is lost then; -ENOTCONN, -EINTR, -EIO: the
 * wait, and the data was not taken; -ENOMEM. */
int bulk_writer_add(struct bulk_writer *writer, uint64_t offset, struct span data,
                    const struct wait *wait);

/* Waits for all answers that can still come. 0; an error of earlier data (told once); -EINTR, -EIO:
 * the wait; -ENOTCONN: the rest was lost with its link, and nothing else is unanswered. */
int bulk_writer_drain(struct bulk_writer *writer, const struct wait *wait);

/* Goes on over other ways; lost data is sent again over them, in order. Only when nothing else is
 * unanswered: after bulk_writer_drain has returned 0 or -ENOTCONN. */
void bulk_writer_move(struct bulk_writer *writer, const struct bulk_ways *ways);

/* Calls back for each piece of data that was lost with its link: first, once, for the sent pieces,
 * then for the others. 0, or the first failure of the callback. */
int bulk_writer_tell_lost(struct bulk_writer *writer,
                          int (*see)(void *ctx, uint64_t offset, struct span data, bool sent),
                          void *ctx);

/* The end of the data that the server has accepted since the last such call; 0: none. */
uint64_t bulk_writer_take_reached(struct bulk_writer *writer);

/* Bytes that may be unanswered each way, of so many ways: half of the most at first, and more with
 * what was answered this way. */
size_t bulk_write_window(int64_t round_trip_ms, unsigned ways, uint64_t answered);

/* Whether anything is unanswered, or an error untold. */
bool bulk_writer_busy(const struct bulk_writer *writer);
