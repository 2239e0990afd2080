/* SPDX-License-Identifier: MIT */
/* Recording: what all processes have spooled, and what this one has seen, become commits. */
#pragma once

#include "record_seen.h"

/* Under the lock, which the caller holds. all: sightings are not waited for any longer. *ret_next:
 * in how many ms there is something else than sightings to record again, or -1. 0; -errno with
 * *why: nothing is lost, and one tries again later. *why may say something where it goes well, too.
 * */
int record(const struct history *history, const struct spool *spool, struct sightings *sightings,
           bool all, int64_t *ret_next, struct diag *why);
