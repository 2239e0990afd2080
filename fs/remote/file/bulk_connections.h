/* SPDX-License-Identifier: MIT */
/*
 * Bulk connections carry the data of large files, beside the main connection. That data then never
 * stands before other requests in the server's queue, and is not bound to the window of one
 * session.
 *
 * A thread of their own opens them together (connecting blocks) when a file wants them, and closes
 * them when they have been unused for a while. A lost bulk connection stays lost; when all are
 * lost, they are opened anew. All works without them: a failed attempt is repeated a few times, at
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
    int timeout_ms; /* a connection that is silent for so long is lost */
    int idle_ms;    /* connections unused for so long are closed */
    int far_ms;     /* the least round trip for which more than one is opened */
};

/* 0, -errno. */
int bulk_connections_new(const struct bulk_connections_options *options,
                         struct bulk_connections **ret);

/* All bulk connections must have been dropped. Accepts NULL. */
void bulk_connections_free(struct bulk_connections *bulk);

/* Asks for bulk connections, which may come up later. Accepts NULL. */
void bulk_connections_want(struct bulk_connections *bulk);

/* Takes a reference to each that is up; returns their number. Accepts NULL. Never blocks. */
unsigned bulk_connections_take(struct bulk_connections *bulk,
                               struct bulk_connection *ret[BULK_WAYS]);
void bulk_connections_drop(struct bulk_connections *bulk, struct bulk_connection *const *taken,
                           unsigned n);

/* Says that bulk connections are in use. */
void bulk_connections_touch(struct bulk_connections *bulk);

/* Borrowed; valid until the bulk connection is dropped, even when it is lost or closed. */
struct sftp *bulk_connection_sftp(const struct bulk_connection *connection);

/* Appends how many there are, and over what, as "key: value" lines. -ENOMEM. Accepts NULL. */
int bulk_connections_describe(struct bulk_connections *bulk, struct buf *ret);
