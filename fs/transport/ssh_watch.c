/* SPDX-License-Identifier: MIT */
#include "ssh_watch.h"

#include <sys/socket.h>

#include "base/clock.h"

static void *watch_main(void *arg)
{
    struct ssh_watch *w = arg;
    lock_take(&w->lock);
    while (!w->ended && !w->expired) {
        const struct wait until = {.deadline = w->paused ? INT64_MAX : w->deadline};
        w->expired = wait_on(&until, &w->changed, &w->lock) != 0 && !w->ended && !w->paused &&
                     clock_ms() >= w->deadline;
    }
    if (w->expired)
        shutdown(w->fd, SHUT_RDWR);
    lock_drop(&w->lock);
    return NULL;
}

int ssh_watch_begin(struct ssh_watch *watch, int fd, int64_t deadline)
{
    *watch = (struct ssh_watch){.fd = fd, .deadline = deadline};
    int r = lock_init(&watch->lock);
    if (r < 0)
        return r;
    r = condition_init(&watch->changed);
    if (r == 0) {
        r = thread_start(&watch->thread, watch_main, watch);
        if (r == 0)
            return 0;
        condition_done(&watch->changed);
    }
    lock_done(&watch->lock);
    return r;
}

bool ssh_watch_end(struct ssh_watch *watch)
{
    lock_take(&watch->lock);
    watch->ended = true;
    condition_wake_all(&watch->changed);
    lock_drop(&watch->lock);
    pthread_join(watch->thread, NULL);
    condition_done(&watch->changed);
    lock_done(&watch->lock);
    return watch->expired;
}

static void set_paused(struct ssh_watch *watch, bool paused)
{
    int64_t now = clock_ms();
    lock_take(&watch->lock);
    if (watch->paused != paused)
        watch->deadline += paused ? -now : now;
    watch->paused = paused;
    condition_wake_all(&watch->changed);
    lock_drop(&watch->lock);
}

void ssh_watch_pause(struct ssh_watch *watch)
{
    set_paused(watch, true);
}

void ssh_watch_resume(struct ssh_watch *watch)
{
    set_paused(watch, false);
}
