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
    char *path;
    struct effect effect;
    char bytes[]; /* of its data */
};

static void drop(struct unsure **list, struct unsure *u)
{
    LL_DELETE(*list, u);
    free(u->path);
    free(u);
}

int unsure_note(struct unsure **list, const char *path, const struct effect *effect)
{
    const size_t known = effect->data.p ? effect->data.n : 0;
    struct unsure *u = calloc(1, sizeof(*u) + known);
    if (!u)
        return -ENOMEM;
    LL_PREPEND(*list, u);
    u->until = clock_ms() + UNSURE_MS;
    u->effect = *effect;
    if (known > 0)
        u->effect.data.p = memcpy(u->bytes, effect->data.p, effect->data.n);
    u->path = path ? strdup(path) : NULL;
    if (!path || u->path)
        return 0;
    drop(list, u);
    return -ENOMEM;
}

static void forget_old(struct unsure **list)
{
    struct unsure *u;
    struct unsure *next;
    const int64_t now = clock_ms();
    LL_FOREACH_SAFE(*list, u, next)
    {
        if (u->until <= now)
            drop(list, u);
    }
}

static uint64_t end_of(const struct effect *written)
{
    return written->offset + written->data.n;
}

static bool other_bytes(const struct effect *a, const struct effect *b)
{
    uint64_t from = a->offset > b->offset ? a->offset : b->offset;
    uint64_t to = end_of(a) < end_of(b) ? end_of(a) : end_of(b);
    if (from >= to)
        return false;
    return !a->data.p || !b->data.p ||
           memcmp(a->data.p + (from - a->offset), b->data.p + (from - b->offset), to - from) != 0;
}

static bool other_attrs(const struct sftp_attrs *a, const struct sftp_attrs *b)
{
    const uint32_t both = a->flags & b->flags;
    return (both & SFTP_ATTR_SIZE && a->size != b->size) ||
           (both & SFTP_ATTR_OWNER && (a->uid != b->uid || a->gid != b->gid)) ||
           (both & SFTP_ATTR_MODE && a->mode != b->mode) ||
           (both & SFTP_ATTR_TIMES && (a->atime != b->atime || a->mtime != b->mtime));
}

static bool sets_size(const struct effect *e)
{
    return e->what == EFFECT_ATTRS && e->attrs.flags & SFTP_ATTR_SIZE;
}

/* old: the name may go. effect: a file is made under the name, or its text replaced. */
static bool may_undo(const struct effect *old, const struct effect *effect)
{
    switch (old->what) {
    case EFFECT_WRITE:
        if (effect->what == EFFECT_WRITE)
            return other_bytes(old, effect);
        return sets_size(effect) && effect->attrs.size < end_of(old);
    case EFFECT_ATTRS:
        if (effect->what == EFFECT_ATTRS)
            return other_attrs(&old->attrs, &effect->attrs);
        return sets_size(old) && (effect->what == EFFECT_NAME ||
                                  (effect->data.n > 0 && end_of(effect) > old->attrs.size));
    case EFFECT_NAME:
        break;
    }
    return effect->what != EFFECT_ATTRS || sets_size(effect);
}

bool unsure_hinders(struct unsure **list, const char *path, const struct effect *effect)
{
    const struct unsure *u;
    bool hinders = false;
    forget_old(list);
    LL_FOREACH (*list, u)
        hinders |= (!path || strcmp(path, u->path) == 0) && may_undo(&u->effect, effect);
    return hinders;
}

bool unsure_any(struct unsure **list)
{
    forget_old(list);
    return *list != NULL;
}

void unsure_forget(struct unsure **list, const char *path)
{
    struct unsure *u;
    struct unsure *next;
    LL_FOREACH_SAFE(*list, u, next)
    {
        if (!path || strcmp(path, u->path) == 0)
            drop(list, u);
    }
}
