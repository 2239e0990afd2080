/* SPDX-License-Identifier: MIT */
#include "key_show.h"

#include <errno.h>

#include "key_state.h"
#include "vfs/node/attr.h"
#include "vfs/recent.h"

int key_attr(struct request *rq, struct node *dir, const struct key_at *at, struct stat *st)
{
    off_t size = -ENOENT;
    lock_take(&rq->vfs->lock);
    struct key_state *ks = key_state(rq->vfs, dir, buf_span(&at->key), false);
    if (ks && ks->draft.state != DRAFT_CLEAN)
        size = (off_t)ks->draft.bytes.len;
    else if (at->extent != SIZE_MAX &&
             !recent_find(rq->vfs, RECENT_HIDDEN, dir, buf_span(&at->key)))
        size = (off_t)vmx_dict_value_size(at->doc->dict, at->extent) + 1;
    lock_drop(&rq->vfs->lock);
    if (size < 0)
        return (int)size;
    attr_file(rq->vfs, st, 0644, size, at->doc->attrs.mtime);
    return owners_show(&rq->vfs->options.owners, &at->doc->attrs, st);
}

int key_current_text(struct request *rq, struct node *dir, const struct key_at *at, struct buf *ret)
{
    int r = -ENOENT;
    lock_take(&rq->vfs->lock);
    struct key_state *ks = key_state(rq->vfs, dir, buf_span(&at->key), false);
    if (ks && ks->draft.state != DRAFT_CLEAN)
        r = buf_add(ret, buf_span(&ks->draft.bytes));
    else if (at->extent != SIZE_MAX &&
             !recent_find(rq->vfs, RECENT_HIDDEN, dir, buf_span(&at->key)))
        r = vmx_dict_value(at->doc->dict, at->extent, ret) ?: buf_add_char(ret, '\n');
    lock_drop(&rq->vfs->lock);
    return r;
}
