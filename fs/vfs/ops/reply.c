/* SPDX-License-Identifier: MIT */
/* The replies of libfuse's operations, and the entries that some of them bring. */
#include "reply.h"

#include <errno.h>
#include <string.h>

#include "remote/names/paths.h"
#include "vfs/node/attr.h"
#include "vfs/recent.h"
#include "vfs/refuse.h"
#include "vfs/tree/last_attrs.h"

void reply(fuse_req_t req, int r)
{
    if (req)
        fuse_reply_err(req, r < 0 ? errno_for_kernel(r) : 0);
}

void reply_change(struct request *rq, struct node *n, const char *name, int r)
{
    refuse_rest(rq, n, name, r);
    reply(rq->fuse, r);
}

/* The kernel moves what it knows to the new name in a rename, a directory X.vmx to X.vmx.bak that
 * is a file, say. Where it cannot forget that before the caller's next step (notify_names) it has
 * to look at such names each time. Where it can, it still has to look at those of which it would
 * not be told: what is too large for a .vmx, and may become one with a write; and those of a
 * listing, which the kernel counts as known since the answer, and not since its question. */
static bool may_be_kept(const struct request *rq, const struct node_ops *ops, const char *name)
{
    const bool is_vmx = ops->kind == KIND_VMX_DIR || ops->kind == KIND_VMX_FILE;
    if (!is_vmx && ops->kind != KIND_FILE)
        return true;
    if (!rq->vfs->keeps_names)
        return !is_vmx && !strcasestr(name, ".vmx") && !strcasestr(name, ".vmtx");
    return is_vmx ? !rq->listing : !remote_is_vmx_name(name);
}

void attr_of_node(struct vfs *vfs, struct node *n, struct stat *st)
{
    const unsigned names = n->ops->kind == KIND_FILE ? node_count_names(vfs, n) : 0;
    st->st_ino = n->ino;
    if (names > 1)
        st->st_nlink = names;
}

int make_entry(struct request *rq, struct node *dir, const char *name, const struct found *found,
               struct fuse_entry_param *ret)
{
    struct vfs *vfs = rq->vfs;
    struct node *n = node_take(vfs, dir, found->name[0] ? found->name : name, found, true);
    if (!n)
        return -ENOMEM;
    if (found->fresh)
        recent_set(vfs, RECENT_MADE, n, (struct span){0});
    const bool holds = last_attrs_remember(rq, n, found);
    *ret = (struct fuse_entry_param){.ino = node_id(vfs, n), .attr = found->st};
    attr_of_node(vfs, n, &ret->attr);
    ret->attr_timeout = holds ? attr_timeout(vfs, found->true_at) : 0;
    ret->entry_timeout = may_be_kept(rq, found->ops, name) ? ret->attr_timeout : 0;
    node_unref(vfs, n);
    return holds ? 0 : 1;
}

int look_up(struct request *rq, struct node *dir, const char *name, struct fuse_entry_param *ret)
{
    int r = strlen(name) > NAME_MAX ? -ENAMETOOLONG : 1; /* nothing is asked for behind that */
    refuse_rest(rq, dir, name, r);
    for (int i = 0; r > 0 && i < LOOKS_MAX; i++) {
        struct found found = {0};
        if (i > 0)
            take_back(rq->vfs, ret->ino);
        r = dir->ops->lookup ? dir->ops->lookup(rq, dir, name, &found) : -ENOTDIR;
        if (!rq->listing)
            r = last_attrs_recall_name(rq->vfs, dir, name, r, &found);
        r = r ?: make_entry(rq, dir, name, &found, ret);
    }
    return r < 0 ? r : 0;
}

void take_back(struct vfs *vfs, fuse_ino_t id)
{
    node_forget(vfs, node_of(vfs, id), 1);
}

void forget_entry(struct vfs *vfs, struct node *n, uint64_t lookups)
{
    lock_take(&vfs->lock);
    if (n->lookups == lookups && n->in_table && (n->stray || n->further_names) &&
        vfs->recent_bytes < RECENT_BYTES_MAX / 2)
        recent_note(vfs, RECENT_KNOWN, n, (struct span){0}, (struct recent_detail){0});
    lock_drop(&vfs->lock);
    node_forget(vfs, n, lookups);
}

void reply_entry(struct request *rq, int r, const struct fuse_entry_param *entry)
{
    if (r < 0)
        reply(rq->fuse, r);
    else if (fuse_reply_entry(rq->fuse, entry) == -ENOENT)
        take_back(rq->vfs, entry->ino);
}
