/* SPDX-License-Identifier: MIT */
#include "turn.h"

void turn_init(struct turn *turn)
{
    turn->taken = false;
    lock_init(&turn->lock);
    condition_init(&turn->given);
}

void turn_done(struct turn *turn)
{
    condition_done(&turn->given);
    lock_done(&turn->lock);
}

int turn_take(struct turn *turn, const struct wait *wait)
{
    int r = 0;
    lock_take(&turn->lock);
    while (turn->taken && r == 0)
        r = wait_on(wait, &turn->given, &turn->lock);
    if (r == 0)
        turn->taken = true;
    lock_drop(&turn->lock);
    return r;
}

void turn_give(struct turn *turn)
{
    lock_take(&turn->lock);
    turn->taken = false;
    /* One is enough: a thread that is woken looks whether the turn is taken before it looks at its
     * wait. */
    condition_wake_one(&turn->given);
    lock_drop(&turn->lock);
}
