/* SPDX-License-Identifier: MIT */
/* .vmxfs/log, of a VM and of all. */
#include "history_view.h"

#include <errno.h>

#include "base/cleanup.h"
#include "vfs/node/node_path.h"

int vmx_log_lines_show(struct request *rq, struct node *n, struct buf *ret)
{
    FREE_AUTO char *path = vmx_path_above(rq, n);
    if (!path)
        return -ENOMEM;
    return history_await(rq) ?: history_log(rq->vfs->history, path, &rq->wait, ret);
}

int root_log_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    return history_await(rq) ?: history_log(rq->vfs->history, NULL, &rq->wait, ret);
}
