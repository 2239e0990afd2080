/* SPDX-License-Identifier: MIT */
/*
 * Loading a document or a listing into its cache, as a sequence of flights: each step waits for the
 * flight before and sends the next one. One load is its steps in a row; of hundreds of loads
 * (pipeline.h) each takes its next step as soon as its flight has been answered.
 */
#pragma once

#include "remote/remote_private.h"

struct load;

/* What is loaded, and how. */
struct load_kind {
    size_t size; /* of the struct that begins with a struct load; filled with zeros */
    /* Starts over with nothing in flight and nothing held. */
    void (*restart)(struct load *load);
    /* 1: another step is due; 0: load->made is there; -errno. */
    int (*step)(struct load *load, const struct wait *wait);
    /* The call of the flight under way that the server answers last. */
    struct sftp_call *(*last)(const struct load *load);
    /* Tells what a failure means. */
    int (*explain)(struct load *load, const struct wait *wait, int r);
    /* Tells others what has changed. May be NULL. */
    void (*loaded)(struct load *load);
};

extern const struct load_kind document_load_kind, listing_load_kind;

struct load {
    const struct load_kind *kind;
    struct remote *remote;
    struct cache *cache;
    struct cache_ticket ticket;
    char *path;
    char *full;           /* the server's path */
    struct cached *known; /* the object known until now: a reference, or NULL */
    struct cached *made;  /* the object that the last step made: a reference */
    bool is_glance;       /* asks for attributes only, as far as can be known */
    int result;           /* of the last step */
};

/* Makes the load for a cache_begin that returned 1. path is copied; known (moved) may be NULL. On
 * -ENOMEM the ticket is ended. */
int load_new(const struct load_kind *kind, struct remote *remote, struct cache *cache,
             const char *path, const struct cache_ticket *ticket, struct cached *known,
             struct load **ret);

/* Runs a load to its end, ends its ticket and frees it. 0: *ret is a reference. *ret_known (may be
 * NULL): the object known before, a reference or NULL. */
int load_run(struct load *load, const struct wait *wait, struct cached **ret,
             struct cached **ret_known);

/* The steps one by one: load_begin sends the first flight. load_step waits for a flight, and
 * returns true if it has sent another one; load_last is the call that it will wait for. After
 * load_step returned false, or without waiting for that, load_end ends the ticket and frees the
 * load; a load without an answer leaves the known object as it was. */
void load_begin(struct load *load, const struct wait *wait);
bool load_step(struct load *load, const struct wait *wait);
struct sftp_call *load_last(const struct load *load);
void load_end(struct load *load, const struct wait *wait);
