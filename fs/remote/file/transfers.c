/* SPDX-License-Identifier: MIT */
/*
 * A rate is that of two periods: the one that lasts, and the one before it. So it is of two seconds
 * at the least once it has come so far, and of four at the most; and where nothing comes any more
 * it falls, because the period that lasts becomes longer.
 */
#include "transfers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "open_file.h"
#include "parser/text/list.h"
#include "remote/remote_private.h"

enum {
    PERIOD_MS = 2000,
    RECENT_MS = 10 * 1000,
    LEAST = 1 << 20,     /* bytes; less is no transfer that anybody waits for */
    OVERTAKEN = 2 << 20, /* bytes, by which operations of one program may overtake each other */
};

void progress_add(struct progress *p, int64_t now, uint64_t offset, uint64_t n)
{
    p->moved += n;
    if (offset + n > p->reached || p->reached - (offset + n) > OVERTAKEN)
        p->reached = offset + n;
    p->moved_at = now;
    if (p->now.since == 0) {
        p->now.since = now; /* what came until then took a time that is not known */
        return;
    }
    p->now.bytes += n;
    if (now - p->now.since < PERIOD_MS)
        return;
    p->before = p->now;
    p->now.since = now;
    p->now.bytes = 0;
}

double progress_rate(const struct progress *p, int64_t now)
{
    const int64_t since = p->before.since ? p->before.since : p->now.since;
    if (since == 0 || now <= since)
        return 0;
    return (double)(p->before.bytes + p->now.bytes) * 1000 / (double)(now - since);
}

bool progress_is_transfer(const struct progress *p, int64_t now)
{
    return p->moved >= LEAST && (p->waiting > 0 || now - p->moved_at < RECENT_MS);
}

void file_begins_transfer(struct remote_file *file, enum transfer_way way)
{
    lock_take(&file->remote->lock);
    file->progress[way].waiting++;
    lock_drop(&file->remote->lock);
}

void file_ends_transfer(struct remote_file *file, enum transfer_way way, uint64_t offset, size_t n)
{
    struct progress *p = &file->progress[way];
    lock_take(&file->remote->lock);
    p->waiting--;
    if (n > 0)
        progress_add(p, clock_ms(), offset, n);
    lock_drop(&file->remote->lock);
}

void file_gets_size(struct remote_file *file, uint64_t size)
{
    lock_take(&file->remote->lock);
    file->size_before = size;
    lock_drop(&file->remote->lock);
}

/* ---- with remote->lock held */

/* Of a file that is written it is known only where it had that size before, or was given it. */
static uint64_t whole_size(const struct remote_file *file, enum transfer_way way)
{
    const struct sftp_attrs *seen = &file->shared->seen;
    if (way == TRANSFER_WRITE)
        return file->size_before;
    return seen->flags & SFTP_ATTR_SIZE ? seen->size : 0;
}

static int add_transfer(const struct remote_file *file, enum transfer_way way, int64_t now,
                        struct transfer **transfers, size_t *n)
{
    const struct progress *p = &file->progress[way];
    if (!progress_is_transfer(p, now))
        return 0;
    struct transfer *longer = list_room(*transfers, *n, sizeof(**transfers));
    if (!longer)
        return -ENOMEM;
    *transfers = longer;
    const uint64_t size = whole_size(file, way);
    longer[*n] = (struct transfer){
        .path = strdup(file->path),
        .way = way,
        .done = p->reached,
        .size = size >= p->reached ? size : 0,
        .rate = progress_rate(p, now),
    };
    return longer[(*n)++].path ? 0 : -ENOMEM;
}

/* ---- */

int remote_transfers(struct remote *remote, struct transfer **ret, size_t *ret_n)
{
    const struct remote_file *file;
    const int64_t now = clock_ms();
    struct transfer *transfers = NULL;
    size_t n = 0;
    int r = 0;
    lock_take(&remote->lock);
    DL_FOREACH (remote->open_files, file) {
        for (unsigned way = 0; r == 0 && way < TRANSFER_WAYS; way++)
            r = add_transfer(file, way, now, &transfers, &n);
    }
    lock_drop(&remote->lock);
    if (r < 0) {
        transfers_free(transfers, n);
        return r;
    }
    *ret = transfers;
    *ret_n = n;
    return 0;
}

void transfers_free(struct transfer *transfers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(transfers[i].path);
    free(transfers);
}
