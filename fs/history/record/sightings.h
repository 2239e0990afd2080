/* SPDX-License-Identifier: MIT */
/*
 * What the server was seen to have, by path in the mount. A sighting is due SIGHTINGS_MS after its
 * text was first seen: by then a commit of ours that made this text is in the spool. Until then it
 * costs a copy of the text, and nothing is computed.
 *
 *     seen --> waiting --(the same again: read later, due as before)--> due --> recorded,
 *                 |  ^                                                          or no news: dropped
 *                 |  +--(another text: due anew)
 *                 +----(a change of ours of that path): dropped
 */
#pragma once

#include <git2.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "parser/text/buf.h"

enum {
    SIGHTINGS_MS = 5000,
    SIGHTINGS_BYTES = 32 << 20, /* with more, the oldest are due at once */
};

struct sighting {
    char *path;
    bool gone;
    struct buf text;           /* as it was read, with its secrets */
    int64_t first_ms, last_ms; /* when it was read first and last, CLOCK_REALTIME */
    int64_t due;               /* clock_ms() */
    char *file;                /* NULL: none of what follows is known yet */
    struct buf hidden;
    git_oid id;   /* of hidden */
    bool settled; /* it is in the recording that is being made */
    UT_hash_handle hh;
};

struct sightings {
    struct sighting *by_path; /* the one that is due first comes first */
    size_t bytes;
};

/* Takes the text over. -ENOMEM. */
int sightings_see(struct sightings *sightings, const char *path, bool gone, struct buf *text,
                  int64_t read_ms);

/* Whether it was read after a time in ms, CLOCK_REALTIME. What is still to come was read before the
 * clock was set back. */
bool sighting_is_after(const struct sighting *sighting, int64_t ms);

/* NULL: there is none. */
struct sighting *sightings_find(const struct sightings *sightings, const char *path);

void sightings_drop(struct sightings *sightings, struct sighting *sighting);

/* After a recording: what is settled goes, or, where it has failed, is not. */
void sightings_end(struct sightings *sightings, bool recorded);

void sightings_done(struct sightings *sightings);
