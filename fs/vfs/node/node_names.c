/* SPDX-License-Identifier: MIT */
#include "node_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "node_path.h"
#include "remote/cache/listing.h"
#include "remote/file/hard_links.h"
#include "vfs/notify.h"

static char *path_of(struct vfs *vfs, const struct node_name *m) REQUIRES(vfs->lock)
{
    BUF_AUTO path = {0};
    if (node_add_path(vfs, m->parent, &path) < 0 || buf_addf(&path, "%s", m->name) < 0)
        return NULL;
    return strndup(path.data, path.len);
}

void node_free_paths(char **paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
}

int node_further_paths(struct vfs *vfs, struct node *n, char ***ret, size_t *ret_n)
{
    const struct node_name *m;
    size_t names = 0;
    char **paths = NULL;
    bool full = true;
    *ret_n = 0;
    lock_take(&vfs->lock);
    DL_COUNT(n->further_names, m, names);
    if (names > 0)
        paths = calloc(names, sizeof(*paths));
    DL_FOREACH (n->further_names, m) {
        char *path = paths ? path_of(vfs, m) : NULL;
        if (path)
            paths[(*ret_n)++] = path;
        full &= path != NULL;
    }
    lock_drop(&vfs->lock);
    if (!full) {
        node_free_paths(paths, *ret_n);
        return -ENOMEM;
    }
    *ret = paths;
    return 0;
}

void names_step_aside(struct request *rq, struct node *dir, const char *name)
{
    struct vfs *vfs = rq->vfs;
    FREE_AUTO char *from = node_child_path(vfs, dir, name);
    struct node *n = node_find(vfs, dir, name);
    FREE_AUTO char *to = n && from && node_swap_names(vfs, n, dir, name) ? node_path(vfs, n) : NULL;
    if (to) /* what is open goes by the file's path */
        remote_files_follow(vfs->remote, from, to);
    node_unref(vfs, n);
}

/* 1: both names are one file's, as far as can be seen; 0: they are not; -errno. */
static int compare(struct request *rq, const char *first, const char *other)
{
    bool same = false;
    int r = remote_look_same(rq->vfs->remote, first, other, &rq->wait, &same);
    return r < 0 ? r : same;
}

/* Whether what is cached of both names shows one file. */
static bool look_alike(struct request *rq, const char *first, const char *other)
{
    struct sftp_attrs a;
    struct sftp_attrs b;
    int64_t true_at;
    struct remote *remote = rq->vfs->remote;
    return remote_getattr(remote, first, cache_ms(rq), &rq->wait, &a, &true_at) == 0 &&
           remote_getattr(remote, other, cache_ms(rq), &rq->wait, &b, &true_at) == 0 &&
           remote_attrs_same(&a, &b);
}

void names_check_one(struct request *rq, struct node *dir, const char *name)
{
    struct vfs *vfs = rq->vfs;
    struct node *n = node_find(vfs, dir, name);
    if (!n || node_count_names(vfs, n) < 2) {
        node_unref(vfs, n);
        return;
    }
    FREE_AUTO char *first = node_path(vfs, n);
    FREE_AUTO char *other = node_child_path(vfs, dir, name);
    if (first && other && strcmp(first, other) != 0 && !look_alike(rq, first, other) &&
        compare(rq, first, other) == 0)
        node_detach(vfs, dir, name);
    node_unref(vfs, n);
}

/* The further names of a file, as long as there are any that were not compared. */
static int check_further(struct request *rq, struct node *n, const char *first, char **paths,
                         size_t names)
{
    int ret = 0;
    const bool plain = node_is_plain(rq->vfs, n);
    for (size_t i = 0; i < names; i++) {
        int r = compare(rq, first, paths[i]);
        if (r < 0)
            return r;
        if (r > 0)
            continue;
        FREE_AUTO char *above = path_dir(paths[i]);
        struct node *dir = above ? node_at(rq->vfs, above, plain) : NULL;
        if (dir) {
            node_detach(rq->vfs, dir, path_name(paths[i]));
            notify_entry(rq->vfs, dir, path_name(paths[i]));
        }
        node_unref(rq->vfs, dir);
        ret = -ESTALE;
    }
    return ret;
}

int names_check_all(struct request *rq, struct node *n)
{
    size_t names;
    char **paths = NULL;
    int r = node_further_paths(rq->vfs, n, &paths, &names);
    FREE_AUTO char *first = r == 0 && names > 0 ? node_path(rq->vfs, n) : NULL;
    if (r < 0 || names == 0)
        return r;
    r = first ? check_further(rq, n, first, paths, names) : -ENOMEM;
    node_free_paths(paths, names);
    return r;
}
