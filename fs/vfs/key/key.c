/* SPDX-License-Identifier: MIT */
/* A setting as a file: its lookup, its reading, and which functions write it (key_write.h). */
#include "key.h"

#include <errno.h>
#include <fcntl.h>

#include "key_show.h"
#include "key_state.h"
#include "key_write.h"
#include "parser/document/names.h"
#include "vfs/recent.h"
#include "vfs/refuse.h"

int key_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    KEY_AT_AUTO at = {0};
    int r = key_at(rq, dir, name, cache_ms(rq), &at) ?: key_attr(rq, dir, &at, &ret->st);
    if (r < 0)
        return is_no_key(r) ? -ENOENT : r;
    ret->ops = &key_ops;
    /* Another spelling is never kept by the kernel: it would outlive the key's removal. */
    if (at.extent != SIZE_MAX && span_eq(vmx_dict_name(at.doc->dict, at.extent), buf_span(&at.key)))
        ret->true_at = remote_document_true_at(rq->vfs->remote, at.path);
    return 0;
}

static int key_getattr(struct request *rq, struct node *n, struct found *ret)
{
    KEY_AT_AUTO at = {0};
    int r = key_at_node(rq, n, &at) ?: key_attr(rq, n->parent, &at, &ret->st);
    if (r == 0)
        ret->true_at = remote_document_true_at(rq->vfs->remote, at.path);
    return r;
}

static int open_to_read(struct request *rq, struct node *n, int flags, struct handle *h)
{
    KEY_AT_AUTO at = {0};
    int r = key_at_node(rq, n, &at) ?: key_current_text(rq, n->parent, &at, &h->content);
    /* The kernel truncates what it has when it is told to truncated, though nobody can write. */
    if (r == 0)
        r = flags & O_TRUNC ? key_pages_write(rq->vfs, n, h)
                            : key_pages_open(rq->vfs, n, buf_span(&h->content), h);
    if (h->io == IO_PAGED)
        buf_done(&h->content);
    return r;
}

static int key_open(struct request *rq, struct node *n, int flags, struct handle *h)
{
    if (!h->writes)
        return open_to_read(rq, n, flags, h);
    return key_pages_write(rq->vfs, n, h) ?: key_open_to_write(rq, n, flags, h);
}

/* A key that was just removed is not new. */
static int check_new(struct request *rq, struct node *dir, const struct key_at *at,
                     const char *name)
{
    struct diag diag = {0};
    if (recent_is(rq->vfs, RECENT_REMOVED_LINE, dir, buf_span(&at->key)))
        return 0;
    return refuse(rq, at->path, name, vmx_name_check_new(buf_span(&at->key), &diag), &diag);
}

int key_create(struct request *rq, struct node *dir, const char *name, int flags, struct handle *h,
               struct found *ret)
{
    KEY_AT_AUTO at = {0};
    const bool sets = (flags & (O_EXCL | O_TRUNC)) == O_TRUNC;
    int r = key_at_to_write(rq, dir, name, sets ? WRITING_ANEW : WRITING, &at);
    if (r < 0)
        return refuse_name(rq, dir, name, r);
    bool there = key_attr(rq, dir, &at, &ret->st) == 0;
    r = there && flags & O_EXCL ? -EEXIST : key_may_write(rq, &at, name);
    if (r == 0 && !there)
        r = check_new(rq, dir, &at, name);
    r = r
            ?: key_begin_writing(rq, dir, name, &at,
                                 !there || flags & O_TRUNC ? WRITING_ANEW : WRITING, h);
    if (r < 0)
        return r;
    ret->ops = &key_ops;
    ret->written = true;
    r = key_attr(rq, dir, &at, &ret->st);
    if (r < 0)
        key_uncreate(rq, dir, h);
    return r;
}

static int key_read(struct request *rq, struct node *n, struct handle *h, off_t offset, size_t size,
                    struct buf *ret)
{
    BUF_AUTO live = {0};
    struct span text = buf_span(&h->content);
    if (h->writes || h->io == IO_NONE) { /* or opened as a scratch file */
        KEY_AT_AUTO at = {0};
        int r = key_at_node(rq, n, &at) ?: key_current_text(rq, n->parent, &at, &live);
        if (r < 0)
            return r;
        text = buf_span(&live);
    }
    return text_slice(text, offset, size, ret);
}

const struct node_ops key_ops = {
    .kind = KIND_SETTING,
    .type = S_IFREG,
    .getattr = key_getattr,
    .setattr = key_setattr,
    .open = key_open,
    .read = key_read,
    .write = key_write,
    .flush = key_flush,
    .drop = key_drop,
    .fsync = key_fsync,
    .release = key_release,
    .take = key_pages_take,
};
