/* SPDX-License-Identifier: MIT */
/* What runs on the I/O thread: link.c, hello.c and io.c. */
#pragma once

#include "engine.h"

/* link.c: the life of a connection */

void *link_main(void *sftp);

/* hello.c */

/* Speaks with a new server, over s->link. 0; -errno with *why. */
int hello(struct sftp *s, struct sftp_features *ret, int64_t *ret_round_trip_us, struct diag *why);

/* io.c: requests and answers */

/* Serves until the link ends (the state says why), is to be renewed, or the engine stops. */
void io_serve(struct sftp *s);

/* Forgets what a link had under way. */
void io_reset(struct sftp *s);

/* Waits for the transport, if there is one, a wake-up or timeout_ms (-1: none); flushes. 0, -errno.
 */
int io_poll(struct sftp *s, int timeout_ms);

/* Reads into the frame, of which nothing is left: how many bytes, 0 when nothing is there, -errno.
 */
int io_fill(struct link *l);

bool io_must_stop(struct sftp *s);
bool io_must_renew(struct sftp *s);
