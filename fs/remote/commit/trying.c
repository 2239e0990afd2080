/* SPDX-License-Identifier: MIT */
#include "trying.h"

#include <errno.h>

#include "base/clock.h"
#include "remote/server_errors.h"

enum { BACKOFF_FIRST_MS = 20, BACKOFF_MAX_MS = 160 };

void trying_begin(struct trying *t)
{
    t->began = clock_ms();
}

/* Sleeps before another attempt. 0; -ETIMEDOUT where the deadline would come in the middle of one
 * as long as the last one, whose outcome nobody would know; -EINTR. */
static int back_off(struct trying *t)
{
    int64_t now = clock_ms();
    if (t->backoff == 0)
        t->backoff = BACKOFF_FIRST_MS;
    if (now + t->backoff + (now - t->began) >= t->wait->deadline)
        return -ETIMEDOUT;
    int r = wait_sleep(t->wait, t->backoff) == -EINTR ? -EINTR : 0;
    t->backoff = t->backoff * 2 < BACKOFF_MAX_MS ? t->backoff * 2 : BACKOFF_MAX_MS;
    return r;
}

int trying_again(struct trying *t, bool sent, int r)
{
    if (r == -EIO && !sent && clock_ms() >= t->wait->deadline)
        r = -ETIMEDOUT;
    t->contended = r == -EAGAIN || (t->contended && r == -ETIMEDOUT);
    if (r == -EAGAIN)
        return back_off(t);
    if (r == -ETIME)
        return 0;
    remote_again(t->remote, t->wait, &r);
    return r;
}

int trying_told(const struct trying *t, bool unsure, int r)
{
    if (r == -ETIMEDOUT)
        r = t->contended ? -ENOLCK : -EIO;
    return r == -EREMOTEIO || (r == -ENOLCK && unsure) ? -EIO : r;
}
