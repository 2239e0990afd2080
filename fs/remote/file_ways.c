/* SPDX-License-Identifier: MIT */
/*
 * The ways that the data of an open file goes: with all other requests, or, once some MiB have been
 * moved in one go, over lanes (lanes.h).
 *
 * The file is opened over the lanes by its path, where another file may be by now. SFTP shows no
 * inode. For reading, what both handles show must be the same. For writing that is not enough: a
 * time of last access that was set through one handle must show through the others.
 *
 * When a link is lost, what can still be answered over the others is waited for, and all lanes are
 * left; what was lost is then sent again over the main connection. So no two requests for one place
 * are ever under way over two links that live.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "open_file.h"

enum {
    PATIENCE_FACTOR = 8,  /* after each attempt that failed */
    SEQUENTIAL = 1 << 20, /* the kernel's requests may overtake each other by so much */
};

void file_forget_listing(const struct remote_file *file)
{
    lock_take(&file->remote->lock);
    FREE_AUTO char *dir = path_dir(file->path);
    lock_drop(&file->remote->lock);
    if (dir)
        cache_drop(file->remote->listings, dir);
}

struct bulk_ways file_ways(const struct remote_file *file)
{
    return file->ways.n ? file->ways : bulk_one_way(file->remote->sftp, &file->handle);
}

void file_set_ways(struct remote_file *file)
{
    const struct bulk_ways ways = file_ways(file);
    bulk_writer_move(file->writer, &ways);
    if (file->reader)
        bulk_reader_move(file->reader, &ways);
}

static void drop_lanes(const struct remote_file *file, struct lane *const *lanes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        lanes_drop(file->remote->lanes, lanes[i]);
}

void file_leave_lanes(struct remote_file *file)
{
    for (unsigned i = 0; i < file->ways.n; i++) {
        const struct bulk_way *way = &file->ways.way[i];
        if (way->handle.len > 0)
            sftp_forget(sftp_close(way->sftp, &way->handle));
    }
    drop_lanes(file, file->lanes, file->ways.n);
    file->ways.n = 0;
    file->proven = false;
    file->moved = 0;
}

/* ---- after a lost link */

/* Opens what has the file's name over the main connection: 0 when it can be the same file. */
static int open_again(struct remote_file *file, const struct wait *wait)
{
    struct sftp *sftp = file->remote->sftp;
    struct sftp_attrs attrs = {0};
    const uint32_t once = SFTP_OPEN_CREAT | SFTP_OPEN_TRUNC | SFTP_OPEN_EXCL;
    file->handle.len = 0;
    int r = file_open_handle(file, file->open_flags & ~once, 0, wait, &attrs);
    if (r < 0)
        return r == -ENOENT || r == -EISDIR ? -EIO : r;
    SFTP_CALL_AUTO *stat = sftp_fstat(sftp, &file->handle);
    r = sftp_wait(stat, wait);
    if (r == 0 && file_can_be(file, sftp_call_attrs(stat)))
        return 0;
    /* The next operation must not take this handle for ours. */
    sftp_forget(sftp_close(sftp, &file->handle));
    file->handle.len = 0;
    return r < 0 ? r : -EIO;
}

static void note_error(struct remote_file *file, const struct wait *wait, int r)
{
    if (file->error == 0)
        file->error = file_write_error(file, wait, r);
}

static int note_unsure(void *ctx, uint64_t offset, struct span data)
{
    struct remote_file *file = ctx;
    lock_take(&file->remote->lock);
    int r = unsure_note_write(&file->shared->unsure, offset, data);
    lock_drop(&file->remote->lock);
    return r;
}

/* Leaves the lanes, has a handle of the main connection that lives, and sends again over it what
 * was lost. -ENOTCONN: that link went, too. */
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
    file_leave_lanes(file);
    if (!sftp_handle_lives(sftp, &file->handle)) {
        r = sftp_wait_up(sftp, wait);
        if (r == 0)
            r = open_again(file, wait);
        if (r < 0)
            return r;
    }
    file_set_ways(file);
    return 0;
}

static bool has_lost_lane(const struct remote_file *file)
{
    for (unsigned i = 0; i < file->ways.n; i++) {
        if (!sftp_handle_lives(file->ways.way[i].sftp, &file->ways.way[i].handle))
            return true;
    }
    return false;
}

