/* SPDX-License-Identifier: MIT */
/*
 * Bulk connections carry the data of large files, beside the main connection. That data then never
 * stands before other requests in the server's queue, and is not bound to the window of one
 * session.
 *
 * How many there are is said by the distance (bulk_connections_worth). A thread of their own opens
 * them (connecting blocks), two at a time: a server lets few logins be under way at once
 * (MaxStartups). Where a large file was seen, all are opened before its data is wanted. Where a
 * file wants them already, more than two are opened only if the first two move their data fast:
 * over a thin line they would only stand in each other's way.
 *
 * They are closed when they have been unused for a while. A lost one stays lost; when all are lost,
 * they are opened anew. All works without them: a failed attempt is repeated a few times, at
 * growing intervals, and then no more.
 */
#pragma once

#include "sftp/bulk/bulk.h"

struct bulk_connections;
struct bulk_connection;

struct bulk_connections_options {
    /* As in struct sftp_options; called by a thread of its own. -EACCES: never again. */
    int (*connect)(void *ctx, struct transport **ret, struct diag *why);
    void *ctx;
    int timeout_ms;  /* a connection that is silent for so long is lost */
    int idle_ms;     /* connections unused for so long are closed */
    int again_ms;    /* until the next attempt after one that failed */
    unsigned number; /* so many, whatever they are worth; 0: as many as are worth it, but ... */
    unsigned max;    /* ... no more than these; 0: no such bound */
};

/* How many bulk connections pay for themselves: as many windows of a session as are under way at
 * the rate that one connection reaches nearby, and two where this machine has processors for them.
 */
unsigned bulk_connections_worth(int64_t round_trip_ms, long processors);

/* 0, -errno. */
int bulk_connections_new(const struct bulk_connections_options *options,
                         struct bulk_connections **ret);

/* All bulk connections must have been dropped. Accepts NULL. */
void bulk_connections_free(struct bulk_connections *bulk);

/* Asks for bulk connections, which may come up later, to a server so far away. Accepts NULL. */
void bulk_connections_want(struct bulk_connections *bulk, int64_t round_trip_ms);

/* The same where one will be wanted soon: all that are worth it are opened, without waiting for the
 * first ones to be fast, and stay until they have been unused for a while. Accepts NULL. */
void bulk_connections_expect(struct bulk_connections *bulk, int64_t round_trip_ms);

/* Takes a reference to each that is up and is not among the n that are taken already, which it
 * stands behind then; returns how many are taken now. Accepts NULL. Never blocks. */
unsigned bulk_connections_take(struct bulk_connections *bulk,
                               struct bulk_connection *taken[BULK_WAYS], unsigned n);
void bulk_connections_drop(struct bulk_connections *bulk, struct bulk_connection *const *taken,
                           unsigned n);

/* Says that bulk connections are in use. */
void bulk_connections_touch(struct bulk_connections *bulk);

/* Borrowed; valid until the bulk connection is dropped, even when it is lost or closed. */
struct sftp *bulk_connection_sftp(const struct bulk_connection *connection);

/* Appends how many there are, and over what, as "key: value" lines. -ENOMEM. Accepts NULL. */
int bulk_connections_describe(struct bulk_connections *bulk, struct buf *ret);
