/* SPDX-License-Identifier: MIT */
/*
 * The time of a login. libssh2 has a timeout for each of its calls, and none where bytes keep
 * coming: lines before the server's version may have no end. It can also be made to compute for
 * minutes without reading anything (CVE-2026-55199). So a login is a job on a thread of its own.
 * When the time is over its socket is shut down, which ends whatever waits for the server; a job
 * that goes on all the same is abandoned, with all that it works with, which must be its own. The
 * time in which a person is asked does not count.
 */
#pragma once

#include "base/sync.h"

/* A part of the job. */
struct ssh_watch {
    int fd;
    pthread_t thread;
    void (*run)(void *job);
    void (*release)(void *job);
    void *job;
    struct lock lock;
    struct condition changed;
    int64_t deadline GUARDED_BY(lock); /* of clock_ms(); while paused: what is left */
    bool paused GUARDED_BY(lock);
    bool ended GUARDED_BY(lock);
    bool abandoned GUARDED_BY(lock);
};

/* fd must stay open as long as the job. */
void ssh_watch_init(struct ssh_watch *watch, int fd, int64_t deadline);
void ssh_watch_done(struct ssh_watch *watch);

/* Runs a job until it ends or is given up. 0: it has ended; -ETIMEDOUT: it has ended, after the
 * time was over; -EINPROGRESS: it has not, and is not the caller's any more: release(job) is called
 * when it ends; another -errno: it was not begun. */
int ssh_watch_run(struct ssh_watch *watch, void (*run)(void *job), void (*release)(void *job),
                  void *job);

/* How many jobs were abandoned and go on. */
unsigned ssh_watch_abandoned(void);

/* By the job, around each question to a person. */
void ssh_watch_pause(struct ssh_watch *watch);
void ssh_watch_resume(struct ssh_watch *watch);
