/* SPDX-License-Identifier: MIT */
#include "streams.h"

enum {
    LIVES = 64, /* operations; a stream that was not used for so many is forgotten */
    /* Operations of a stream may overtake each other by two of their size, within these limits. */
    REACH_MIN = 256 << 10,
    REACH_MAX = 1 << 20,
};

bool streams_lives(const struct streams *all, const struct stream *s)
{
    return s->used > 0 && all->step - s->used < LIVES;
}

unsigned streams_living(const struct streams *all)
{
    unsigned n = 0;
    for (unsigned i = 0; i < STREAMS; i++)
        n += streams_lives(all, &all->list[i]);
    return n;
}

static uint64_t distance(const struct stream *s, uint64_t offset)
{
    return offset > s->next ? offset - s->next : s->next - offset;
}

/* The nearest one that can be meant, or NULL. */
static struct stream *find(struct streams *all, uint64_t offset, size_t n)
{
    const uint64_t reach = n < REACH_MIN / 2 ? REACH_MIN : n > REACH_MAX / 2 ? REACH_MAX : 2 * n;
    struct stream *best = NULL;
    for (unsigned i = 0; i < STREAMS; i++) {
        struct stream *s = &all->list[i];
        if (streams_lives(all, s) && distance(s, offset) <= reach &&
            (!best || distance(s, offset) < distance(best, offset)))
            best = s;
    }
    return best;
}

static struct stream *oldest(struct streams *all)
{
    struct stream *ret = &all->list[0];
    for (unsigned i = 1; i < STREAMS; i++) {
        if (all->list[i].used < ret->used)
            ret = &all->list[i];
    }
    return ret;
}

struct stream *streams_step(struct streams *all, uint64_t offset, size_t n, uint64_t *ret_advance)
{
    const uint64_t end = offset + n;
    struct stream *s = find(all, offset, n);
    if (s) {
        *ret_advance = end > s->next ? end - s->next : 0;
        s->next += *ret_advance;
        if (offset < s->start)
            s->start = offset;
    } else {
        s = oldest(all);
        *s = (struct stream){.start = offset, .next = end};
        *ret_advance = 0;
    }
    s->used = ++all->step;
    return s;
}

bool streams_passed(const struct streams *all, uint64_t offset)
{
    bool passed = false;
    for (unsigned i = 0; i < STREAMS; i++) {
        const struct stream *s = &all->list[i];
        passed |= streams_lives(all, s) && s->start <= offset && offset < s->next;
    }
    return passed;
}

uint64_t streams_limit(const struct streams *all, const struct stream *s)
{
    uint64_t limit = UINT64_MAX;
    for (unsigned i = 0; i < STREAMS; i++) {
        const struct stream *other = &all->list[i];
        if (other != s && streams_lives(all, other) && other->start >= s->next &&
            other->start < limit)
            limit = other->start;
    }
    return limit;
}
