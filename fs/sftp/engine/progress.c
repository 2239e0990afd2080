/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "engine.h"

bool sftp_call_has_ended(const struct sftp_call *call)
{
    if (!call)
        return true;
    struct sftp *s = call->sftp;
    lock_take(&s->lock);
    bool ended = call->stage == STAGE_DONE;
    lock_drop(&s->lock);
    return ended;
}

unsigned sftp_unsent(struct sftp *sftp)
{
    lock_take(&sftp->lock);
    unsigned n = sftp->n_queued;
    lock_drop(&sftp->lock);
    return n;
}
