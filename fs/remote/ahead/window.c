/* SPDX-License-Identifier: MIT */
#include "window.h"

enum {
    MIN = 12,
    SLACK_MS = 10,        /* nobody feels it; near servers would have no window otherwise */
    FORGET_MS = 10 * 1000 /* a way may have become longer for good */
};

void window_init(struct window *w, unsigned first, unsigned max)
{
    *w = (struct window){.size = first < max ? first : max, .max = max, .quickest_ms = INT64_MAX};
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
    int64_t slack = w->quickest_ms > SLACK_MS ? w->quickest_ms : SLACK_MS;
    if (w->sum_ms / w->answers > w->quickest_ms + slack) {
        w->has_shrunk = true;
        set_size(w, w->size / 2, now);
    } else if (w->most_under_way > w->size / 2) {
        set_size(w, w->size + (w->has_shrunk ? w->size / 4 : w->size), now);
    }
    w->answers = w->most_under_way = 0;
    w->sum_ms = 0;
}
