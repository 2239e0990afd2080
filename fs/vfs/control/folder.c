/* SPDX-License-Identifier: MIT */
/* The directories that are not on the server: .vmxfs and what is in it, by tables. */
#include <errno.h>
#include <string.h>

#include "control.h"
#include "vfs/node/attr.h"
#include "vfs/node/dir_names.h"
#include "vfs/ops/first_use.h"

int folder_getattr(struct request *rq, struct node *n, struct found *ret)
{
    return folder_found(rq, n->detail, ret);
}

int folder_found(struct request *rq, const struct folder *folder, struct found *ret)
{
    ret->ops = folder->ops ? folder->ops : &folder_ops;
    ret->detail = folder;
    attr_dir(rq->vfs, &ret->st, (uint32_t)rq->vfs->started.tv_sec);
    return 0;
}

/* To list what vmxfs says of itself is no use of the server. */
static bool is_there(struct request *rq, bool of_host, bool of_history)
{
    if (of_history && !rq->vfs->history)
        return false;
    return !of_host || (is_used(rq->vfs) && host_exists(rq->vfs->host, &rq->wait));
}

/* To ask for what a host has is one. */
static int expect(struct request *rq, bool of_host)
{
    return of_host ? first_use(rq) : 0;
}

bool folder_is_in(const struct node *dir, const char *name)
{
    return !dir->parent && strcmp(name, CONTROL_NAME) == 0;
}

int folder_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    const struct folder *f = dir->detail;
    int r;
    for (const struct control *c = f->controls; c && c->name; c++) {
        if (strcmp(c->name, name) == 0) {
            r = expect(rq, c->of_host);
            if (r < 0 || is_there(rq, c->of_host, c->of_history))
                return r ?: control_found(rq, dir, c, ret);
        }
    }
    for (size_t i = 0; f->folders && f->folders[i]; i++) {
        if (strcmp(f->folders[i]->name, name) == 0) {
            r = expect(rq, f->folders[i]->of_host);
            if (r < 0 || is_there(rq, f->folders[i]->of_host, f->folders[i]->of_history))
                return r ?: folder_found(rq, f->folders[i], ret);
        }
    }
    if (f->each_profile && vmx_profiles_find(&rq->vfs->profiles, span_of(name)))
        return control_found(rq, dir, f->each_profile, ret);
    return f->find ? f->find(rq, dir, name, ret) : -ENOENT;
}

int folder_list(struct request *rq, struct node *dir, struct dir_names *ret)
{
    const struct folder *f = dir->detail;
    int r = 0;
    for (const struct control *c = f->controls; r == 0 && c && c->name; c++) {
        if (is_there(rq, c->of_host, c->of_history))
            r = dir_names_add(ret, c->name, S_IFREG, NULL);
    }
    for (size_t i = 0; r == 0 && f->folders && f->folders[i]; i++) {
        if (is_there(rq, f->folders[i]->of_host, f->folders[i]->of_history))
            r = dir_names_add(ret, f->folders[i]->name, S_IFDIR, NULL);
    }
    for (size_t i = 0; r == 0 && f->each_profile && i < rq->vfs->profiles.n; i++)
        r = dir_names_add(ret, vmx_profile_name(rq->vfs->profiles.items[i]), S_IFREG, NULL);
    return r == 0 && f->list ? f->list(rq, dir, ret) : r;
}

const struct node_ops folder_ops = {
    .kind = KIND_FOLDER,
    .type = S_IFDIR,
    .getattr = folder_getattr,
    .lookup = folder_lookup,
    .list = folder_list,
};
