/* SPDX-License-Identifier: MIT */
/*
 * Copying between two open files by the server itself (copy-data): none of the data goes over the
 * link. Both files are known to the server by their handles of the main connection, whatever
 * bulk connections their other data may use.
 *
 * A server does one request of a connection after the other, so that all others wait for a copy.
 * It is made in pieces that should take about a tenth of a second each. How long the server needs
 * is the time from the answer before that of the copy to that one, as both were asked for
 * together; how far away it is does not count.
 *
 * The answer does not say how much was copied: OpenSSH's server says "ok" also where the file that
 * it read ended within the last 64 KiB. So that file's size is asked for before and behind the
 * copy, in the same flight, and what lies before the lesser one was copied.
 *
 * A copy that was not answered may still be carried out, by the server's process of the old
 * connection, and then copies what the first file holds at that time. It is made again over the new
 * one; but for a while nobody may write to those bytes of either file (unsure.h): of the second one
 * because the old process would undo it, of the first one because it would copy what is new.
 */
#include "file_copy.h"

#include <errno.h>

#include "base/clock.h"
#include "file_name.h"
#include "file_turn.h"
#include "open_file.h"
#include "remote/server_errors.h"
#include "sftp/results.h"
#include "shared_file.h"

enum { BRIEF_MS = 50, LONG_MS = 200 };

struct copy {
    struct remote_file *from, *to;
    uint64_t from_offset, to_offset;
    uint64_t size;
    const struct wait *wait;
    struct sftp_handle source; /* of from */
    bool sent;
    uint64_t n; /* copied */
};

uint64_t copy_next_piece(uint64_t piece, int64_t took_ms)
{
    if (took_ms < BRIEF_MS && piece < COPY_PIECE_MAX)
        return piece * 2;
    if (took_ms > LONG_MS && piece > COPY_PIECE_MIN)
        return piece / 2;
    return piece;
}

static uint64_t piece_of(struct remote *remote, uint64_t size)
{
    lock_take(&remote->lock);
    if (remote->copy_piece == 0)
        remote->copy_piece = COPY_PIECE_MIN;
    uint64_t piece = remote->copy_piece;
    lock_drop(&remote->lock);
    return size < piece ? size : piece;
}

/* A smaller piece, at the end of a file, says nothing of a whole one. */
static void learn(struct remote *remote, uint64_t size, int64_t took_ms)
{
    lock_take(&remote->lock);
    if (size == remote->copy_piece)
        remote->copy_piece = copy_next_piece(size, took_ms);
    lock_drop(&remote->lock);
}

static int be_ready(struct remote_file *file, const struct wait *wait, void *ctx)
{
    (void)ctx;
    int r = file_drain(file, wait);
    return r == 0 && !sftp_handle_lives(file->remote->sftp, &file->handle) ? -ENOTCONN : r;
}

/* The handle to read from, with all that was written to its file before. It needs no turn from then
 * on: it stays valid as long as its link, because the file is not closed meanwhile. So no thread
 * ever has the turns of two files. */
static int find_source(struct copy *c)
{
    int r = file_act_behind_others(c->from, be_ready, c->wait, NULL);
    if (r < 0)
        return r;
    c->source = c->from->handle;
    turn_give(&c->from->turn);
    return 0;
}

/* No answer came: perhaps because the piece takes the server longer than anybody waits, so that the
 * next ones are small again. */
static int note_unsure(const struct copy *c)
{
    lock_take(&c->to->remote->lock);
    c->to->remote->copy_piece = COPY_PIECE_MIN;
    lock_drop(&c->to->remote->lock);
    const struct effect read = {
        .what = EFFECT_WRITE, .offset = c->from_offset, .data = {NULL, c->size}};
    const struct effect written = {
        .what = EFFECT_WRITE, .offset = c->to_offset, .data = {NULL, c->size}};
    return file_note_unanswered(c->from, &read) ?: file_note_unanswered(c->to, &written);
}

