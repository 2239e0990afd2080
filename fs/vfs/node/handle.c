/* SPDX-License-Identifier: MIT */
#include "handle.h"

#include <fcntl.h>
#include <stdlib.h>

#include <utlist.h>

#include "dir_names.h"
#include "remote/file/files.h"
#include "vfs/file/unsaved_text.h"

struct handle *handle_new(struct vfs *vfs, struct node *n, int flags)
{
    struct handle *h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    h->node = n;
    h->reads = (flags & O_ACCMODE) != O_WRONLY;
    h->writes = (flags & O_ACCMODE) != O_RDONLY;
    h->append = flags & O_APPEND;
    lock_take(&vfs->lock);
    DL_APPEND(vfs->handles, h);
    lock_drop(&vfs->lock);
    return h;
}

static void free_unlisted(struct handle *h)
{
    dir_names_free(h->names);
    remote_file_free(h->file);
    buf_done(&h->content);
    unsaved_text_free(h->unsaved);
    free(h);
}

void handle_free(struct vfs *vfs, struct handle *h)
{
    if (!h)
        return;
    lock_take(&vfs->lock);
    key_pages_close(vfs, h);
    DL_DELETE(vfs->handles, h);
    lock_drop(&vfs->lock);
    free_unlisted(h);
}

int handle_refused(struct vfs *vfs, const struct handle *h)
{
    lock_take(&vfs->lock);
    const int refused = h->refused;
    lock_drop(&vfs->lock);
    return refused;
}

void handle_free_all(struct vfs *vfs)
{
    struct handle *h;
    struct handle *next;
    lock_take(&vfs->lock);
    struct handle *handles = vfs->handles;
    vfs->handles = NULL;
    lock_drop(&vfs->lock);
    DL_FOREACH_SAFE(handles, h, next)
    {
        free_unlisted(h);
    }
}
