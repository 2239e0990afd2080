/* SPDX-License-Identifier: MIT */
#include "first_use.h"

#include <errno.h>
#include <string.h>

#include "host/host.h"
#include "remote/root.h"

bool is_used(const struct vfs *vfs)
{
    return remote_is_used(vfs->remote);
}

int first_use(struct request *rq)
{
    struct diag why = {0};
    if (is_used(rq->vfs))
        return 0;
    int r = remote_use(rq->vfs->remote, &rq->wait, &why) ?: host_begin_work(rq->vfs->host);
    if (r == 0 || r == -EINTR)
        return r;
    journal_add(rq->vfs->journal, -EIO, NULL, NULL, why.text[0] ? why.text : strerror(-r));
    rq->told = true;
    return -EIO;
}
