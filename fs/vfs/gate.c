/* SPDX-License-Identifier: MIT */
/*
 * Changes pass the gate, and the rename of a directory closes it: a change knows its file by the
 * path, which such a rename takes away. Who closes it lets those out who are inside; new ones wait
 * before it.
 */
#include <errno.h>

#include "internal.h"

int gate_enter(struct vfs *vfs, const struct wait *wait)
{
    int r = 0;
    lock_take(&vfs->lock);
    while (vfs->gate.closed && r == 0)
        r = wait_on(wait, &vfs->gate.moved, &vfs->lock);
    vfs->gate.inside += r == 0;
    lock_drop(&vfs->lock);
    return r == -ETIMEDOUT ? -EIO : r;
}

void gate_leave(struct vfs *vfs)
{
    lock_take(&vfs->lock);
    if (--vfs->gate.inside == 0)
        condition_wake_all(&vfs->gate.moved);
    lock_drop(&vfs->lock);
}

int gate_close(struct vfs *vfs, const struct wait *wait)
{
    int r = 0;
    lock_take(&vfs->lock);
    while (vfs->gate.closed && r == 0)
        r = wait_on(wait, &vfs->gate.moved, &vfs->lock);
    vfs->gate.closed = true;
    bool ours = r == 0;
    while (vfs->gate.inside > 0 && r == 0)
        r = wait_on(wait, &vfs->gate.moved, &vfs->lock);
    if (ours && r < 0) {
        vfs->gate.closed = false;
        condition_wake_all(&vfs->gate.moved);
    }
    lock_drop(&vfs->lock);
    return r == -ETIMEDOUT ? -EIO : r;
}

void gate_open(struct vfs *vfs)
{
    lock_take(&vfs->lock);
    vfs->gate.closed = false;
    condition_wake_all(&vfs->gate.moved);
    lock_drop(&vfs->lock);
}
