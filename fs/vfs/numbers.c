/* SPDX-License-Identifier: MIT */
#include "numbers.h"

#include <stdlib.h>

struct stray {
    uint64_t ino;
    unsigned nodes; /* that have it */
    UT_hash_handle hh;
};

static struct stray *find(struct vfs *vfs, uint64_t ino) REQUIRES(vfs->lock)
{
    struct stray *s;
    HASH_FIND(hh, vfs->strays, &ino, sizeof(ino), s);
    return s;
}

void number_keep(struct vfs *vfs, struct node *n)
{
    if (n->stray)
        return;
    struct stray *s = find(vfs, n->ino);
    if (!s) {
        s = calloc(1, sizeof(*s));
        if (!s)
            return;
        s->ino = n->ino;
        HASH_ADD(hh, vfs->strays, ino, sizeof(s->ino), s);
        if (!s->hh.tbl) {
            free(s);
            return;
        }
    }
    s->nodes++;
    n->stray = true;
}

void number_drop(struct vfs *vfs, struct node *n)
{
    struct stray *s = n->stray ? find(vfs, n->ino) : NULL;
    n->stray = false;
    if (!s || --s->nodes > 0)
        return;
    HASH_DEL(vfs->strays, s);
    free(s);
}

uint64_t number_free(struct vfs *vfs, uint64_t ino)
{
    if (ino == FUSE_ROOT_ID) /* what leads to the root is the root */
        return ino;
    while (ino <= FUSE_ROOT_ID || find(vfs, ino))
        ino++;
    return ino;
}
