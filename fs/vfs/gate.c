/* SPDX-License-Identifier: MIT */
/*
 * A change knows its file by the path, which the rename of a folder above takes away. So such a
 * rename lets those out who are at work in the folder, and those wait who come meanwhile. Changes
 * elsewhere go on.
 *
 * Remote paths are compared, not nodes: a folder has a node in the main tree, one below
 * .vmxfs/plain, and others where links to it are followed.
 */
#include <errno.h>
#include <string.h>

#include <utlist.h>

#include "internal.h"

/* Without memory to tell, a node counts as in the folder: a wait in vain ends in time. */
static bool is_in(struct vfs *vfs, const struct node *n, struct span folder) REQUIRES(vfs->lock)
{
    BUF_AUTO path = {0};
    return n && (node_add_path(vfs, n, &path) < 0 || span_starts_with(buf_span(&path), folder));
}

static bool works_in(struct vfs *vfs, const struct call *c, const struct node *folder)
    REQUIRES(vfs->lock)
{
    BUF_AUTO path = {0};
    return node_add_path(vfs, folder, &path) < 0 || is_in(vfs, c->nodes[0], buf_span(&path)) ||
           is_in(vfs, c->nodes[1], buf_span(&path));
}

/* Whether a folder that is being renamed holds what a change works with. */
static bool is_closed(const struct call *c) REQUIRES(c->vfs->lock)
{
    const struct call *other;
    DL_FOREACH (c->vfs->gate.inside, other) {
        if (other->folder && works_in(c->vfs, c, other->folder))
            return true;
    }
    return false;
}

/* Whether others are at work in the folder that a change renames. */
static bool is_busy(const struct call *c) REQUIRES(c->vfs->lock)
{
    const struct call *other;
    DL_FOREACH (c->folder ? c->vfs->gate.inside : NULL, other) {
        if (other != c && works_in(c->vfs, other, c->folder))
            return true;
    }
    return false;
}

static int await(struct call *c, bool (*hindered)(const struct call *c)) REQUIRES(c->vfs->lock)
{
    int r = 0;
    c->vfs->gate.waiting++;
    while (hindered(c) && r == 0)
        r = wait_on(&c->wait, &c->vfs->gate.moved, &c->vfs->lock);
    c->vfs->gate.waiting--;
    return r;
}

static void leave(struct call *c) REQUIRES(c->vfs->lock)
{
    DL_DELETE(c->vfs->gate.inside, c);
    if (c->vfs->gate.waiting > 0)
        condition_wake_all(&c->vfs->gate.moved);
}

int gate_enter(struct call *c, struct node *folder)
{
    lock_take(&c->vfs->lock);
    int r = await(c, is_closed);
    if (r == 0) {
        c->folder = folder;
        DL_APPEND(c->vfs->gate.inside, c);
        r = await(c, is_busy);
        if (r < 0)
            leave(c);
    }
    lock_drop(&c->vfs->lock);
    return r == -ETIMEDOUT ? -EIO : r;
}

void gate_leave(struct call *c)
{
    lock_take(&c->vfs->lock);
    leave(c);
    lock_drop(&c->vfs->lock);
}
