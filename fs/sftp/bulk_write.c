/* SPDX-License-Identifier: MIT */
/*
 * Writing behind (bulk.h). A piece is kept from when it is sent until its answer has been read;
 * pieces are answered for in the order in which they came. A piece without a call was sent over a
 * link that was lost, and waits for bulk_writer_resend.
 */
#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "bulk.h"

enum {
    PIECE = 128 << 10,  /* bytes in one request at the most */
    WINDOW = 2560 << 10 /* bytes unanswered: OpenSSH's own receive window is 2 MiB */
};

struct piece {
    struct piece *prev, *next;
    uint64_t offset;
    struct sftp_call *call;
    size_t n;
    char bytes[];
};

struct bulk_writer {
    struct sftp *sftp;
    struct piece *pieces;
    size_t unanswered; /* bytes in pieces */
};

int bulk_writer_new(struct sftp *sftp, struct bulk_writer **ret)
{
    struct bulk_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->sftp = sftp;
    *ret = w;
    return 0;
}

static void drop(struct bulk_writer *w, struct piece *p)
{
    DL_DELETE(w->pieces, p);
    w->unanswered -= p->n;
    sftp_call_free(&p->call);
    free(p);
}

void bulk_writer_free(struct bulk_writer *w)
{
    if (!w)
        return;
    while (w->pieces)
        drop(w, w->pieces);
    free(w);
}

bool bulk_writer_busy(const struct bulk_writer *w)
{
    return w->pieces != NULL;
}

/* Waits for the oldest piece. Unless the wait itself came to nothing, the piece is done with. */
static int settle_oldest(struct bulk_writer *w, const struct wait *wait)
{
    struct piece *p = w->pieces;
    int r = p->call ? sftp_wait(p->call, wait) : -ENOTCONN;
    bool down = r == -EIO && clock_ms() < wait->deadline;
    if (down && sftp_state(w->sftp) == SFTP_UP)
        r = -ENOTCONN; /* it was down, and the handle went with it */
    if (down || r == -ENOTCONN)
        sftp_call_free(&p->call);
    if (r != -ENOTCONN && r != -EINTR && r != -EIO)
        drop(w, p);
    return r;
}

static int add_piece(struct bulk_writer *w, const struct sftp_handle *handle, uint64_t offset,
                     struct span data)
{
    struct piece *p = malloc(sizeof(*p) + data.n);
    if (!p)
        return -ENOMEM;
    *p = (struct piece){.offset = offset, .n = data.n};
    memcpy(p->bytes, data.p, data.n);
    p->call = sftp_write(w->sftp, handle, offset, data);
    if (!p->call) {
        free(p);
        return -ENOMEM;
    }
    DL_APPEND(w->pieces, p);
    w->unanswered += data.n;
    return 0;
}

int bulk_writer_add(struct bulk_writer *w, const struct sftp_handle *handle, uint64_t offset,
                    struct span data, const struct wait *wait)
{
    int r = 0;
    while (r == 0 && w->pieces && w->unanswered + data.n > WINDOW)
        r = settle_oldest(w, wait);
    uint64_t max = sftp_features(w->sftp).max_write;
    size_t piece = max < PIECE ? (size_t)max : PIECE;
    for (size_t at = 0; r == 0 && at < data.n; at += piece) {
        size_t n = data.n - at < piece ? data.n - at : piece;
        r = add_piece(w, handle, offset + at, (struct span){data.p + at, n});
    }
    return r;
}

int bulk_writer_drain(struct bulk_writer *w, const struct wait *wait)
{
    int r = 0;
    while (w->pieces) {
        int one = settle_oldest(w, wait);
        if (one == -ENOTCONN || one == -EINTR || one == -EIO)
            return one;
        if (r == 0)
            r = one;
    }
    return r;
}

void bulk_writer_resend(struct bulk_writer *w, const struct sftp_handle *handle)
{
    struct piece *p;
    DL_FOREACH (w->pieces, p) {
        sftp_call_free(&p->call);
        p->call = sftp_write(w->sftp, handle, p->offset, (struct span){p->bytes, p->n});
    }
}
