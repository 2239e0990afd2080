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

/* Measures the line to the server, where the connection may be compressed. If it is thin, is_thin
 * is set, and the connection made anew, compressed. */
void compress_if_thin(struct remote *remote, const struct wait *wait);
