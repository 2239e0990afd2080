/* SPDX-License-Identifier: MIT */
/*
 * The host's datastores, and which of them are inaccessible. A command about storage hangs with the
 * storage, so these are asked for apart from all other facts, over a connection of their own, and
 * only where somebody wants to know, or is about to go into a datastore that may hang.
 */
#pragma once

#include "host/host_private.h"

/* 0, -errno. */
int stores_init(struct host *host);
void stores_done(struct host *host);

/* Where the datastores are on the server: a part of the root's path, if the root is there or below,
 * else /vmfs/volumes. */
struct span stores_volumes(const struct host *host);

/* Has a host that is there asked for them, unless that was done at since or later. 0, -EIO, ... */
int stores_ask(struct host *host, int64_t since, const struct wait *wait);

/* As host_expect_store, where there is a host. */
void stores_expect(struct host *host, const struct wait *wait);

/* What is known, without waiting: a reference, or NULL. */
const struct host_facts *stores_known(struct host *host);

/* Whether a datastore, called by name or uuid, is known to be inaccessible. known: may be NULL. */
bool stores_is_inaccessible(const struct host_facts *known, struct span datastore);
