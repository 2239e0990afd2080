/* SPDX-License-Identifier: MIT */
#include "sync.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "clock.h"

enum { POLL_MS = 100 };

void lock_init(struct lock *l)
{
    int r = pthread_mutex_init(&l->mutex, NULL);
    assert(r == 0);
    (void)r;
}

void lock_done(struct lock *l)
{
    pthread_mutex_destroy(&l->mutex);
}

void lock_take(struct lock *l) NO_THREAD_SAFETY_ANALYSIS
{
    int r = pthread_mutex_lock(&l->mutex);
    assert(r == 0);
    (void)r;
}

void lock_drop(struct lock *l) NO_THREAD_SAFETY_ANALYSIS
{
    int r = pthread_mutex_unlock(&l->mutex);
    assert(r == 0);
    (void)r;
}

void condition_init(struct condition *c)
{
    pthread_condattr_t attr;
    int r = pthread_condattr_init(&attr)
        ?: pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)
        ?: pthread_cond_init(&c->cond, &attr);
    assert(r == 0);
    (void)r;
    pthread_condattr_destroy(&attr);
}

void condition_done(struct condition *c)
{
    pthread_cond_destroy(&c->cond);
}

void condition_wake_all(struct condition *c)
{
    pthread_cond_broadcast(&c->cond);
}

void condition_wake_one(struct condition *c)
{
    pthread_cond_signal(&c->cond);
}

int thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg)
{
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(ret, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -r;
}

struct wait wait_for_ms(int64_t ms)
{
    return (struct wait){.deadline = clock_ms() + ms};
}

struct wait wait_half(const struct wait *wait, int64_t most_ms)
{
    struct wait half = *wait;
    const int64_t now = clock_ms();
    half.deadline = now + (wait->deadline - now) / 2;
    if (half.deadline > now + most_ms)
        half.deadline = now + most_ms;
    return half;
}

struct wait wait_firmly(const struct wait *w)
{
    struct wait firm = *w;
    if (w->committed)
        *w->committed = true;
    else
        firm.interrupted = NULL;
    return firm;
}

struct wait wait_to_ask(const struct wait *w)
{
    struct wait ask = *w;
    ask.committed = NULL;
    return ask;
}

/* When to look next: the deadline, or a poll for an interrupt if that is sooner. */
static int next_look(const struct wait *w, int64_t *ret)
{
    int64_t now = clock_ms();
    if (w->interrupted && w->interrupted(w->ctx))
        return -EINTR;
    if (now >= w->deadline)
        return -EIO;
    *ret = w->deadline;
    if (w->interrupted && now + POLL_MS < w->deadline)
        *ret = now + POLL_MS;
    return 0;
}

int wait_on(const struct wait *w, struct condition *c, struct lock *l)
{
    int64_t until;
    int r = next_look(w, &until);
    if (r < 0)
        return r;
    struct timespec ts = {.tv_sec = until / 1000, .tv_nsec = (until % 1000) * 1000000};
    pthread_cond_timedwait(&c->cond, &l->mutex, &ts);
    return 0;
}

int wait_sleep(const struct wait *w, int64_t ms)
{
    int64_t end = clock_ms() + ms;
    for (;;) {
        int64_t until;
        int r = next_look(w, &until);
        int64_t now = clock_ms();
        if (r < 0 || now >= end)
            return r;
        int64_t nap = (until < end ? until : end) - now;
        struct timespec ts = {.tv_sec = nap / 1000, .tv_nsec = (nap % 1000) * 1000000};
        nanosleep(&ts, NULL);
    }
}
