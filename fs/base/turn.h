/* SPDX-License-Identifier: MIT */
/*
 * A turn: a thing that one thread has at a time, and may have while it waits for a server. So the
 * others wait for it as for the server, with a deadline and interruptibly; a lock knows neither.
 */
#pragma once

#include "sync.h"

struct turn {
    struct lock lock;
    struct condition given; /* with lock */
    bool taken;             /* protected by lock */
};

void turn_init(struct turn *turn);
void turn_done(struct turn *turn);

/* 0: the caller has it, until turn_give; -EINTR, -EIO. */
int turn_take(struct turn *turn, const struct wait *wait);
void turn_give(struct turn *turn);
