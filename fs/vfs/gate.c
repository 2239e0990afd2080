/* SPDX-License-Identifier: MIT */
/*
 * A change knows its file by the path, which the rename of a folder above takes away. So such a
 * rename lets those out who are at work in the folder, and those wait who come meanwhile. Changes
 * elsewhere go on.
 *
 * Places are compared, not nodes: a folder has one in the main tree and one below .vmxfs/plain.
 */
#include <errno.h>
#include <string.h>

#include <utlist.h>

#include "internal.h"

/* The node whose name is the last part of the remote path. */
static const struct node *place_of(const struct node *n)
{
    while (n->parent && !n->ops->named)
        n = n->parent;
    return n;
}

static bool is_same_place(const struct node *a, const struct node *b)
{
    a = place_of(a);
    b = place_of(b);
    while (a != b && a->parent && b->parent && strcmp(a->name, b->name) == 0) {
        a = place_of(a->parent);
        b = place_of(b->parent);
    }
    return a == b;
}

static bool is_in(const struct node *n, const struct node *folder)
{
    for (; n; n = n->parent) {
        if (is_same_place(n, folder))
            return true;
    }
    return false;
}

static bool works_in(const struct call *c, const struct node *folder)
{
    return is_in(c->nodes[0], folder) || is_in(c->nodes[1], folder);
}

/* Whether a folder that is being renamed holds what a change works with. */
static bool is_closed(const struct call *c)
{
    const struct call *other;
    DL_FOREACH (c->vfs->gate.inside, other) {
        if (other->folder && works_in(c, other->folder))
            return true;
    }
    return false;
}

/* Whether others are at work in the folder that a change renames. */
static bool is_busy(const struct call *c)
{
    const struct call *other;
    DL_FOREACH (c->folder ? c->vfs->gate.inside : NULL, other) {
        if (other != c && works_in(other, c->folder))
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
