/* SPDX-License-Identifier: MIT */
/*
 * Whether the caller of a request is to be freed before the request is done.
 *
 * The kernel tells of any signal, once a request, and would hand EINTR on to a caller that never
 * asked for it: git, perl, make and runtimes get timers' signals by the hundred. Disks do not do
 * that. So from then on it is looked up what is pending in the caller's /proc/TID/status (proc(5));
 * the thread sleeps in the kernel, and its signals stay pending:
 *
 *      one whose action ends the process         the caller ends: it is freed
 *      SIGINT, SIGQUIT, SIGTERM, SIGHUP, caught  it is freed once that is pending for a second
 *      any other that is caught                  it waits on
 *      none, or it cannot be known               a reader is freed after two seconds
 *
 * A change of which something was sent cannot be answered with EINTR, which says that nothing was
 * done. Its caller waits on; but one that ends is answered at once, because the kernel lets no
 * process end that has a request under way, and the change goes on without it (request.c).
 */
#include "interrupt.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "caller.h"

enum { PATIENCE_MS = 1000, UNKNOWN_PATIENCE_MS = 2000 };

enum wish { WISH_STAY, WISH_LEAVE, WISH_END, WISH_UNKNOWN };

static uint64_t bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

/* Whether a signal that asks to end has been pending for long enough. */
static bool was_asked(struct request *rq, uint64_t pending, int64_t now)
{
    if (!(pending & (bit(SIGINT) | bit(SIGQUIT) | bit(SIGTERM) | bit(SIGHUP)))) {
        rq->asked_at = 0;
        return false;
    }
    if (rq->asked_at == 0)
        rq->asked_at = now;
    return now - rq->asked_at >= PATIENCE_MS;
}

static enum wish wish_of(struct request *rq, int64_t now)
{
    const uint64_t harmless = bit(SIGCHLD) | bit(SIGCONT) | bit(SIGURG) | bit(SIGWINCH) |
                              bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);
    enum { OWN, SHARED, BLOCKED, IGNORED, CAUGHT, SETS };
    static const char *const marks[] = {"SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:"};
    uint64_t s[SETS];
    if (!caller_status(rq, marks, SETS, 16, s))
        return WISH_UNKNOWN;
    uint64_t pending = (s[OWN] | s[SHARED]) & ~s[BLOCKED];
    if (pending == 0)
        return WISH_UNKNOWN;
    pending &= ~s[IGNORED];
    if (pending & ~s[CAUGHT] & ~harmless)
        return WISH_END;
    return was_asked(rq, pending, now) ? WISH_LEAVE : WISH_STAY;
}

bool is_interrupted(void *call)
{
    struct request *rq = call;
    if (!rq->fuse || !fuse_req_interrupted(rq->fuse))
        return false;
    const int64_t now = clock_ms();
    if (rq->interrupted_at == 0)
        rq->interrupted_at = now;
    enum wish wish = wish_of(rq, now);
    if (wish == WISH_UNKNOWN)
        return !rq->changes && now - rq->interrupted_at >= UNKNOWN_PATIENCE_MS;
    if (wish == WISH_END && rq->committed) {
        /* This may be called with a lock held. The reply neither waits nor calls back, and what the
         * kernel sends then is for other threads. */
        fuse_reply_err(rq->fuse, EINTR);
        rq->fuse = NULL;
    }
    return wish != WISH_STAY && !rq->committed;
}
