/* SPDX-License-Identifier: MIT */
/* The replies of libfuse's operations, and the entries that some of them bring. */
#include <errno.h>
#include <string.h>

#include "ops.h"
#include "recent.h"
#include "whole.h"

void reply(fuse_req_t request, int r)
{
    if (request)
        fuse_reply_err(request, r < 0 ? errno_for_kernel(r) : 0);
}

void reply_change(struct call *c, struct node *n, const char *name, int r)
{
    refuse_rest(c, n, name, r);
    reply(c->request, r);
}

/* The kernel moves what it knows to the new name in a rename, a directory X.vmx to X.vmx.bak that
 * is a file, say, and a notice of ours may come after the caller's next step. So it has to look at
 * such names each time. */
static bool may_change_kind(const struct node_ops *ops, const char *name)
{
    return ops->kind == KIND_VMX_DIR || ops->kind == KIND_VMX_FILE ||
           (ops->kind == KIND_FILE && (strcasestr(name, ".vmx") || strcasestr(name, ".vmtx")));
}

int make_entry(struct call *c, struct node *dir, const char *name, const struct found *found,
               struct fuse_entry_param *ret)
{
    struct vfs *vfs = c->vfs;
    struct node *n = node_take(vfs, dir, found->name[0] ? found->name : name, found, true);
    if (!n)
        return -ENOMEM;
    if (found->fresh)
        recent_set(vfs, RECENT_MADE, n, (struct span){0});
    const bool holds = told_remember(c, n, &found->st);
    *ret = (struct fuse_entry_param){.ino = node_id(vfs, n), .attr = found->st};
    ret->attr.st_ino = n->ino;
    ret->attr_timeout = holds ? attr_timeout(vfs, found->true_at) : 0;
    ret->entry_timeout = may_change_kind(found->ops, name) ? 0 : ret->attr_timeout;
    node_unref(vfs, n);
    return holds ? 0 : 1;
}

int look_up(struct call *c, struct node *dir, const char *name, struct fuse_entry_param *ret)
{
    int r = 1;
    for (int i = 0; r > 0 && i < LOOKS_MAX; i++) {
        struct found found = {0};
        if (i > 0)
            take_back(c->vfs, ret->ino);
        r = dir->ops->lookup ? dir->ops->lookup(c, dir, name, &found) : -ENOTDIR;
        if (!c->listing)
            r = told_recall_name(c->vfs, dir, name, r, &found);
        if (r == 0)
            r = make_entry(c, dir, name, &found, ret);
    }
    return r < 0 ? r : 0;
}

void take_back(struct vfs *vfs, fuse_ino_t id)
{
    node_forget(vfs, node_of(vfs, id), 1);
}

void reply_entry(struct call *c, int r, const struct fuse_entry_param *entry)
{
    if (r < 0)
        reply(c->request, r);
    else if (fuse_reply_entry(c->request, entry) == -ENOENT)
        take_back(c->vfs, entry->ino);
}
