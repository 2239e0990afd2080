/* SPDX-License-Identifier: MIT */
/*
 * Many loads in flight together: as one ends the next one may begin, as far as the window
 * (window.h), the server's limit of open handles and the engine's slots allow. One thread's own.
 */
#pragma once

#include "load.h"
#include "window.h"

struct vessel;

struct fleet {
    struct remote *remote;
    bool (*stopped)(void *ctx);
    /* A load is about to be ended and freed. */
    void (*ending)(void *ctx, const struct load *load);
    void *ctx;

    struct window window;
    struct vessel *vessels; /* in the order in which their flights were sent */
    unsigned requests;      /* that may be under way */
    unsigned handles;       /* that may be open */
    size_t bytes;           /* that they are expected to bring */
    bool is_held_up;        /* requests wait unsent: users' go first */
};

/* The functions and ctx are set by the caller. */
void fleet_init(struct fleet *fleet, struct remote *remote);

/* Ends all loads, without an answer. */
void fleet_done(struct fleet *fleet);

/* Whether another load may begin now. One at least always may. */
bool fleet_has_room(const struct fleet *fleet);

/* Begins a load, which is the fleet's from now on. bytes: what it is expected to bring. */
void fleet_add(struct fleet *fleet, struct load *load, size_t bytes);

/* Takes those loads on that have been answered; waits a little for one if none has. */
void fleet_step(struct fleet *fleet);
