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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "request.h"

enum { PATIENCE_MS = 1000, UNKNOWN_PATIENCE_MS = 2000 };

enum wish { WISH_STAY, WISH_LEAVE, WISH_END, WISH_UNKNOWN };

struct signals {
    uint64_t own, shared, blocked, ignored, caught;
};

static uint64_t bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

/* The set that a line of the file shows. */
static bool read_set(const char *line, const char *name, uint64_t *ret)
{
    size_t n = strlen(name);
    if (strncmp(line, name, n) != 0)
        return false;
    *ret = strtoull(line + n, NULL, 16);
    return true;
}

/* False: it cannot be known. */
static bool read_signals(pid_t thread, struct signals *ret)
{
    char path[64];
    char line[256];
    struct signals s = {0};
    int found = 0;
    snprintf(path, sizeof(path), "/proc/%ld/status", (long)thread);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    while (fgets(line, sizeof(line), f)) {
        found += read_set(line, "SigPnd:", &s.own) || read_set(line, "ShdPnd:", &s.shared) ||
                 read_set(line, "SigBlk:", &s.blocked) || read_set(line, "SigIgn:", &s.ignored) ||
                 read_set(line, "SigCgt:", &s.caught);
    }
    fclose(f);
    if (found != 5)
        return false;
    *ret = s;
    return true;
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
    struct signals s;
    if (!read_signals(rq->thread, &s))
        return WISH_UNKNOWN;
    uint64_t pending = (s.own | s.shared) & ~s.blocked;
    if (pending == 0)
        return WISH_UNKNOWN;
    pending &= ~s.ignored;
    if (pending & ~s.caught & ~harmless)
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
