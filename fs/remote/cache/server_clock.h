/* SPDX-License-Identifier: MIT */
/*
 * What is known of the server's clock: files' times are by it, and not by ours.
 *
 * A file that was just made tells its time. Until one was, ours is taken for it, as long as no file
 * has a time from our future. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct server_clock {
    _Atomic int64_t told_ahead_s; /* of ours; INT64_MIN: nobody has told */
    _Atomic int64_t seen_ahead_s; /* at least so far, by the times of files; 0 or more */
};

void server_clock_init(struct server_clock *clock);

/* The server's time is now server_s, in seconds since 1970. */
void server_clock_tell(struct server_clock *clock, int64_t server_s);

/* Whether a file's time, in seconds since 1970, lies 90 minutes back by the server's clock: so long
 * that no other text will get the same time. False also where the two clocks are more than ten
 * minutes apart, because neither is believed then. */
bool server_clock_is_old(struct server_clock *clock, int64_t mtime);
