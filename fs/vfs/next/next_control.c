/* SPDX-License-Identifier: MIT */
/* NAME.vmx/.vmxfs/next, and what is told of it elsewhere. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "next.h"
#include "next_file.h"
#include "next_known.h"
#include "remote/cache/document.h"
#include "remote/names/paths.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"

int next_show(struct request *rq, struct node *n, struct buf *ret)
{
    NEXT_AUTO next = {0};
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    const struct next_of of = {rq->vfs, path, &rq->wait};
    int r = path ? next_load(&of, &next) : -ENOMEM;
    if (r == -ENOENT)
        next_known_forget(rq->vfs->next, path);
    if (r == -EBADMSG)
        return buf_add_str(ret, "# what waits here cannot be read; drop it: : > next\n");
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    next_known_seen(rq->vfs->next, path);
    r = remote_document(rq->vfs->remote, path, 0, &rq->wait, &doc);
    if (r == 0 && !next_is_ours(&of, &next, doc->dict))
        return buf_add_str(ret, "# written for another VM, or another place: it is dropped\n");
    return r ?: vmx_next_show(&next, doc->dict, ret);
}

void next_seen(struct vfs *vfs, const char *path)
{
    next_known_seen(vfs->next, path);
}

void next_power_changed(struct vfs *vfs, const char *path)
{
    next_known_hurry(vfs->next, path);
}

static int apply_now(struct request *rq, const char *path, struct diag *diag)
{
    const struct next_of of = {rq->vfs, path, &rq->wait};
    const struct remote_by by = caller_by(rq);
    NEXT_OUTCOME_AUTO outcome = {0};
    if (remote_options(rq->vfs->remote)->ignore_running)
        return diag_set(diag, "a mount with running=allow does not apply what waits"), -EPERM;
    int r = next_apply(&of, &by, &outcome, diag);
    if (r < 0 || outcome.left.len == 0)
        return r;
    diag_set(diag, "%.1500s: changed since it was written to next, where it stays; %s",
             outcome.left.data, outcome.set.len > 0 ? "the rest is set" : "nothing is set");
    return -ECANCELED;
}

int next_store(struct request *rq, struct node *n, struct span text)
{
    struct diag diag = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    const struct next_of of = {rq->vfs, path, &rq->wait};
    if (!path)
        return -ENOMEM;
    int r = span_eq(text, SPAN_LITERAL("apply")) ? apply_now(rq, path, &diag)
                                                 : next_add(&of, text, rq->uid, &diag);
    if (r == 0)
        next_known_seen(rq->vfs->next, path);
    return refuse_change(rq, path, "next", r, &diag);
}

int next_clear(struct request *rq, struct node *n)
{
    struct diag diag = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    const struct next_of of = {rq->vfs, path, &rq->wait};
    int r = path ? next_drop(&of, &diag) : -ENOMEM;
    if (r == 0)
        next_known_forget(rq->vfs->next, path);
    return refuse_change(rq, path, "next", r, &diag);
}

int next_of_vm(struct request *rq, const char *path, const struct vmx_dict *dict, bool known,
               struct vmx_next *ret)
{
    const struct next_of of = {rq->vfs, path, &rq->wait};
    if (known && !next_known_has(rq->vfs->next, path))
        return 0;
    int r = next_load(&of, ret);
    if (r == 0 && !next_is_ours(&of, ret, dict))
        vmx_next_done(ret);
    return r == -EINTR || r == -ENOMEM ? r : 0;
}
