/* SPDX-License-Identifier: MIT */
/*
 * A scripted SFTP server: the other end of a socket pair, played by the test itself. The test makes
 * calls, takes the requests off the peer in the order in which they were sent, and answers as it
 * likes, in any order, or with garbage.
 *
 * The hello needs no script: VERSION (and the limits) are sent before they are asked for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/sync.h"
#include "parser/text/diag.h"
#include "parser/text/buf.h"
#include "sftp/protocol/wire.h"
#include "transport/transport.h"

enum peer_offers {
    PEER_POSIX_RENAME = 1,
    PEER_FSYNC = 2,
    PEER_STATVFS = 4,
    PEER_LIMITS = 8,
};

struct peer {
    unsigned offers;
    uint64_t limits[4]; /* packet, read, write, handles */
    struct lock lock;
    int fd;      /* our end of the newest link; protected by lock */
    int links;   /* how many were made; protected by lock */
    int refusal; /* what connecting gives instead of a link, or 0; protected by lock */
    int refused; /* how often it did; protected by lock */
};

struct peer_request {
    uint8_t type;
    uint32_t id;
    struct wire_in rest; /* behind the id */
    uint8_t *bytes;      /* what rest points into; peer_request_done frees it */
};

void peer_init(struct peer *peer, unsigned offers);
void peer_done(struct peer *peer);

/* For struct sftp_options (ctx is the peer): a new link, its hello already answered. */
int peer_connect(void *ctx, struct transport **ret, struct diag *why);
void peer_refuse(struct peer *peer, int error);
int peer_links(struct peer *peer);
int peer_refused(struct peer *peer);

/* The next request; INIT and limits are taken away. 0; -ETIMEDOUT after ms, -ECONNRESET. */
int peer_receive(struct peer *peer, int ms, struct peer_request *ret);
void peer_request_done(struct peer_request *request);

/* Answers. All give 0 or -errno. */
int peer_send(struct peer *peer, struct span bytes); /* as they are */
int peer_reply(struct peer *peer, uint8_t type, uint32_t id, struct span rest);
int peer_status(struct peer *peer, uint32_t id, uint32_t code);
int peer_handle(struct peer *peer, uint32_t id, const char *handle);
int peer_data(struct peer *peer, uint32_t id, struct span data);
int peer_size(struct peer *peer, uint32_t id, uint64_t size); /* ATTRS with this alone */

void peer_hang_up(struct peer *peer);
