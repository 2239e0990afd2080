/* SPDX-License-Identifier: MIT */
/*
 * The beginning and the end of a request of the kernel.
 *
 * A change may outlive its caller: one that ends is answered at once (interrupt.c), and what has
 * been sent goes on. The kernel then may close the file and forget the nodes. So a change holds
 * references, and the release of an open file waits for the changes that are under way with it.
 */
#include "base/clock.h"
#include "internal.h"

void call_begin(struct call *c, fuse_req_t request)
{
    struct vfs *vfs = fuse_req_userdata(request);
    const struct fuse_ctx *caller = fuse_req_ctx(request);
    *c = (struct call){.vfs = vfs, .request = request, .thread = caller->pid, .uid = caller->uid};
    c->wait = (struct wait){.deadline = clock_ms() + remote_options(vfs->remote)->timeout_ms,
                            .interrupted = is_interrupted,
                            .ctx = c};
}

void change_begin(struct call *c, fuse_req_t request, struct node *n, struct node *other,
                  struct handle *h)
{
    call_begin(c, request);
    c->changes = true;
    c->wait.committed = &c->committed;
    c->nodes[0] = n;
    c->nodes[1] = other;
    c->handle = h;
    lock_take(&c->vfs->lock);
    for (size_t i = 0; i < 2; i++) {
        if (c->nodes[i])
            c->nodes[i]->refs++;
    }
    if (h) {
        h->changing++;
        c->refused_before = h->refused;
    }
    lock_drop(&c->vfs->lock);
}

void change_end(struct call *c)
{
    if (c->handle) {
        lock_take(&c->vfs->lock);
        if (--c->handle->changing == 0)
            condition_wake_all(&c->vfs->changed);
        lock_drop(&c->vfs->lock);
    }
    node_unref(c->vfs, c->nodes[1]);
    node_unref(c->vfs, c->nodes[0]);
}

void change_await(struct vfs *vfs, const struct handle *h)
{
    const struct wait for_ever = {.deadline = INT64_MAX / 2}; /* each change has a deadline */
    lock_take(&vfs->lock);
    while (h->changing > 0)
        wait_on(&for_ever, &vfs->changed, &vfs->lock);
    lock_drop(&vfs->lock);
}
