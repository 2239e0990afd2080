/* SPDX-License-Identifier: MIT */
#include "open_files.h"

#include <errno.h>

#include <utlist.h>

void open_files_add(struct vfs *vfs, struct node *n, struct handle *h)
{
    lock_take(&vfs->lock);
    DL_APPEND2(n->open_files, h, before, behind);
    lock_drop(&vfs->lock);
}

void open_files_remove(struct vfs *vfs, struct node *n, struct handle *h)
{
    lock_take(&vfs->lock);
    DL_DELETE2(n->open_files, h, before, behind);
    lock_drop(&vfs->lock);
}

struct remote_file *open_files_any(struct vfs *vfs, struct node *n, const struct handle *except)
{
    struct remote_file *found = NULL;
    struct handle *h;
    lock_take(&vfs->lock);
    DL_FOREACH2(n->open_files, h, behind)
    {
        if (!found && h != except)
            found = remote_file_ref(h->file);
    }
    lock_drop(&vfs->lock);
    return found;
}

struct remote_file *open_files_writer(struct vfs *vfs, struct node *n)
{
    struct remote_file *found = NULL;
    struct handle *h;
    lock_take(&vfs->lock);
    DL_FOREACH2(n->open_files, h, behind)
    {
        if (!found && h->writes)
            found = remote_file_ref(h->file);
    }
    lock_drop(&vfs->lock);
    return found;
}

/* The name belongs to another file. */
static void lose_name(struct vfs *vfs, struct node *n, const struct handle *except)
{
    struct handle *h;
    lock_take(&vfs->lock);
    node_lose_name(vfs, n);
    DL_FOREACH2(n->open_files, h, behind)
    {
        if (h != except)
            remote_file_unname(h->file);
    }
    lock_drop(&vfs->lock);
}

int open_files_look(struct call *c, struct node *n, struct sftp_attrs *ret, bool *ret_named)
{
    struct remote_file *file = open_files_any(c->vfs, n, NULL);
    if (!file)
        return -ENODATA;
    int r = remote_file_look(file, &c->wait, ret, ret_named);
    remote_file_free(file);
    if (r == 0 && !*ret_named)
        lose_name(c->vfs, n, NULL);
    return r;
}

int open_files_compare(struct call *c, struct node *n, struct remote_file *file,
                       const struct handle *except)
{
    struct remote_file *other = open_files_any(c->vfs, n, except);
    if (!other)
        return 0;
    bool same = true;
    int r = remote_file_compare(file, other, &c->wait, &same);
    remote_file_free(other);
    if (r < 0 || same)
        return r;
    lose_name(c->vfs, n, except);
    return -ESTALE;
}
