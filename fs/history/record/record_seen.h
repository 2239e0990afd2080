/* SPDX-License-Identifier: MIT */
/* Sightings that are due become commits by others, or turn out to be no news. */
#pragma once

#include "record_items.h"
#include "sightings.h"

/* Settles those that are due, or, if all is set, all. *ret_next: how many ms from now on the next
 * one is due, or -1. */
int record_seen(struct recording *rec, struct sightings *sightings,
                const struct record_items *waiting, bool all, int64_t *ret_next);

/* How many ms from now on the first is due, or -1. */
int64_t record_seen_next(const struct sightings *sightings);
