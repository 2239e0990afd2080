/* SPDX-License-Identifier: MIT */
/*
 * A change knows its file by the path, which the rename of a folder above takes away. So such a
 * rename waits for the changes under way in the folder, and those that come meanwhile wait for it.
 * Changes elsewhere go on.
 *
 * Remote paths are compared, not nodes: a folder has a node in the main tree, one below
 * .vmxfs/plain, and others where links to it are followed.
 */
#include "rename_lock.h"

#include <errno.h>

#include <utlist.h>

#include "vfs/node/node_path.h"

/* Without memory to tell, a node counts as in the folder: a wait in vain ends in time. */
static bool is_in(struct vfs *vfs, const struct node *n, struct span folder) REQUIRES(vfs->lock)
{
    BUF_AUTO path = {0};
    return n && (node_add_path(vfs, n, &path) < 0 || span_starts_with(buf_span(&path), folder));
}

static bool works_in(struct vfs *vfs, const struct request *rq, const struct node *folder)
    REQUIRES(vfs->lock)
{
    BUF_AUTO path = {0};
    return node_add_path(vfs, folder, &path) < 0 || is_in(vfs, rq->nodes[0], buf_span(&path)) ||
           is_in(vfs, rq->nodes[1], buf_span(&path));
}

/* Whether a folder that is being renamed holds what a change works with. */
static bool is_closed(const struct request *rq) REQUIRES(rq->vfs->lock)
{
    const struct request *other;
    DL_FOREACH (rq->vfs->rename_lock.inside, other) {
        if (other->folder && works_in(rq->vfs, rq, other->folder))
            return true;
    }
    return false;
}

/* Whether others are at work in the folder that a change renames. */
static bool is_busy(const struct request *rq) REQUIRES(rq->vfs->lock)
{
    const struct request *other;
    DL_FOREACH (rq->folder ? rq->vfs->rename_lock.inside : NULL, other) {
        if (other != rq && works_in(rq->vfs, other, rq->folder))
            return true;
    }
    return false;
}

static int await(struct request *rq, bool (*hindered)(const struct request *rq))
    REQUIRES(rq->vfs->lock)
{
    int r = 0;
    rq->vfs->rename_lock.waiting++;
    while (hindered(rq) && r == 0)
        r = wait_on(&rq->wait, &rq->vfs->rename_lock.moved, &rq->vfs->lock);
    rq->vfs->rename_lock.waiting--;
    return r;
}

static void leave(struct request *rq) REQUIRES(rq->vfs->lock)
{
    DL_DELETE(rq->vfs->rename_lock.inside, rq);
    if (rq->vfs->rename_lock.waiting > 0)
        condition_wake_all(&rq->vfs->rename_lock.moved);
}

int rename_lock_enter(struct request *rq, struct node *folder)
{
    lock_take(&rq->vfs->lock);
    int r = await(rq, is_closed);
    if (r == 0) {
        rq->folder = folder;
        DL_APPEND(rq->vfs->rename_lock.inside, rq);
        r = await(rq, is_busy);
        if (r < 0)
            leave(rq);
    }
    lock_drop(&rq->vfs->lock);
    return r;
}

void rename_lock_leave(struct request *rq)
{
    lock_take(&rq->vfs->lock);
    leave(rq);
    lock_drop(&rq->vfs->lock);
}
