/* SPDX-License-Identifier: MIT */
/*
 * The ways that the data of an open file goes: with all other requests, or, once some MiB have been
 * moved in one go, over bulk connections (bulk_connections.h).
 *
 * The file is opened over these by its path, where another file may be by now. SFTP shows no inode.
 * For reading, what all handles show must be the same. For writing that is not enough: right behind
 * its opening each new connection shows what has the name, the file changes under what is written
 * the old way meanwhile, and then all handles must show the same, and another state than that. When
 * more bulk connections come up the file is opened over these in the same manner, and the old way
 * is that over those before.
 *
 * When a link is lost, what can still be answered over the others is waited for, and all bulk
 * connections are left; what was lost is then sent again over the main connection. So no two
 * requests for one place are ever under way over two links that live.
 */
#include "stripes.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "file_handle.h"
#include "file_name.h"
#include "sftp/results.h"

enum {
    PATIENCE_FACTOR = 8, /* after each attempt that failed */
    EARLIER = 8,         /* so much less patience is needed for the first ones that are up */
    LARGE = 16 << 20,    /* bytes that take longer than a login */
    PROOF = 1 << 20, /* bytes that are written before they are looked at through the new handles */
    LATE = 2 << 20,  /* so many at most before an answer is waited for */
};

struct bulk_ways file_ways(const struct remote_file *file)
{
    struct bulk_ways ways = file->ways;
    if (file->written)
        ways.n = file->proven;
    return ways.n > 0 ? ways : bulk_one_way(file->remote->sftp, &file->handle);
}

void file_set_ways(struct remote_file *file)
{
    const struct bulk_ways ways = file_ways(file);
    bulk_writer_move(file->writer, &ways);
    if (file->reader)
        bulk_reader_move(file->reader, &ways);
}

/* Leaves all bulk connections but the first n. */
static void keep_ways(struct remote_file *file, unsigned n)
{
    for (unsigned i = n; i < file->taken; i++) {
        sftp_call_free(&file->asked[i]);
        sftp_call_free(&file->first_looks[i]);
    }
    for (unsigned i = n; i < file->ways.n; i++) {
        const struct bulk_way *way = &file->ways.way[i];
        if (way->handle.len > 0)
            sftp_forget(sftp_close(way->sftp, &way->handle));
    }
    bulk_connections_drop(file->remote->bulk, file->connections + n, file->taken - n);
    file->taken = n;
    if (file->ways.n > n)
        file->ways.n = n;
}

void file_leave_stripes(struct remote_file *file)
{
    keep_ways(file, 0);
    file->proven = 0;
    file->moved = 0;
}

/* ---- after a lost link */

/* The name is another file's by now, or nobody's, and no caller that means that one waits for this
 * one. As long as an old server process may write to what has the name, that stays guarded
 * (unsure.h); and a name that is nobody's may come back for what is still to be sent. */
static int lose(struct remote_file *file, bool taken)
{
    lock_take(&file->remote->lock);
    const bool unsure = unsure_any(&file->shared->unsure);
    lock_drop(&file->remote->lock);
    if (!unsure && (taken || !bulk_writer_busy(file->writer)))
        file_lose_name(file);
    return -EIO;
}

/* Opens what has the file's name over the main connection: 0 when it can be the same file. */
static int open_again(struct remote_file *file, const struct wait *wait)
{
    struct sftp_attrs attrs = {0};
    const uint32_t once = SFTP_OPEN_CREAT | SFTP_OPEN_TRUNC | SFTP_OPEN_EXCL;
    file->handle.len = 0;
    int r = file_open_handle(file, file->open_flags & ~once, 0, wait, &attrs);
    if (r < 0)
        return r == -ENOENT || r == -EISDIR ? lose(file, r == -EISDIR) : r;
    r = file_show(file, wait, &attrs);
    if (r == 0 && file_can_be(file, &attrs))
        return 0;
    /* The next operation must not take this handle for ours. */
    sftp_forget(sftp_close(file->remote->sftp, &file->handle));
    file->handle.len = 0;
    return r < 0 ? r : lose(file, true);
}

static void note_error(struct remote_file *file, const struct wait *wait, int r)
{
    if (file->error == 0)
        file->error = file_write_error(file, wait, r);
}

/* A request that differs from the one before it, and may come late, is sent again like all else;
 * but which of both stays is not known. */
static int note_unsure(void *ctx, uint64_t offset, struct span data, bool sent)
{
    struct remote_file *file = ctx;
    const struct effect effect = {.what = EFFECT_WRITE, .offset = offset, .data = data};
    lock_take(&file->remote->lock);
    bool hindered = unsure_hinders(&file->shared->unsure, NULL, &effect);
    int r = sent ? unsure_note(&file->shared->unsure, NULL, &effect) : 0;
    lock_drop(&file->remote->lock);
    if (hindered && file->error == 0)
        file->error = -EUCLEAN;
    return r;
}

