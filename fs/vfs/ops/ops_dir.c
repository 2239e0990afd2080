/* SPDX-License-Identifier: MIT */
/* The operations on open directories. */
#include "ops_dir.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "first_use.h"
#include "reply.h"
#include "vfs/node/dir_names.h"
#include "vfs/node/inode_number.h"

/* Takes the names that an open directory has from now on. */
static int take_names(struct request *rq, struct node *n, struct handle *h)
{
    struct dir_names *names = calloc(1, sizeof(*names));
    int r = !names ? -ENOMEM : n->ops->list ? n->ops->list(rq, n, names) : -ENOTDIR;
    lock_take(&rq->vfs->lock);
    if (r == 0 && !h->names)
        h->names = steal(names);
    lock_drop(&rq->vfs->lock);
    dir_names_free(names);
    return r;
}

/* Some open a directory to see that it is there (df): that is no use of it. */
void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *n = node_of(rq.vfs, id);
    struct handle *h = handle_new(rq.vfs, n, fi->flags);
    int r = !h ? -ENOMEM : is_used(rq.vfs) ? take_names(&rq, n, h) : 0;
    if (r < 0) {
        handle_free(rq.vfs, h);
        reply(req, r);
        return;
    }
    fi->fh = (uint64_t)(uintptr_t)h;
    if (fuse_reply_open(req, fi) == -ENOENT)
        handle_free(rq.vfs, h);
}

/* Adds entry i ("." and ".." are 0 and 1) to a readdir reply. Bytes it takes; 0: it is gone. */
static size_t add_name(struct request *rq, struct node *dir, const struct dir_names *names,
                       size_t i, bool plus, char *at, size_t room)
{
    const bool dots = i < 2;
    const char *name = i == 0 ? "." : i == 1 ? ".." : names->items[i - 2].name;
    struct fuse_entry_param entry = {0};
    const char *own = !dots && names->items[i - 2].own ? names->items[i - 2].own : name;
    entry.attr.st_ino = dots ? dir->ino : node_ino(dir, own);
    entry.attr.st_mode = dots ? S_IFDIR : names->items[i - 2].type;
    if (!plus)
        return fuse_add_direntry(rq->fuse, at, room, name, &entry.attr, (off_t)i + 1);
    if (!dots) {
        struct fuse_entry_param looked = {0};
        int r = look_up(rq, dir, name, &looked);
        if (r == -ENOENT)
            return 0;
        /* Without an inode it is a mere name: a caller that wants more gets the error. */
        if (r == 0)
            entry = looked;
    }
    size_t taken = fuse_add_direntry_plus(rq->fuse, at, room, name, &entry, (off_t)i + 1);
    if (taken > room && entry.ino != 0)
        take_back(rq->vfs, entry.ino); /* what did not fit is not counted */
    return taken;
}

static void read_dir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset,
                     struct fuse_file_info *fi, bool plus)
{
    struct request rq;
    request_begin(&rq, req);
    struct node *dir = node_of(rq.vfs, id);
    struct handle *h = handle_of(fi);
    rq.listing = true;
    FREE_AUTO char *bytes = malloc(size);
    int r = !bytes ? -ENOMEM : h->names ? 0 : take_names(&rq, dir, h);
    if (r < 0) {
        reply(req, r);
        return;
    }
    size_t used = 0;
    for (size_t i = (size_t)offset; i < h->names->n + 2; i++) {
        size_t taken = add_name(&rq, dir, h->names, i, plus, bytes + used, size - used);
        if (taken > size - used)
            break;
        used += taken;
    }
    fuse_reply_buf(req, bytes, used);
}

void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
    read_dir(req, id, size, offset, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    read_dir(req, id, size, offset, fi, true);
}

void op_releasedir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    (void)id;
    handle_free(fuse_req_userdata(req), handle_of(fi));
    reply(req, 0);
}
