/* SPDX-License-Identifier: MIT */
#include "inode_number.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

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

void inode_number_keep(struct vfs *vfs, struct node *n)
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

void inode_number_drop(struct vfs *vfs, struct node *n)
{
    struct stray *s = n->stray ? find(vfs, n->ino) : NULL;
    n->stray = false;
    if (!s || --s->nodes > 0)
        return;
    HASH_DEL(vfs->strays, s);
    free(s);
}

uint64_t inode_number_free(struct vfs *vfs, uint64_t ino)
{
    if (ino == FUSE_ROOT_ID) /* what leads to the root is the root */
        return ino;
    while (ino <= FUSE_ROOT_ID || find(vfs, ino))
        ino++;
    return ino;
}

/* ---- from paths */

static const uint64_t hash_start = 14695981039346656037U;

/* FNV-1a, 64 bits, see RFC 9923: inode numbers must be the same after a remount. */
static uint64_t hash_bytes(uint64_t h, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        h = (h ^ (unsigned char)bytes.p[i]) * 1099511628211U;
    return h;
}

uint64_t hash_of(struct span bytes)
{
    return hash_bytes(hash_start, bytes);
}

static uint64_t child_ino(uint64_t parent, struct span name, bool folded)
{
    uint64_t h = hash_bytes(hash_start, (struct span){(const char *)&parent, sizeof(parent)});
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (folded && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        h = hash_bytes(h, (struct span){&c, 1});
    }
    return h > 1 ? h : 2; /* 1 is the root's, and 0 means none */
}

uint64_t node_ino(const struct node *dir, const char *name)
{
    return child_ino(dir->ino, span_of(name), dir->ops->kind == KIND_VMX_DIR);
}

uint64_t node_path_ino(struct vfs *vfs, struct node *dir, const char *path)
{
    lock_take(&vfs->lock);
    while (dir->parent && !dir->ops->plain)
        dir = dir->parent;
    uint64_t ino = dir->ino;
    lock_drop(&vfs->lock);
    while (*path) {
        size_t len = strcspn(path, "/");
        ino = child_ino(ino, (struct span){path, len}, false);
        path += len + (path[len] == '/');
    }
    return ino;
}