/* Leaves the bulk connections, has a handle of the main connection that lives, and sends again over
 * it what was lost. -ENOTCONN: that link went, too. */
static int recover(struct remote_file *file, const struct wait *wait)
{
    struct sftp *sftp = file->remote->sftp;
    int r = bulk_writer_drain(file->writer, wait);
    if (r == -EINTR || r == -EIO)
        return r;
    if (r != 0 && r != -ENOTCONN)
        note_error(file, wait, r);
    r = bulk_writer_tell_lost(file->writer, note_unsure, file);
    if (r < 0)
        return r;
    bulk_reader_free(file->reader);
    file->reader = NULL;
    if (!sftp_handle_lives(sftp, &file->handle)) {
        r = sftp_wait_up(sftp, wait) ?: open_again(file, wait);
        if (r < 0)
            return r;
    }
    file_leave_stripes(file); /* not before there is another way: the writer goes by them */
    file_set_ways(file);
    return 0;
}

static bool has_lost_connection(const struct remote_file *file)
{
    for (unsigned i = 0; i < file->ways.n; i++) {
        if (!sftp_handle_lives(file->ways.way[i].sftp, &file->ways.way[i].handle))
            return true;
    }
    return false;
}

bool file_again(struct remote_file *file, const struct wait *wait, int *r)
{
    /* A silent bulk connection does not make the caller fail while there is another way. */
    if (*r == -EIO && has_lost_connection(file) && clock_ms() < wait->deadline)
        *r = -ENOTCONN;
    while (*r == -ENOTCONN) {
        *r = recover(file, wait);
        if (*r == 0)
            return true;
    }
    return false;
}

int file_drain(struct remote_file *file, const struct wait *wait)
{
    int r;
    if (!bulk_writer_busy(file->writer))
        return 0;
    do
        r = bulk_writer_drain(file->writer, wait);
    while (file_again(file, wait, &r));
    file_forget_listing(file);
    if (r == 0 || bulk_writer_busy(file->writer))
        return r;
    note_error(file, wait, r);
    return 0;
}

/* ---- to the bulk connections */

void remote_expect_data(struct remote *remote, uint64_t size)
{
    if (size < LARGE || atomic_load(&remote->is_thin))
        return;
    bulk_connections_expect(remote->bulk, sftp_round_trip_ms(remote->sftp));
}

/* Opens the file over all bulk connections that are up and not its own yet, without waiting. A file
 * that is written is looked at, too. 0; -ENOENT: it has no path; -EAGAIN: there are none. */
static int ask_opening(struct remote_file *file)
{
    const uint32_t flags = file->open_flags & (SFTP_OPEN_READ | SFTP_OPEN_WRITE);
    const unsigned before = file->taken;
    file->taken = bulk_connections_take(file->remote->bulk, file->connections, before);
    if (file->taken == before)
        return -EAGAIN;
    FREE_AUTO char *full = file_server_path(file);
    if (!full)
        return -ENOENT;
    for (unsigned i = before; i < file->taken; i++) {
        struct sftp *sftp = bulk_connection_sftp(file->connections[i]);
        file->asked[i] = sftp_open(sftp, full, flags, NULL);
        file->first_looks[i] = file->written ? sftp_stat(sftp, full) : NULL;
    }
    return 0;
}

/* The file has ways over these then, with a handle or without. */
static int end_opening(struct remote_file *file, const struct wait *wait)
{
    int r = 0;
    for (; file->ways.n < file->taken; file->ways.n++) {
        const unsigned i = file->ways.n;
        struct bulk_way *way = &file->ways.way[i];
        *way = (struct bulk_way){.sftp = bulk_connection_sftp(file->connections[i])};
        int one = sftp_wait(file->asked[i], wait);
        if (one == 0)
            way->handle = *sftp_call_handle(file->asked[i]);
        r = r < 0 ? r : one;
        sftp_call_free(&file->asked[i]);
    }
    return r;
}

/* Waits for the looks over the ways that are unproven. */
static int end_looks(const struct remote_file *file, struct sftp_call *const *looks,
                     const struct wait *wait)
{
    int r = 0;
    for (unsigned i = file->proven; i < file->ways.n; i++) {
        int one = sftp_wait(looks[i], wait);
        r = r < 0 ? r : one;
    }
    return r;
}

static void free_looks(struct sftp_call *looks[BULK_WAYS])
{
    for (unsigned i = 0; i < BULK_WAYS; i++)
        sftp_call_free(&looks[i]);
}

/* Has the handles of the ways that are unproven show what they lead to. 0: what the main handle
 * shows; -ESTALE. The caller frees the looks. */
static int compare(struct remote_file *file, struct sftp_call *looks[BULK_WAYS],
                   const struct wait *wait)
{
    SFTP_CALL_AUTO *own = sftp_fstat(file->remote->sftp, &file->handle);
    for (unsigned i = file->proven; i < file->ways.n; i++)
        looks[i] = sftp_fstat(file->ways.way[i].sftp, &file->ways.way[i].handle);
    int r = sftp_wait(own, wait);
    int looked = end_looks(file, looks, wait);
    r = r < 0 ? r : looked;
    for (unsigned i = file->proven; r == 0 && i < file->ways.n; i++) {
        if (!file_looks_same(sftp_call_attrs(looks[i]), sftp_call_attrs(own)))
            r = -ESTALE;
    }
    return r;
}