/* How much was copied. -EOPNOTSUPP: that cannot be known. */
static int count(struct copy *c, bool ended, const struct sftp_attrs *before,
                 const struct sftp_attrs *after)
{
    if (!(before->flags & after->flags & SFTP_ATTR_SIZE))
        return -EOPNOTSUPP;
    const uint64_t end = before->size < after->size ? before->size : after->size;
    const uint64_t there = end > c->from_offset ? end - c->from_offset : 0;
    if (ended && there >= c->size)
        return -EOPNOTSUPP; /* it grew again meanwhile */
    c->n = there < c->size ? there : c->size;
    return 0;
}

/* A refusal is told by what is done instead. */
static int copy_error(int r)
{
    return r == 0 || is_unanswered(r) ? r : -EOPNOTSUPP;
}

static int send(struct copy *c)
{
    struct sftp *sftp = c->to->remote->sftp;
    SFTP_CALL_AUTO *before = sftp_fstat(sftp, &c->source);
    SFTP_CALL_AUTO *copy =
        sftp_copy_data(sftp, &c->source, c->from_offset, &c->to->handle, c->to_offset, c->size);
    SFTP_CALL_AUTO *after = sftp_fstat(sftp, &c->source);
    SFTP_CALL_AUTO *result = sftp_fstat(sftp, &c->to->handle);
    sftp_wait(before, c->wait); /* what came of it is looked at below: now the caller may leave */
    const int64_t begun = clock_ms();
    const int r = sftp_wait(copy, c->wait);
    const int64_t took = clock_ms() - begun;
    const bool ended = r == -ENODATA;
    c->sent |= sftp_call_was_sent(copy);
    if (unsure_is_unanswered(copy, r) && note_unsure(c) < 0)
        return -ENOMEM;
    if (r < 0 && !ended)
        return copy_error(r);
    const int seen = sftp_wait(before, c->wait) ?: sftp_wait(after, c->wait);
    if (sftp_wait(result, c->wait) == 0)
        file_note_seen(c->to, sftp_call_attrs(result));
    if (seen < 0)
        return copy_error(seen);
    if (r == 0)
        learn(c->to->remote, c->size, took);
    return count(c, ended, sftp_call_attrs(before), sftp_call_attrs(after));
}

/* In the turn of the second file. A copy that is made again hinders itself no more than a write. */
static int act(struct copy *c)
{
    const struct effect effect = {
        .what = EFFECT_WRITE, .offset = c->to_offset, .data = {NULL, c->size}};
    int r = file_drain(c->to, c->wait);
    if (r == 0 && !c->sent)
        r = file_check(c->to, &effect);
    if (r < 0)
        return r;
    file_note_change(c->to, UINT64_MAX, c->to_offset + c->size);
    r = send(c);
    file_count_change(c->to);
    file_forget_listing(c->to);
    return r;
}

int remote_file_copy(struct remote_file *from, uint64_t from_offset, struct remote_file *to,
                     uint64_t to_offset, uint64_t size, const struct wait *wait, uint64_t *ret_n)
{
    struct remote *remote = to->remote;
    struct copy c = {.from = from,
                     .to = to,
                     .from_offset = from_offset,
                     .to_offset = to_offset,
                     .size = piece_of(remote, size),
                     .wait = wait};
    if (!sftp_features(remote->sftp).copy_data || remote_file_is(from, to))
        return -EOPNOTSUPP;
    if (to_offset > INT64_MAX - c.size || from_offset > INT64_MAX - c.size)
        return -EFBIG;
    bool again = c.size > 0;
    int r = 0;
    file_begins_transfer(to, TRANSFER_WRITE);
    while (again) { /* the same bytes each time, or what follows would be hindered */
        r = find_source(&c) ?: file_begin_behind_others(to, wait);
        if (r < 0)
            break;
        file_begin_change(to);
        r = act(&c);
        again = file_again(to, wait, &r);
        turn_give(&to->turn);
    }
    file_ends_transfer(to, TRANSFER_WRITE, to_offset, r == 0 ? c.n : 0);
    if (r == 0)
        *ret_n = c.n;
    return r == -EREMOTEIO ? -EIO : r;
}
