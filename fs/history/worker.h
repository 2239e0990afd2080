/* SPDX-License-Identifier: MIT */
/*
 * The thread that records, and the queue before it.
 *
 *     told --> queue --> the spool --> commits          changes that were made here
 *                \-----> sightings ------^              what was seen
 *
 * Whoever tells something waits for no disk: the queue is in memory, and bounded. The worker writes
 * changes to the spool as soon as it can, whoever has the lock of the repository then.
 */
#pragma once

#include "told.h"

enum {
    WORKER_QUEUE_BYTES = 32 << 20,
    WORKER_SPOOL_BYTES = 8 << 20,
    WORKER_END_MS = 2000,    /* how long the last recording waits for the lock */
    WORKER_RETRY_MS = 10000, /* after a failure, if nothing new is told before */
};

int worker_new(const struct history *history, struct worker **ret);

/* 0, -errno. */
int worker_begin(struct worker *worker);

/* Ends the thread; accepts NULL, and one that was not begun. */
void worker_free(struct worker *worker);

/* Takes it over; NULL: it is lost for want of memory. Never waits. */
void worker_tell(struct worker *worker, struct told *told);

/* Waits until all changes that were told before this call are recorded. Sightings are not waited
 * for. 0; -EIO: they are not; -EINTR. */
int worker_settle(struct worker *worker, const struct wait *wait);
