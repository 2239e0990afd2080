/* SPDX-License-Identifier: MIT */
/* The directories that are not on the server: .vmxfs and what is in it, by tables. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* RENAME_NOREPLACE */
#include <string.h>

#include "base/cleanup.h"
#include "control.h"
#include "host_views.h"
#include "vmx.h"
#include "whole.h"

static const struct folder plan_folder = {.name = "plan", .each_profile = &plan_control};
static const struct folder profiles_folder = {.name = "profiles",
                                              .each_profile = &profile_text_control};

const struct folder vmx_folder = {
    .name = CONTROL_NAME,
    .controls = (const struct control *const[]){&merge_control, &vmx_check_control, &power_control,
                                                &reload_control, &registered_control, NULL},
    .folders = (const struct folder *const[]){&plan_folder, NULL},
    .has_raw = true,
};

const struct folder root_folder = {
    .name = CONTROL_NAME,
    .controls = (const struct control *const[]){&status_control, &errors_control,
                                                &root_check_control, &root_vms_control, NULL},
    .folders = (const struct folder *const[]){&profiles_folder, &host_folder, NULL},
    .has_plain = true,
};

static int folder_getattr(struct call *c, struct node *n, struct stat *st, int64_t *ret_true_at)
{
    (void)n;
    attr_dir(c->vfs, st, (uint32_t)c->vfs->started.tv_sec);
    *ret_true_at = 0;
    return 0;
}

int folder_lookup(struct call *c, struct node *dir, const struct folder *folder, struct found *ret)
{
    (void)dir;
    ret->ops = &folder_ops;
    ret->detail = folder;
    attr_dir(c->vfs, &ret->st, (uint32_t)c->vfs->started.tv_sec);
    return 0;
}

static bool is_there(struct call *c, const struct folder *folder)
{
    return !folder->of_host || (c->vfs->host && host_exists(c->vfs->host, &c->wait));
}

static int lookup_raw(struct call *c, struct node *dir, struct found *ret)
{
    FREE_AUTO char *path = vmx_path_above(c, dir);
    int r = path ? whole_lookup(c, path, ret) : -ENOMEM;
    whole_raw_mode(c->vfs, &ret->st);
    return r;
}

static int lookup(struct call *c, struct node *dir, const char *name, struct found *ret)
{
    const struct folder *f = dir->detail;
    for (size_t i = 0; f->controls && f->controls[i]; i++) {
        if (strcmp(f->controls[i]->name, name) == 0)
            return control_lookup(c, dir, f->controls[i], ret);
    }
    for (size_t i = 0; f->folders && f->folders[i]; i++) {
        if (strcmp(f->folders[i]->name, name) == 0 && is_there(c, f->folders[i]))
            return folder_lookup(c, dir, f->folders[i], ret);
    }
    if (f->each_profile && vmx_profiles_find(&c->vfs->profiles, span_of(name)))
        return control_lookup(c, dir, f->each_profile, ret);
    if (f->has_raw && strcmp(name, "raw") == 0)
        return lookup_raw(c, dir, ret);
    if (f->has_plain && strcmp(name, "plain") == 0) {
        ret->ops = &plain_dir_ops;
        attr_dir(c->vfs, &ret->st, (uint32_t)c->vfs->started.tv_sec);
        return 0;
    }
    int r = f->find ? f->find(c, dir, name, ret) : -ENOENT;
    return r == -ENOENT ? scratch_lookup(c, dir, name, ret) : r;
}

static int list(struct call *c, struct node *dir, struct dir_names *ret)
{
    const struct folder *f = dir->detail;
    int r = 0;
    for (size_t i = 0; r == 0 && f->controls && f->controls[i]; i++)
        r = dir_names_add(ret, f->controls[i]->name, S_IFREG);
    for (size_t i = 0; r == 0 && f->folders && f->folders[i]; i++) {
        if (is_there(c, f->folders[i]))
            r = dir_names_add(ret, f->folders[i]->name, S_IFDIR);
    }
    for (size_t i = 0; r == 0 && f->each_profile && i < c->vfs->profiles.n; i++)
        r = dir_names_add(ret, vmx_profile_name(c->vfs->profiles.items[i]), S_IFREG);
    if (r == 0 && f->has_raw)
        r = dir_names_add(ret, "raw", S_IFREG);
    if (r == 0 && f->has_plain)
        r = dir_names_add(ret, "plain", S_IFDIR);
    if (r == 0 && f->list)
        r = f->list(c, dir, ret);
    return r == 0 ? scratch_list(c, dir, ret) : r;
}

/* Editors of raw put their helpers here. */
static int create(struct call *c, struct node *dir, const char *name, mode_t mode, int flags,
                  struct handle *h, struct found *ret)
{
    const struct folder *f = dir->detail;
    if (!f->has_raw || !(scratch_is_name(name) || scratch_is_create(mode, flags)))
        return refuse_here(c, dir, name);
    return scratch_create(c, dir, name, mode, h, ret);
}

static int unlink_scratch(struct call *c, struct node *dir, const char *name)
{
    int r = scratch_unlink(c, dir, name);
    return r == -ENOENT ? refuse_here(c, dir, name) : r;
}

static int rename_scratch(struct call *c, struct node *dir, const char *name, struct node *new_dir,
                          const char *new_name, unsigned flags)
{
    const struct folder *f = dir->detail;
    struct node *vmx = vmx_above(c->vfs, dir);
    if (dir != new_dir)
        return -EXDEV;
    if (!f->has_raw || !vmx)
        return refuse_here(c, dir, name);
    if (strcmp(name, "raw") == 0 && scratch_is_name(new_name)) { /* an editor's backup */
        DOCUMENT_AUTO *doc = NULL;
        FREE_AUTO char *path = node_path(c->vfs, vmx);
        int r = path ? remote_document(c->vfs->remote, path, 0, &c->wait, &doc) : -ENOMEM;
        return r == 0 ? scratch_put(c, dir, new_name, vmx_dict_text(doc->dict)) : r;
    }
    if (strcmp(new_name, "raw") != 0)
        return scratch_is_name(new_name) ? scratch_rename(c, dir, name, new_name)
                                         : refuse_here(c, dir, name);
    BUF_AUTO bytes = {0};
    FREE_AUTO char *path = node_path(c->vfs, vmx);
    int r = path ? scratch_content(c, dir, name, &bytes) : -ENOMEM;
    if (r == 0 && flags & RENAME_NOREPLACE)
        r = -EEXIST;
    if (r == 0 && c->vfs->options.read_only)
        r = -EROFS;
    struct node *raw = node_find(c->vfs, dir, "raw");
    struct vmx_diag diag = {0};
    if (r == 0)
        r = whole_install(c, path, raw, buf_span(&bytes), &diag);
    node_unref(c->vfs, raw);
    refuse(c, path, NULL, r, &diag);
    if (r == 0)
        scratch_drop(c, dir, name);
    return r;
}

static void destroy(struct vfs *vfs, struct node *n)
{
    vmx_free(vfs, n->vmx);
}

const struct node_ops folder_ops = {
    .type = S_IFDIR,
    .getattr = folder_getattr,
    .lookup = lookup,
    .list = list,
    .create = create,
    .unlink = unlink_scratch,
    .rename = rename_scratch,
    .destroy = destroy,
};
