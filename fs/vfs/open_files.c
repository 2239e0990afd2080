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
static void lose_name(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    node_lose_name(vfs, n);
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
        lose_name(c->vfs, n);
    return r;
}

bool open_files_have_name(struct vfs *vfs, struct node *n)
{
    bool nameless = false;
    struct handle *h;
    lock_take(&vfs->lock);
    DL_FOREACH2(n->open_files, h, behind)
    {
        nameless |= remote_file_is_nameless(h->file);
    }
    lock_drop(&vfs->lock);
    if (nameless)
        lose_name(vfs, n);
    return !nameless;
}
