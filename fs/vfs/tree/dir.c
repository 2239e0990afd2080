/* SPDX-License-Identifier: MIT */
#include "dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "remote/cache/document.h"
#include "remote/cache/listing.h"
#include "remote/names/aliases.h"
#include "remote/names/inaccessible.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "server_attrs.h"
#include "vfs/control/control.h"
#include "vfs/file/plain_file.h"
#include "vfs/file/vmx_file.h"
#include "vfs/node/attr.h"
#include "vfs/node/dir_names.h"
#include "vfs/node/node_names.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/first_use.h"

/* A node that stands for something on the server that is not a .vmx. */
static const struct node_ops *ops_for(const struct sftp_attrs *attrs)
{
    if (S_ISDIR(attrs->mode))
        return &dir_ops;
    return S_ISLNK(attrs->mode) ? &link_ops : &file_ops;
}

static bool dir_shows(const struct vfs *vfs, const char *name, const struct sftp_attrs *attrs)
{
    return !vfs->options.vmx_only || S_ISDIR(attrs->mode) || S_ISLNK(attrs->mode) ||
           remote_is_vmx(vfs->remote, name, attrs);
}

/* Whether what a name that may be a .vmx stands for is known by its attributes: nobody is to wait
 * for a text that he may not want. As a file it has the size of that. */
static bool attributes_will_do(struct request *rq, struct node *dir, const char *path)
{
    return rq->listing || (!node_is_plain(rq->vfs, dir) &&
                           remote_document_is_listed(rq->vfs->remote, path, cache_ms(rq)));
}

/* A name that may be a .vmx: its document is loaded with the same flight as its attributes. */
static int lookup_vmx(struct request *rq, struct node *dir, const char *path, struct found *ret)
{
    if (node_is_plain(rq->vfs, dir))
        return vmx_file_lookup(rq, path, ret);
    DOCUMENT_AUTO *doc = NULL;
    int r = remote_document(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &doc);
    if (r < 0)
        return r;
    ret->ops = &vmx_dir_ops;
    ret->true_at = remote_document_true_at(rq->vfs->remote, path);
    return server_show(rq, path, &doc->attrs, true, &ret->st);
}

/* A file that is being created here and not on the server yet. */
static int lookup_staged(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    struct node *n = node_find(rq->vfs, dir, name);
    int r = -ENOENT;
    if (n && n->ops->kind == KIND_VMX_FILE && vmx_file_is_staged(rq, n)) {
        r = n->ops->getattr(rq, n, ret);
        if (r == 0)
            ret->ops = &vmx_file_ops;
    }
    node_unref(rq->vfs, n);
    return r;
}

/* A link is what it leads to, and a file has one path whichever link leads to it. One that leads
 * nowhere stays a link. */
static int follow(struct request *rq, const char *path, struct found *ret, struct sftp_attrs *attrs)
{
    struct remote *remote = rq->vfs->remote;
    FREE_AUTO char *target = NULL;
    int r = remote_follow(remote, path, &rq->wait, &target);
    if (r < 0 || !target)
        return r;
    if (remote_is_hidden_name(path_name(target)))
        return -ENOENT;
    if ((size_t)snprintf(ret->target, sizeof(ret->target), "%s", target) >= sizeof(ret->target))
        return -ENAMETOOLONG;
    ret->followed = true;
    return remote_getattr(remote, target, cache_ms(rq), &rq->wait, attrs, &ret->true_at);
}

/* Before anything of a datastore is asked for that may be inaccessible, because the server could
 * hang in it. 0; -EIO: it is. */
static int check_store(struct request *rq, const char *path)
{
    struct remote *remote = rq->vfs->remote;
    if (aliases_is_nas(path_name(path)) || remote_check_accessible(remote, path) < 0)
        host_expect_store(rq->vfs->host, &rq->wait);
    return remote_check_accessible(remote, path);
}

/* The same error; where nobody answered it may be the datastore that hangs. */
static int doubt(struct request *rq, int r)
{
    if (r == -EIO)
        host_doubt_stores(rq->vfs->host);
    return r;
}

/* What is at a path on the server. A link that stands for a directory beside it is that directory,
 * so that a file has one node whichever name leads to it. */
