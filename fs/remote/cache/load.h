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
    /* Starts over with nothing in flight and nothing held: the first step is due. */
    void (*restart)(struct load *load);
    /* The call of the flight under way that the server answers last. */
    struct sftp_call *(*last)(const struct load *load);
    /* Tells what a failure means. May be NULL. */
    int (*explain)(struct load *load, const struct wait *wait, int r);
    /* Tells others what has changed. May be NULL. */
    void (*loaded)(struct load *load);
};

/* listing_measure_kind: a listing whose flights tell of the line. The first one asks for one
 * answer, and each other one for twice as many as the one before; a long listing is given up
 * (-EINTR). */
extern const struct load_kind document_load_kind, listing_load_kind, listing_measure_kind;

struct load {
    const struct load_kind *kind;
    struct remote *remote;
    struct cache_ticket ticket;
    char *path;
    char *full;           /* the server's path */
    struct cached *known; /* the object known until now: a reference, or NULL */
    struct cached *made;  /* the object that the last step made: a reference */
    bool is_glance;       /* asks for attributes only, as far as can be known */
    /* What is due when the flight has been answered. 1: another step is; 0: load->made is there;
     * -errno. */
    int (*step)(struct load *load, const struct wait *wait);
    int result; /* of the last step */
};

/* Does the load for a cache_begin that returned 1. *object: what is known until now, a reference or
 * NULL. 0: it is what was loaded; -errno: it is as it was. */
int load_run(const struct load_kind *kind, struct remote *remote, const char *path,
             const struct cache_ticket *ticket, const struct wait *wait, struct cached **object);

/* Makes the load of an object ahead of its use. *ret is NULL if it is known to be true at
 * not_before or later (cache_try_begin), or is being loaded, or inaccessible. 0, -ENOMEM. */
int load_new_ahead(const struct load_kind *kind, struct remote *remote, const char *path,
                   int64_t not_before, struct load **ret);

/* The steps one by one: the first one sends a flight. load_step waits for the flight before, and
 * returns true if it has sent another one. After it returned false, or without waiting for that,
 * load_end ends the ticket and frees the load; a load without an answer leaves the known object as
 * it was. */
bool load_step(struct load *load, const struct wait *wait);
void load_end(struct load *load, const struct wait *wait);
