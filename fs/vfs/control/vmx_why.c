/* SPDX-License-Identifier: MIT */
/*
 * NAME.vmx/.vmxfs/why: why the VM did not power on, from vmware.log beside it and from what the
 * command said that was given through this mount.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "parser/why/why.h"
#include "remote/cache/document.h"
#include "vfs/control/control.h"
#include "vfs/control/vmx_log.h"
#include "vfs/node/node_path.h"
#include "vfs/vfs_private.h"

int why_show(struct request *rq, struct node *n, struct buf *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    BUF_AUTO dir = {0};
    BUF_AUTO log = {0};
    BUF_AUTO output = {0};
    char at[24] = "";
    int r = path ? remote_document(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &doc) : -ENOMEM;
    r = r ?: path_add_mounted(rq, path, &dir);
    if (r < 0)
        return r;
    /* Another host may hold the log; what the command said is known all the same. */
    const int log_r = vmx_log_read(rq, path, &log);
    if (log_r == -EINTR || log_r == -ENOMEM)
        return log_r;
    r = host_power_failure(rq->vfs->host, path, at, &output);
    if (r < 0 && r != -ENOENT)
        return r;
    bool has_host = host_exists(rq->vfs->host, &rq->wait);
    const struct why_given given = {.dict = doc->dict,
                                    .dir = dir.data,
                                    .mount = has_host ? rq->vfs->options.mountpoint : NULL,
                                    .log = buf_span(&log),
                                    .unread = log_r < 0 ? strerror(-log_r) : NULL,
                                    .output = buf_span(&output),
                                    .output_at = at};
    return vmx_why(&given, ret);
}