static int look(struct request *rq, const char *path, struct found *ret, struct sftp_attrs *attrs)
{
    struct remote *remote = rq->vfs->remote;
    int r = check_store(rq, path)
                ?: remote_getattr(remote, path, cache_ms(rq), &rq->wait, attrs, &ret->true_at);
    if (r == 0 && S_ISDIR(attrs->mode)) {
        /* A link may have led above the root, and names back into it. */
        ret->followed = rq->vfs->options.follow_links && remote_is_root(remote, path);
        return remote_learn_shown(remote, path, &rq->wait) == -EINTR ? -EINTR : 0;
    }
    if (r < 0 || !S_ISLNK(attrs->mode))
        return r;
    FREE_AUTO char *directory = NULL;
    r = remote_stands_for(remote, path, cache_ms(rq), &rq->wait, &directory);
    if (r == 0 && !directory && rq->vfs->options.follow_links)
        return follow(rq, path, ret, attrs);
    if (r < 0 || !directory)
        return r;
    snprintf(ret->name, sizeof(ret->name), "%s", path_name(directory));
    r = check_store(rq, directory)
            ?: remote_getattr(remote, directory, cache_ms(rq), &rq->wait, attrs, &ret->true_at);
    return r == 0 && !S_ISDIR(attrs->mode) ? -ENOENT : r; /* it has just been replaced */
}

static int dir_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    if (folder_is_in(dir, name))
        return folder_found(rq, dir->detail, ret);
    FREE_AUTO char *path = node_child_path(rq->vfs, dir, name);
    int r = path ? first_use(rq) : -ENOMEM;
    if (r < 0)
        return r;
    if (remote_is_long_path(rq->vfs->remote, path))
        return -ENAMETOOLONG;
    if (remote_is_hidden_name(name))
        return -ENOENT;
    struct sftp_attrs attrs;
    names_check_one(rq, dir, name);
    r = file_lookup_open(rq, dir, name, ret);
    rq->by_name = r == -ENODATA;
    if (!rq->by_name)
        return r;
    r = -EMEDIUMTYPE;
    if (remote_is_vmx_name(name)) {
        r = lookup_staged(rq, dir, name, ret);
        if (r == 0)
            return 0;
        r = attributes_will_do(rq, dir, path) ? -EMEDIUMTYPE
                                              : doubt(rq, lookup_vmx(rq, dir, path, ret));
    }
    if (r != -EMEDIUMTYPE && !document_is_unread(r))
        return r;
    r = doubt(rq, look(rq, path, ret, &attrs));
    if (r < 0)
        return r;
    rq->by_name &= !ret->followed; /* an open file is not looked at through its links */
    const char *own = ret->followed ? path_name(ret->target) : name;
    if (!dir_shows(rq->vfs, own, &attrs))
        return -ENOENT;
    const bool is_vmx = remote_is_vmx(rq->vfs->remote, own, &attrs);
    if (is_vmx && node_is_plain(rq->vfs, dir))
        return vmx_file_lookup(rq, ret->followed ? ret->target : path, ret);
    ret->ops = is_vmx ? &vmx_dir_ops : ops_for(&attrs);
    return server_show(rq, path, &attrs, is_vmx, &ret->st);
}

static int dir_list(struct request *rq, struct node *dir, struct dir_names *ret)
{
    LISTING_AUTO *l = NULL;
    FREE_AUTO char *path = node_path(rq->vfs, dir);
    bool plain = node_is_plain(rq->vfs, dir);
    int r = path ? first_use(rq) : -ENOMEM;
    if (r < 0)
        return r;
    r = doubt(rq, remote_list(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &l));
    for (size_t i = 0; r == 0 && i < l->n; i++) {
        const struct listing_entry *e = &l->entries[i];
        if (e->shown_as || !dir_shows(rq->vfs, e->name, &e->attrs) || folder_is_in(dir, e->name))
            continue;
        mode_t type = (mode_t)e->attrs.mode & S_IFMT;
        if (e->stands_for || (!plain && remote_is_vmx(rq->vfs->remote, e->name, &e->attrs)))
            type = S_IFDIR;
        else if (S_ISLNK(type) && rq->vfs->options.follow_links)
            type = 0; /* that of what it leads to */
        r = dir_names_add(ret, e->name, type, e->stands_for);
    }
    return r;
}

#define DIR_OPERATIONS                                                                             \
    .kind = KIND_DIR, .type = S_IFDIR, .getattr = server_getattr, .lookup = dir_lookup,            \
    .list = dir_list, .create = dir_create, .mkdir = dir_mkdir, .symlink = dir_symlink,            \
    .link = dir_link, .unlink = dir_unlink, .rmdir = dir_rmdir, .rename = dir_rename

const struct node_ops dir_ops = {.named = true, .setattr = server_setattr, DIR_OPERATIONS};

/* The top of .vmxfs/plain: the root once more; what is below it is known by its ancestor. */
const struct node_ops plain_dir_ops = {.plain = true, DIR_OPERATIONS};
