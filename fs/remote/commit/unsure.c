/* SPDX-License-Identifier: MIT */
#include "unsure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"

struct unsure {
    struct unsure *next;
    int64_t until;
    enum { MAY_BE_WRITTEN, MAY_BE_SET, MAY_GO } what;
    struct sftp_attrs attrs; /* that may be set */
    uint64_t offset;         /* of the bytes that may be written */
    size_t n;
    char bytes[];
};

static struct unsure *note(struct unsure **list, struct span data)
{
    struct unsure *u = calloc(1, sizeof(*u) + data.n);
    if (!u)
        return NULL;
    u->until = clock_ms() + UNSURE_MS;
    u->n = data.n;
    if (data.n > 0)
        memcpy(u->bytes, data.p, data.n);
    LL_PREPEND(*list, u);
    return u;
}

int unsure_note_write(struct unsure **list, uint64_t offset, struct span data)
{
    struct unsure *u = note(list, data);
    if (!u)
        return -ENOMEM;
    u->what = MAY_BE_WRITTEN;
    u->offset = offset;
    return 0;
}

int unsure_note_attrs(struct unsure **list, const struct sftp_attrs *attrs)
{
    struct unsure *u = note(list, (struct span){0});
    if (!u)
        return -ENOMEM;
    u->what = MAY_BE_SET;
    u->attrs = *attrs;
    return 0;
}

int unsure_note_going(struct unsure **list)
{
    struct unsure *u = note(list, (struct span){0});
    if (!u)
        return -ENOMEM;
    u->what = MAY_GO;
    return 0;
}

static void forget_old(struct unsure **list)
{
    struct unsure *u;
    struct unsure *next;
    const int64_t now = clock_ms();
    LL_FOREACH_SAFE(*list, u, next)
    {
        if (u->until <= now) {
            LL_DELETE(*list, u);
            free(u);
        }
    }
}

static bool other_bytes(const struct unsure *u, uint64_t offset, struct span data)
{
    uint64_t from = offset > u->offset ? offset : u->offset;
    uint64_t to = u->offset + u->n;
    if (to > offset + data.n)
        to = offset + data.n;
    return from < to &&
           memcmp(u->bytes + (from - u->offset), data.p + (from - offset), to - from) != 0;
}

static bool sets_size(const struct unsure *u)
{
    return u->what == MAY_BE_SET && u->attrs.flags & SFTP_ATTR_SIZE;
}

bool unsure_hinders_write(struct unsure **list, uint64_t offset, struct span data)
{
    const struct unsure *u;
    bool hinders = false;
    forget_old(list);
    LL_FOREACH (*list, u) {
        hinders |= u->what == MAY_GO ||
                   (u->what == MAY_BE_WRITTEN && other_bytes(u, offset, data)) ||
                   (sets_size(u) && data.n > 0 && offset + data.n > u->attrs.size);
    }
    return hinders;
}

static bool other_attrs(const struct sftp_attrs *a, const struct sftp_attrs *b)
{
    const uint32_t both = a->flags & b->flags;
    return (both & SFTP_ATTR_SIZE && a->size != b->size) ||
           (both & SFTP_ATTR_OWNER && (a->uid != b->uid || a->gid != b->gid)) ||
           (both & SFTP_ATTR_MODE && a->mode != b->mode) ||
           (both & SFTP_ATTR_TIMES && (a->atime != b->atime || a->mtime != b->mtime));
}

bool unsure_hinders_attrs(struct unsure **list, const struct sftp_attrs *attrs)
{
    const struct unsure *u;
    const bool cuts = attrs->flags & SFTP_ATTR_SIZE;
    bool hinders = false;
    forget_old(list);
    LL_FOREACH (*list, u) {
        hinders |= (cuts && u->what == MAY_GO) ||
                   (cuts && u->what == MAY_BE_WRITTEN && attrs->size < u->offset + u->n) ||
                   (u->what == MAY_BE_SET && other_attrs(&u->attrs, attrs));
    }
    return hinders;
}

bool unsure_hinders_new(struct unsure **list)
{
    const struct unsure *u;
    bool hinders = false;
    forget_old(list);
    LL_FOREACH (*list, u) {
        hinders |= u->what == MAY_GO || sets_size(u);
    }
    return hinders;
}

bool unsure_any(struct unsure **list)
{
    forget_old(list);
    return *list != NULL;
}

void unsure_free(struct unsure **list)
{
    struct unsure *u;
    while ((u = *list)) {
        *list = u->next;
        free(u);
    }
}
