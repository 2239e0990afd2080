/* SPDX-License-Identifier: MIT */
/* Trying something again that is done under the lock of a .vmx (attempt.h: which errors ask for
 * that). */
#pragma once

#include "remote/remote_private.h"

/* Attempts at one thing. Further members are all zeros at first. */
struct trying {
    struct remote *remote;
    const struct wait *wait;
    int64_t began;   /* the last one, at clock_ms() */
    int64_t backoff; /* before the next one, ms; 0: it would be the second */
    bool contended;  /* the lock was somebody else's when it was last looked at */
};

/* Before each attempt. */
void trying_begin(struct trying *t);

/* An attempt ended with r. sent: what changes the file was. 0 where another one may go better:
 * after a while, where the lock was somebody else's; at once, when the link is up again, or after a
 * server took so long that the lock was not good any more and nothing was sent. */
int trying_again(struct trying *t, bool sent, int r);

/* What the caller is told. unsure: a rename was sent whose answer was lost, and ENOLCK would say
 * that nothing was changed. */
int trying_told(const struct trying *t, bool unsure, int r);
