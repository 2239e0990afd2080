/* SPDX-License-Identifier: MIT */
/* Sightings that are due become commits by others, or turn out to be no news. */
#pragma once

#include "record_items.h"
#include "sightings.h"

/* Settles those that are due, or, if all is set, all. */
int record_seen(struct recording *rec, struct sightings *sightings,
                const struct record_items *waiting, bool all);

/* How many ms from now on there is one to settle, or -1. */
int64_t record_seen_next(const struct sightings *sightings);
