/* SPDX-License-Identifier: MIT */
#include "window.h"

enum {
    MIN = 12,
    SLACK_MS = 10,         /* nobody feels it; near servers would have no window otherwise */
    FORGET_MS = 10 * 1000, /* a way may have become longer for good */
    OF_A_NAME = 2,         /* requests */
    FURTHER = 2,           /* than the names of a listing, as far as it was quick */
    LISTED_MAX = 1024,     /* more only if their own answers come soon, which hold more */
};

void window_init(struct window *w, unsigned first, unsigned max)
{
    *w = (struct window){.size = first < max ? first : max, .max = max, .quickest_ms = INT64_MAX};
}

static int64_t slack(int64_t round_trip_ms)
{
    return round_trip_ms > SLACK_MS ? round_trip_ms : SLACK_MS;
}

static void count(struct window *w, int64_t ms, unsigned under_way)
{
    if (w->answers == 0 || ms < w->least_ms)
        w->least_ms = ms;
    if (under_way > w->most_under_way)
        w->most_under_way = under_way;
    w->sum_ms += ms;
    w->answers++;
}

static void set_size(struct window *w, unsigned size, int64_t now)
{
    w->size = size < MIN ? MIN : size > w->max ? w->max : size;
    w->changed_at = now;
}

void window_answered(struct window *w, int64_t asked_at, unsigned under_way, int64_t now)
{
    if (asked_at <= w->changed_at)
        return;
    count(w, now - asked_at, under_way);
    if (w->answers < w->size / 4)
        return;
    if (w->least_ms <= w->quickest_ms || now - w->quickest_at > FORGET_MS) {
        w->quickest_ms = w->least_ms;
        w->quickest_at = now;
    }
    if (w->sum_ms / w->answers > w->quickest_ms + slack(w->quickest_ms)) {
        w->has_shrunk = true;
        set_size(w, w->size / 2, now);
    } else if (w->most_under_way > w->size / 2) {
        set_size(w, w->size + (w->has_shrunk ? w->size / 4 : w->size), now);
    }
    w->answers = w->most_under_way = 0;
    w->sum_ms = 0;
}

void window_listed(struct window *w, size_t names, int64_t ms, int64_t round_trip_ms)
{
    const uint64_t may_take = (uint64_t)slack(round_trip_ms);
    const uint64_t least = may_take / FURTHER;
    const uint64_t took = ms > (int64_t)least ? (uint64_t)ms : least;
    const uint64_t size = names * OF_A_NAME * may_take / took;
    const unsigned max = w->max < LISTED_MAX ? w->max : LISTED_MAX;
    if (!w->has_shrunk && size > w->size && max > w->size)
        w->size = size < max ? (unsigned)size : max;
}
