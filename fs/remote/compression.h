/* SPDX-License-Identifier: MIT */
/*
 * Whether the connection for listings and texts is compressed. Over a thin line that is far away
 * these are the most of a crawl, and shrink to a fifth; a faster line carries them in less time
 * than the server needs to compress them.
 *
 * The line is measured by what it takes longer than a round trip to bring a directory's listing.
 * TCP doubles what it sends in a round trip until it knows the line, so more is asked for each
 * time, and no more than has come before.
 */
#pragma once

#include "remote_private.h"

/* Makes the connection anew, compressed, if the line to the server turns out to be thin. */
void compress_if_thin(struct remote *remote, const struct wait *wait);
