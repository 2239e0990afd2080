/* SPDX-License-Identifier: MIT */
/*
 * How many requests may be under way in the background.
 *
 * A server answers in order, and the rate of a link is limited: a background request stands before
 * the next request of a user. So the window grows only while answers take no longer than one more
 * round trip than the quickest, and halves when they do: a user waits for one round trip of other
 * answers at most. Pure arithmetic: the caller says when things happened, in ms of clock_ms().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window {
    unsigned size; /* requests that may be under way */
    unsigned max;
    bool has_shrunk;    /* from then on it grows slowly */
    int64_t changed_at; /* requests sent before say nothing about the window of now */
    int64_t quickest_ms, quickest_at;
    /* since the last change or the last look */
    unsigned answers, most_under_way;
    int64_t sum_ms, least_ms;
};

void window_init(struct window *w, unsigned first, unsigned max);

/* So many names came with a listing, in so many ms besides its round trips. Where nothing else is
 * known of the link yet, about as many requests may be under way as are answered in the time that a
 * user may be made to wait; the listing tells nothing of many more than it has names. */
void window_listed(struct window *w, size_t names, int64_t ms, int64_t round_trip_ms);

/* A request sent at asked_at was answered; under_way: how many requests were by then. */
void window_answered(struct window *w, int64_t asked_at, unsigned under_way, int64_t now);
