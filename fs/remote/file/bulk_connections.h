/* SPDX-License-Identifier: MIT */
/*
 * Bulk connections: connections besides the main one, for the data of large files, so that it never
 * stands before other requests in the server's queue, and is not bound to the window of one
 * session.
 *
 * They are opened together, by a thread of their own (connecting blocks), when somebody wants them,
 * and closed when nobody has used them for a while. One that is lost stays lost; when all are, they
 * are opened anew. Everything works without them: what fails is tried again a few times, later and
 * later, and then no more.
 */
#pragma once

#include "sftp/bulk/bulk.h"

struct bulk_connections;
struct bulk_connection;

struct bulk_connections_options {
    /* As of struct sftp_options; called by a thread of its own. -EACCES: never again. */
    int (*connect)(void *ctx, struct transport **ret, struct diag *why);
    void *ctx;
    int timeout_ms; /* one that is silent for so long is lost */
    int idle_ms;    /* unused for so long, they are closed */
    int far_ms;     /* the round trip from which on more than one is opened */
};

/* 0, -errno. */
int bulk_connections_new(const struct bulk_connections_options *options,
                         struct bulk_connections **ret);

/* All bulk connections must have been dropped. Accepts NULL. */
void bulk_connections_free(struct bulk_connections *bulk);

/* Asks for bulk connections, which may be there later. Accepts NULL. */
void bulk_connections_want(struct bulk_connections *bulk);

/* Those that are up, a reference to each; their number. Accepts NULL. Never blocks. */
unsigned bulk_connections_take(struct bulk_connections *bulk,
                               struct bulk_connection *ret[BULK_WAYS]);
void bulk_connections_drop(struct bulk_connections *bulk, struct bulk_connection *connection);

/* Says that bulk connections are in use. */
void bulk_connections_touch(struct bulk_connections *bulk);

/* Borrowed; valid until the bulk connection is dropped, also when it is lost or closed. */
struct sftp *bulk_connection_sftp(const struct bulk_connection *connection);

/* How many there are, over what, as "key: value" lines. -ENOMEM. Accepts NULL. */
int bulk_connections_describe(struct bulk_connections *bulk, struct buf *ret);