bool file_again(struct remote_file *file, const struct wait *wait, int *r)
{
    /* A lane that is silent is no reason to fail while there is another way. */
    if (*r == -EIO && has_lost_lane(file) && clock_ms() < wait->deadline)
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

/* ---- to the lanes */

/* What opening a file over the lanes needs. */
struct move {
    struct remote_file *file;
    const struct wait *wait;
    struct lane *lanes[BULK_WAYS];
    struct bulk_ways ways;
    struct sftp_attrs attrs; /* through the file's own handle */
};

static int open_over_lanes(struct move *m, const char *full)
{
    struct sftp_call *calls[BULK_WAYS] = {0};
    const uint32_t flags = m->file->open_flags & (SFTP_OPEN_READ | SFTP_OPEN_WRITE);
    int r = 0;
    for (unsigned i = 0; i < m->ways.n; i++) {
        m->ways.way[i].sftp = lane_sftp(m->lanes[i]);
        calls[i] = sftp_open(m->ways.way[i].sftp, full, flags, NULL);
    }
    SFTP_CALL_AUTO *stat = sftp_fstat(m->file->remote->sftp, &m->file->handle);
    for (unsigned i = 0; i < m->ways.n; i++) {
        int one = sftp_wait(calls[i], m->wait);
        if (one == 0)
            m->ways.way[i].handle = *sftp_call_handle(calls[i]);
        r = r < 0 ? r : one;
        sftp_call_free(&calls[i]);
    }
    int one = sftp_wait(stat, m->wait);
    if (one == 0)
        m->attrs = *sftp_call_attrs(stat);
    return r < 0 ? r : one;
}

/* 0 when all handles show the same as the file's own. */
static int compare(const struct move *m, bool atime)
{
    struct sftp_call *calls[BULK_WAYS] = {0};
    int r = 0;
    for (unsigned i = 0; i < m->ways.n; i++)
        calls[i] = sftp_fstat(m->ways.way[i].sftp, &m->ways.way[i].handle);
    for (unsigned i = 0; i < m->ways.n; i++) {
        int one = sftp_wait(calls[i], m->wait);
        const struct sftp_attrs *attrs = one == 0 ? sftp_call_attrs(calls[i]) : NULL;
        if (attrs &&
            (!file_looks_same(attrs, &m->attrs) || (atime && attrs->atime != m->attrs.atime)))
            one = -ESTALE;
        r = r < 0 ? r : one;
        sftp_call_free(&calls[i]);
    }
    return r;
}

static int set_atime(const struct move *m, uint32_t atime)
{
    const struct sftp_attrs attrs = {
        .flags = SFTP_ATTR_TIMES, .atime = atime, .mtime = m->attrs.mtime};
    SFTP_CALL_AUTO *call = sftp_fsetstat(m->file->remote->sftp, &m->file->handle, &attrs);
    return sftp_wait(call, m->wait);
}

/* Some time of the day before: it shows a second file that happens to look the same. */
static int prove(struct move *m)
{
    const uint32_t day = 86400;
    const uint32_t before = m->attrs.atime;
    if (!(m->attrs.flags & SFTP_ATTR_TIMES) || before <= day)
        return -EOPNOTSUPP;
    m->attrs.atime = before - 1 - (uint32_t)((uint64_t)clock_ms() % (day - 1));
    int r = set_atime(m, m->attrs.atime);
    if (r == 0)
        r = compare(m, true);
    int restored = set_atime(m, before);
    return r < 0 ? r : restored;
}

/* Nothing is under way when this begins. */
static int move_to_lanes(struct move *m)
{
    struct remote_file *file = m->file;
    FREE_AUTO char *full = file_server_path(file);
    int r = full ? open_over_lanes(m, full) : -ENOENT;
    if (r == 0)
        r = file->written ? prove(m) : compare(m, false);
    for (unsigned i = 0; i < m->ways.n; i++)
        file->lanes[i] = m->lanes[i];
    file->ways = m->ways;
    file->proven = file->written;
    if (r < 0)
        file_leave_lanes(file);
    else
        file_set_ways(file);
    return r;
}

/* Counts what has been moved in one go. */
static void follow(struct remote_file *file, uint64_t offset, size_t n)
{
    bool onward = offset + SEQUENTIAL >= file->expected && offset <= file->expected + SEQUENTIAL;
    file->moved = onward ? file->moved + n : 0;
    if (!onward || file->expected < offset + n)
        file->expected = offset + n;
}

void file_choose_ways(struct remote_file *file, uint64_t offset, size_t n, uint64_t rest,
                      const struct wait *wait)
{
    struct lanes *lanes = file->remote->lanes;
    follow(file, offset, n);
    if (file->ways.n > 0) {
        lanes_touch(lanes);
        return;
    }
    if (rest < FILE_PATIENCE || file->moved < file->patience / 2)
        return;
    lanes_want(lanes); /* connecting takes a while */
    if (file->moved < file->patience)
        return;
    /* The operation that is delayed by this must still have time for itself. */
    struct wait brief = *wait;
    brief.committed = NULL; /* the proof changes a time and sets it back */
    int64_t latest = clock_ms() + file->remote->options.timeout_ms / 4;
    if (brief.deadline > latest)
        brief.deadline = latest;
    struct move m = {.file = file, .wait = &brief};
    m.ways.n = lanes_take(lanes, m.lanes);
    if (m.ways.n == 0)
        return;
    int r = file_drain(file, wait);
    if (r == 0)
        r = move_to_lanes(&m);
    else
        drop_lanes(file, m.lanes, m.ways.n);
    if (r < 0 && r != -EINTR) {
        log_debug("a file stays on the main connection: %s", strerror(-r));
        file->patience *= file->patience < UINT64_MAX / PATIENCE_FACTOR ? PATIENCE_FACTOR : 1;
    }
    file->moved = 0;
}