/* After data was written the old way since the first look: nothing is under way. Where a file has
 * not changed since that look it proves nothing, and this look is the first one then. */
static int prove(struct remote_file *file, const struct wait *wait)
{
    struct sftp_call *looks[BULK_WAYS] = {0};
    int r = end_looks(file, file->first_looks, wait) ?: compare(file, looks, wait);
    bool changed = true;
    for (unsigned i = file->proven; i < file->ways.n; i++) {
        if (r == 0 &&
            file_looks_same(sftp_call_attrs(file->first_looks[i]), sftp_call_attrs(looks[i])))
            changed = false;
        sftp_call_free(&file->first_looks[i]);
        file->first_looks[i] = looks[i];
    }
    if (r < 0) {
        keep_ways(file, file->proven);
    } else if (changed) {
        free_looks(file->first_looks);
        file->proven = file->ways.n;
        file_set_ways(file);
    }
    return r;
}

/* Counts what has been moved in one go, or in several beside each other. Who begins where the file
 * was read already begins anew. */
static void follow(struct remote_file *file, uint64_t offset, size_t n)
{
    const bool passed = streams_passed(&file->streams, offset);
    uint64_t advance;
    streams_step(&file->streams, offset, n, &advance);
    if (advance == 0 && passed)
        file->moved = 0;
    file->moved += advance;
}

/* A failure is not tried again soon, unless the bulk connections are merely gone. */
static void put_off(struct remote_file *file, int r)
{
    if (r < 0 && r != -EINTR && r != -ENOTCONN) {
        log_debug("a file goes over no further connections: %s", strerror(-r));
        file->patience *= file->patience < UINT64_MAX / PATIENCE_FACTOR ? PATIENCE_FACTOR : 1;
    }
    file->moved = 0;
}

/* Opens what is only read over all bulk connections that are up, also over those that came up since
 * the last time. What is being read still comes the old ways. */
static int take_to_read(struct remote_file *file, const struct wait *wait)
{
    const unsigned before = file->ways.n;
    struct sftp_call *looks[BULK_WAYS] = {0};
    int r = end_opening(file, wait) ?: compare(file, looks, wait);
    free_looks(looks);
    if (r < 0)
        keep_ways(file, before);
    else
        file_set_ways(file);
    return r;
}

static void take_connections(struct remote_file *file, const struct wait *brief)
{
    int r = ask_opening(file);
    if (r == -EAGAIN)
        return;
    if (r < 0)
        keep_ways(file, file->ways.n);
    else if (!file->written)
        r = take_to_read(file, brief);
    put_off(file, r);
}

static bool has_been_answered(const struct remote_file *file)
{
    bool all = true;
    for (unsigned i = file->proven; i < file->taken; i++)
        all &= sftp_call_has_ended(file->asked[i]) && sftp_call_has_ended(file->first_looks[i]);
    return all;
}

/* While what is written goes the old way: of all this only the last step, the proof, makes the
 * writer wait, as a rule, because nothing may be under way then. */
static void go_on_taking(struct remote_file *file, const struct wait *wait,
                         const struct wait *brief)
{
    if (!bulk_writer_busy(file->writer) || file->moved < PROOF ||
        (file->moved < LATE && !has_been_answered(file)))
        return;
    int r = end_opening(file, brief);
    if (r < 0)
        keep_ways(file, file->proven);
    else
        r = file_drain(file, wait) ?: prove(file, brief);
    put_off(file, r);
}

void file_choose_ways(struct remote_file *file, uint64_t offset, size_t n, uint64_t rest,
                      const struct wait *wait)
{
    /* The operation that is delayed by this must still have time for itself. */
    struct wait brief = *wait;
    int64_t latest = clock_ms() + file->remote->options.timeout_ms / 4;
    if (brief.deadline > latest)
        brief.deadline = latest;
    follow(file, offset, n);
    if (file->taken > 0)
        bulk_connections_touch(file->remote->bulk);
    if (file->written && file->proven < file->taken) {
        go_on_taking(file, wait, &brief);
        return;
    }
    const bool first = file->taken == 0;
    if (rest < FILE_PATIENCE || file->taken == BULK_WAYS ||
        file->moved < file->patience / (first ? EARLIER : 1))
        return;
    /* How large a file becomes that is written is not known, and connecting takes a while. */
    const bool reads = rest < UINT64_MAX;
    if (first && (reads || file->moved >= file->patience / 2))
        bulk_connections_want(file->remote->bulk, sftp_round_trip_ms(file->remote->sftp));
    if (!first)
        file->moved = 0;
    take_connections(file, &brief);
}
