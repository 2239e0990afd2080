/* SPDX-License-Identifier: MIT */
/*
 * The beginning and the end of a request of the kernel.
 *
 * A change may outlive its caller: one that ends is answered at once (interrupt.c), and what has
 * been sent goes on. The kernel then may close the file and forget the nodes. So a change holds
 * references, and the release of an open file waits for the changes that are under way with it.
 */
#include "request.h"

#include "base/clock.h"
#include "interrupt.h"
#include "vfs/node/handle.h"
#include "vfs/node/node.h"

void request_begin(struct request *rq, fuse_req_t req)
{
    struct vfs *vfs = fuse_req_userdata(req);
    const struct fuse_ctx *caller = fuse_req_ctx(req);
    *rq = (struct request){
        .vfs = vfs, .fuse = req, .thread = caller->pid, .uid = caller->uid, .gid = caller->gid};
    rq->wait = (struct wait){.deadline = clock_ms() + remote_options(vfs->remote)->timeout_ms,
                             .interrupted = is_interrupted,
                             .ctx = rq};
}

void change_begin(struct request *rq, fuse_req_t req, struct node *n, struct node *other,
                  struct handle *h)
{
    request_begin(rq, req);
    rq->changes = true;
    rq->wait.committed = &rq->committed;
    rq->nodes[0] = n;
    rq->nodes[1] = other;
    rq->handle = h;
    lock_take(&rq->vfs->lock);
    for (size_t i = 0; i < 2; i++) {
        if (rq->nodes[i])
            rq->nodes[i]->refs++;
    }
    if (h) {
        h->changing++;
        rq->refused_before = h->refused;
    }
    lock_drop(&rq->vfs->lock);
}

void change_end(struct request *rq)
{
    if (rq->handle) {
        lock_take(&rq->vfs->lock);
        if (--rq->handle->changing == 0)
            condition_wake_all(&rq->vfs->changed);
        lock_drop(&rq->vfs->lock);
    }
    node_unref(rq->vfs, rq->nodes[1]);
    node_unref(rq->vfs, rq->nodes[0]);
}

void change_await(struct vfs *vfs, const struct handle *h)
{
    const struct wait for_ever = {.deadline = INT64_MAX / 2}; /* each change has a deadline */
    lock_take(&vfs->lock);
    while (h->changing > 0)
        wait_on(&for_ever, &vfs->changed, &vfs->lock);
    lock_drop(&vfs->lock);
}
