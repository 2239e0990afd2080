/* SPDX-License-Identifier: MIT */
/*
 * Locks and conditions with clang's thread-safety annotations, and the one way in which vmxfs
 * waits: a struct wait carries the deadline of a system call and knows whether its caller was
 * interrupted.
 *
 * Interrupts are polled every 100 ms. libfuse's callback would run under libfuse's own lock, and a
 * lock of ours taken there could deadlock.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#define THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define THREAD_ATTRIBUTE(x)
#endif
#define CAPABILITY(name) THREAD_ATTRIBUTE(capability(name))
/* For readers only: clang resolves the names of sibling members in C++ but not in C. */
#define GUARDED_BY(lock)
#define REQUIRES(...) THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS THREAD_ATTRIBUTE(no_thread_safety_analysis)

struct CAPABILITY("mutex") lock {
    pthread_mutex_t mutex;
};

/* Waits on the monotonic clock. */
struct condition {
    pthread_cond_t cond;
};

struct wait {
    int64_t deadline;               /* of clock_ms(); when the wait is over */
    bool (*interrupted)(void *ctx); /* NULL: cannot be interrupted */
    void *ctx;
    bool *committed; /* set once a request has been sent that changes the server. From then on
                        interrupted() returns false, because "not done" would be wrong; it is
                        still called, and may let its caller go. NULL: not wanted */
};

/* Locks and conditions are made without attributes that could be refused and own no memory, with
 * glibc and with musl: nothing in making one can fail. */
void lock_init(struct lock *l);
void lock_done(struct lock *l);
void lock_take(struct lock *l) ACQUIRE(l);
void lock_drop(struct lock *l) RELEASE(l);

void condition_init(struct condition *c);
void condition_done(struct condition *c);
void condition_wake_all(struct condition *c);
void condition_wake_one(struct condition *c);

/* Starts a thread that no signal is delivered to: they are for the thread that expects them. 0,
 * -errno. */
int thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg);

/* The same wait with half of the time that is left, and no more than most_ms. */
struct wait wait_half(const struct wait *wait, int64_t most_ms);

/* A wait that ends ms from now and cannot be interrupted. */
struct wait wait_for_ms(int64_t ms);

/* The same wait for an operation that cannot be given up any more: it is committed, and not
 * interrupted. */
struct wait wait_firmly(const struct wait *w);

/* The same wait for an operation that changes nothing, on the way to a change: it commits nobody.
 */
struct wait wait_to_ask(const struct wait *w);

/* Waits, with the lock released, until woken or for a while: 0, and the caller looks again at what
 * it waits for; -EINTR when the caller was interrupted; -EIO when the deadline has passed, which is
 * what a system call says then. */
int wait_on(const struct wait *w, struct condition *c, struct lock *l) REQUIRES(l);

/* Sleeps for ms or until the wait ends. 0, -EINTR, -EIO. */
int wait_sleep(const struct wait *w, int64_t ms);
