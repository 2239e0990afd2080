/* SPDX-License-Identifier: MIT */
/*
 * Loading a document or a listing into its cache, as a sequence of flights: each step waits for the
 * flight before and sends the next one. One load is its steps in a row; hundreds of loads, a step
 * of each in turn, cost as many round trips as one.
 */
#pragma once

#include "internal.h"

struct load {
    struct remote *remote;
    struct cache *cache;
    struct cache_ticket ticket;
    char *full;           /* the server's path */
    struct cached *known; /* what was known until now: a reference, or NULL */
    struct cached *made;  /* what the last step made: a reference */
    int result;           /* 1: another step is due; 0; -errno */

    /* Starts over with nothing in flight. */
    void (*restart)(struct load *load);
    int (*step)(struct load *load, const struct wait *wait);
    /* After the last step: tells what the errno means, and tells others what has changed. */
    int (*explain)(struct load *load, const struct wait *wait, int r);
    void (*loaded)(struct load *load);
    void (*free)(struct load *load);
};

/* Makes the load that a cache_begin which said 1 asks for. path is copied; known (moved) may be
 * NULL. On -ENOMEM the ticket is ended. */
int document_load_new(struct remote *remote, const char *path, const struct cache_ticket *ticket,
                      struct cached *known, struct load **ret);
int listing_load_new(struct remote *remote, const char *path, const struct cache_ticket *ticket,
                     struct cached *known, struct load **ret);

/* Runs a load to its end, ends its ticket and frees it. 0: *ret is a reference. *ret_known (may be
 * NULL): what was known before, a reference or NULL. */
int load_run(struct load *load, const struct wait *wait, struct cached **ret,
             struct cached **ret_known);

/* Runs many together, ends their tickets and frees them. What fails, fails in silence. */
void load_run_all(struct load **loads, size_t n, const struct wait *wait);

/* For the makers of the kinds. */
int load_init(struct load *load, struct remote *remote, struct cache *cache, const char *path,
              const struct cache_ticket *ticket, struct cached *known);
void load_done(struct load *load);
