/* SPDX-License-Identifier: MIT */
#include "unsure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"

struct unsure {
    struct unsure *next;
    uint64_t offset;
    int64_t until;
    size_t n;
    char bytes[];
};

int unsure_note(struct unsure **list, uint64_t offset, struct span data)
{
    struct unsure *u = malloc(sizeof(*u) + data.n);
    if (!u)
        return -ENOMEM;
    u->offset = offset;
    u->until = clock_ms() + UNSURE_MS;
    u->n = data.n;
    memcpy(u->bytes, data.p, data.n);
    LL_PREPEND(*list, u);
    return 0;
}

static bool differs(const struct unsure *u, uint64_t offset, struct span data)
{
    uint64_t from = offset > u->offset ? offset : u->offset;
    uint64_t to = u->offset + u->n;
    if (!data.p)
        return offset < to;
    if (to > offset + data.n)
        to = offset + data.n;
    return from < to &&
           memcmp(u->bytes + (from - u->offset), data.p + (from - offset), to - from) != 0;
}

bool unsure_hinders(struct unsure **list, uint64_t offset, struct span data)
{
    struct unsure *u;
    struct unsure *next;
    bool hinders = false;
    LL_FOREACH_SAFE(*list, u, next)
    {
        if (u->until <= clock_ms()) {
            LL_DELETE(*list, u);
            free(u);
        } else {
            hinders |= differs(u, offset, data);
        }
    }
    return hinders;
}

void unsure_free(struct unsure **list)
{
    struct unsure *u;
    while ((u = *list)) {
        *list = u->next;
        free(u);
    }
}
