/* SPDX-License-Identifier: MIT */
#include "server_clock.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"

enum { OLD_S = 90 * 60, APART_S = 600 };

void server_clock_init(struct server_clock *clock)
{
    atomic_init(&clock->file_ahead_s, INT64_MIN);
    atomic_init(&clock->host_ahead_s, INT64_MIN);
    atomic_init(&clock->seen_ahead_s, 0);
}

void server_clock_tell(struct server_clock *clock, int64_t server_s)
{
    atomic_store(&clock->file_ahead_s, server_s - clock_wall_s());
}

void server_clock_tell_date(struct server_clock *clock, int64_t host_s)
{
    atomic_store(&clock->host_ahead_s, host_s - clock_wall_s());
}

/* Whoever told it did so a while before we heard of it. The server's clock may be ahead by that
 * more, so that files seem younger than they are. */
static int64_t ahead_s(struct server_clock *clock)
{
    const int64_t file = atomic_load(&clock->file_ahead_s);
    const int64_t host = atomic_load(&clock->host_ahead_s);
    if (file != INT64_MIN)
        return file;
    return host != INT64_MIN ? host : atomic_load(&clock->seen_ahead_s);
}

bool server_clock_is_old(struct server_clock *clock, int64_t mtime)
{
    const int64_t now = clock_wall_s();
    int64_t seen = atomic_load(&clock->seen_ahead_s);
    while (mtime - now > seen &&
           !atomic_compare_exchange_weak(&clock->seen_ahead_s, &seen, mtime - now))
        ;
    const int64_t ahead = ahead_s(clock);
    return llabs(ahead) <= APART_S && mtime + OLD_S <= now + ahead;
}
