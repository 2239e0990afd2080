/* SPDX-License-Identifier: MIT */
#include "ssh_watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"

enum { GRACE_MS = 1000 }; /* for a job whose socket was shut down */

static atomic_uint n_abandoned;

void ssh_watch_init(struct ssh_watch *watch, int fd, int64_t deadline)
{
    *watch = (struct ssh_watch){.fd = fd, .deadline = deadline};
    lock_init(&watch->lock);
    condition_init(&watch->changed);
}

void ssh_watch_done(struct ssh_watch *watch)
{
    condition_done(&watch->changed);
    lock_done(&watch->lock);
}

static void *watch_main(void *arg)
{
    struct ssh_watch *w = arg;
    w->run(w->job);
    lock_take(&w->lock);
    w->ended = true;
    bool abandoned = w->abandoned;
    condition_wake_all(&w->changed);
    lock_drop(&w->lock);
    if (abandoned) {
        w->release(w->job);
        atomic_fetch_sub(&n_abandoned, 1);
    }
    return NULL;
}

/* Until the job ends. False: its time is over. */
static bool await_end(struct ssh_watch *w) REQUIRES(w->lock)
{
    while (!w->ended) {
        const struct wait until = {.deadline = w->paused ? INT64_MAX / 2 : w->deadline};
        if (wait_on(&until, &w->changed, &w->lock) != 0 && !w->paused && clock_ms() >= w->deadline)
            return w->ended;
    }
    return true;
}

/* Ends the job, or abandons it. */
static bool give_up(struct ssh_watch *w) REQUIRES(w->lock)
{
    const struct wait grace = wait_for_ms(GRACE_MS);
    shutdown(w->fd, SHUT_RDWR);
    while (!w->ended && wait_on(&grace, &w->changed, &w->lock) == 0)
        ;
    w->abandoned = !w->ended;
    if (w->abandoned)
        atomic_fetch_add(&n_abandoned, 1);
    return w->ended;
}

int ssh_watch_run(struct ssh_watch *watch, void (*run)(void *job), void (*release)(void *job),
                  void *job)
{
    watch->run = run;
    watch->release = release;
    watch->job = job;
    int r = thread_start(&watch->thread, watch_main, watch);
    if (r < 0)
        return r;
    const pthread_t thread = watch->thread; /* an abandoned watch is gone at once */
    lock_take(&watch->lock);
    bool in_time = await_end(watch);
    bool ended = in_time || give_up(watch);
    lock_drop(&watch->lock);
    if (!ended) {
        pthread_detach(thread);
        return -EINPROGRESS;
    }
    pthread_join(thread, NULL);
    return in_time ? 0 : -ETIMEDOUT;
}

unsigned ssh_watch_abandoned(void)
{
    return atomic_load(&n_abandoned);
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
