/* SPDX-License-Identifier: MIT */
/*
 * Lanes: connections of their own for the data of large files, so that it never stands before
 * other requests in the server's queue, and is not bound to the window of one session.
 *
 * They are opened together, by a thread of their own (connecting blocks), when somebody wants them,
 * and closed when nobody has used them for a while. One that is lost stays lost; when all are, they
 * are opened anew. Everything works without them: what fails is tried again a few times, later and
 * later, and then no more.
 */
#pragma once

#include "sftp/bulk/bulk.h"

struct lanes;
struct lane;

struct lanes_options {
    /* As of struct sftp_options; called by the thread of the lanes. -EACCES: never again. */
    int (*connect)(void *ctx, struct transport **ret, struct why *why);
    void *ctx;
    int timeout_ms; /* a lane that is silent for so long is lost */
    int idle_ms;    /* unused for so long, they are closed */
    int far_ms;     /* the round trip from which on more than one is opened */
};

/* 0, -errno. */
int lanes_new(const struct lanes_options *options, struct lanes **ret);

/* All lanes must have been dropped. Accepts NULL. */
void lanes_free(struct lanes *lanes);

/* Asks for lanes, which may be there later. Accepts NULL. */
void lanes_want(struct lanes *lanes);

/* The lanes that are up, a reference to each; their number. Accepts NULL. Never blocks. */
unsigned lanes_take(struct lanes *lanes, struct lane *ret[BULK_WAYS]);
void lanes_drop(struct lanes *lanes, struct lane *lane);

/* Says that lanes are in use. */
void lanes_touch(struct lanes *lanes);

/* Borrowed; valid until the lane is dropped, also when it is lost or closed. */
struct sftp *lane_sftp(const struct lane *lane);

/* How many there are, over what, as "key: value" lines. -ENOMEM. Accepts NULL. */
int lanes_describe(struct lanes *lanes, struct buf *ret);
