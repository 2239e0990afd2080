/* SPDX-License-Identifier: MIT */
/* .vmxfs/log, of a VM and of all. */
#include "history_view.h"

int vmx_log_lines_show(struct request *rq, struct node *n, struct buf *ret)
{
    BUF_AUTO path = {0};
    return history_path(rq, n, &path)
        ?: history_await(rq)
        ?: history_log(rq->vfs->history, path.data, &rq->wait, ret);
}

int root_log_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    return history_await(rq) ?: history_log(rq->vfs->history, NULL, &rq->wait, ret);
}
