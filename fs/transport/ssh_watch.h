/* SPDX-License-Identifier: MIT */
/*
 * The time of a login. libssh2 has a timeout for each of its calls, and none where bytes keep
 * coming: lines before the server's version may have no end. So a thread shuts the socket down when
 * the time is over, and whatever libssh2 is waiting or reading for then ends. The time in which a
 * person is asked does not count.
 */
#pragma once

#include "base/sync.h"

struct ssh_watch {
    int fd;
    pthread_t thread;
    struct lock lock;
    struct condition changed;
    int64_t deadline GUARDED_BY(lock); /* of clock_ms(); while paused: what is left */
    bool paused GUARDED_BY(lock);
    bool ended GUARDED_BY(lock);
    bool expired GUARDED_BY(lock);
};

/* fd stays the caller's, and open until ssh_watch_end. 0, -errno. */
int ssh_watch_begin(struct ssh_watch *watch, int fd, int64_t deadline);

/* True when the time was over. */
bool ssh_watch_end(struct ssh_watch *watch);

/* Around each question to a person. */
void ssh_watch_pause(struct ssh_watch *watch);
void ssh_watch_resume(struct ssh_watch *watch);
