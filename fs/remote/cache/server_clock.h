/* SPDX-License-Identifier: MIT */
/*
 * What is known of the server's clock: files' times are by it, and not by ours.
 *
 * A file that was just made tells its time. Until one was, the date of the server's host is taken
 * for it: files may lie on a disk of another machine, with another clock. Until that was told, ours
 * is, as long as no file has a time from our future. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct server_clock {
    _Atomic int64_t file_ahead_s; /* of ours, as a file told; INT64_MIN: none has */
    _Atomic int64_t host_ahead_s; /* the same by the host's date */
    _Atomic int64_t seen_ahead_s; /* at least so far, by the times of files; 0 or more */
};

void server_clock_init(struct server_clock *clock);

/* A file that was made a moment ago has the time server_s, in seconds since 1970. */
void server_clock_tell(struct server_clock *clock, int64_t server_s);

/* The server's host gave its date as host_s a moment ago. */
void server_clock_tell_date(struct server_clock *clock, int64_t host_s);

/* Whether a file's time, in seconds since 1970, lies 90 minutes back by the server's clock: so long
 * that no other text will get the same time. False also where the two clocks are more than ten
 * minutes apart, because neither is believed then. */
bool server_clock_is_old(struct server_clock *clock, int64_t mtime);
