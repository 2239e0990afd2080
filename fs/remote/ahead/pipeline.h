/* SPDX-License-Identifier: MIT */
/*
 * Many loads in flight together. As one ends the next may begin, as far as the window (window.h),
 * the server's limit of open handles and the engine's slots allow. One thread owns a pipeline.
 */
#pragma once

#include "remote/cache/load.h"
#include "window.h"

struct slot;

struct pipeline {
    struct remote *remote;
    bool (*stopped)(void *ctx);
    /* A load is about to be ended and freed. */
    void (*ending)(void *ctx, const struct load *load);
    void *ctx;

    struct window window;
    struct slot *slots; /* in the order in which their flights were sent */
    unsigned loads;     /* slots */
    unsigned requests;  /* that may be under way */
    unsigned handles;   /* that may be open */
    bool is_held_up;    /* requests wait unsent: those of users go first */

    size_t document_bytes, listing_bytes; /* that they are expected to bring */
};

/* The functions and ctx are set by the caller. */
void pipeline_init(struct pipeline *pipeline, struct remote *remote);

/* Ends all loads, without an answer. */
void pipeline_done(struct pipeline *pipeline);

/* Whether another load may begin now. One always may. */
bool pipeline_has_room(const struct pipeline *pipeline);

/* Begins a load, which the pipeline owns from now on. bytes: the size that it is expected to bring.
 * 0; -ENOMEM: it has been ended instead. */
int pipeline_add(struct pipeline *pipeline, struct load *load, size_t bytes);

/* Takes the next step of the loads that were answered; waits a little for one if none was. */
void pipeline_step(struct pipeline *pipeline);
