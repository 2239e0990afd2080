/* SPDX-License-Identifier: MIT */
/*
 * Whether a cache has room for what a walk wants. Half of the documents' cache is for what is
 * loaded ahead of its use. Of the listings' it is half of what the listing leaves that the walk
 * goes through, without which nobody could be kept ahead of.
 *
 * What a walk ahead of a user passes is expected: it stays until he comes, also if it was known
 * before. So the walk goes no further than there is room. It takes the room of what nobody is known
 * to come for, of wide walks and of those before it.
 */
#pragma once

#include "pipeline.h"
#include "walk.h"

struct room {
    struct remote *remote;
    const struct pipeline *pipeline; /* what is under way takes room, too */
    size_t listing_bytes;            /* of one, as far as the last ones tell */
};

void room_init(struct room *room, struct remote *remote, const struct pipeline *pipeline);

/* Whether this can be loaded now, which the caller does then. Sets wanted->bytes to what it is
 * expected to take besides what is there. */
bool room_for(const struct room *room, const struct walk *walk, struct wanted *wanted);

/* A load is about to end. */
void room_learn(struct room *room, const struct load *load);

/* A user is come for from here on: what is there ahead of others is taken if he needs the room. */
void room_all_spare(const struct room *room);
