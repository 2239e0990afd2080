/* SPDX-License-Identifier: MIT */
#include "key_at.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "parser/document/names.h"
#include "sftp/results.h"
#include "vfs/node/node_path.h"
#include "vfs/refuse.h"

void key_at_done(struct key_at *at)
{
    free(at->path);
    document_unref(&at->doc);
    buf_done(&at->key);
    sftp_call_free(&at->look);
    *at = (struct key_at){0};
}

int key_at(struct request *rq, struct node *dir, const char *name, int64_t max_age_ms,
           struct key_at *ret)
{
    struct key_at at = {.path = node_path(rq->vfs, dir), .asked_at = clock_ms()};
    int r = -ENOMEM;
    if (at.path)
        r = remote_document(rq->vfs->remote, at.path, max_age_ms, &rq->wait, &at.doc);
    r = r ?: vmx_key_from_name(vmx_dict_charset(at.doc->dict), span_of(name), &at.key);
    if (r < 0) {
        if (r == -EBUSY)
            r = refuse_unread(rq, at.path);
        key_at_done(&at);
        return r == -EMEDIUMTYPE ? -ENOENT : r;
    }
    at.extent = vmx_dict_find(at.doc->dict, buf_span(&at.key));
    *ret = at;
    return 0;
}

int refuse_name(struct request *rq, struct node *dir, const char *name, int r)
{
    struct diag diag = {0};
    FREE_AUTO char *path = node_path(rq->vfs, dir);
    if (r == -EINVAL)
        diag_set(&diag,
                 "no key can have this name: white space, # and = end a key, and a percent sign "
                 "begins %%25 or the like");
    else if (r == -ENAMETOOLONG)
        diag_set(&diag, "a name has 255 bytes at most; .vmxfs/raw takes longer keys");
    else if (r == -EILSEQ)
        diag_set(&diag, "the file's .encoding cannot hold this name");
    return refuse(rq, path, name, r, &diag);
}

int key_at_node(struct request *rq, struct node *n, struct key_at *ret)
{
    FREE_AUTO char *name = node_name(rq->vfs, n);
    return name ? key_at(rq, n->parent, name, cache_ms(rq), ret) : -ENOMEM;
}
