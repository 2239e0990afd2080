/* SPDX-License-Identifier: MIT */
/*
 * NAME.vmx/.vmxfs: the controls of a VM, its text as one file (RAW_NAME), and the helpers that editors
 * of that put beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* RENAME_NOREPLACE */
#include <string.h>

#include "base/cleanup.h"
#include "control.h"
#include "vmx.h"
#include "whole.h"

#define RAW_NAME "raw"

static const struct folder plan_folder = {.name = "plan", .each_profile = &plan_control};

const struct folder vmx_folder = {
    .name = CONTROL_NAME,
    .ops = &vmx_folder_ops,
    .controls = (const struct control *const[]){&merge_control, &vmx_check_control, &power_control,
                                                &reload_control, &registered_control, NULL},
    .folders = (const struct folder *const[]){&plan_folder, NULL},
};

static int lookup_raw(struct call *c, struct node *dir, struct found *ret)
{
    FREE_AUTO char *path = vmx_path_above(c, dir);
    int r = path ? whole_lookup(c, path, ret) : -ENOMEM;
    whole_raw_mode(c->vfs, &ret->st);
    return r;
}

static int lookup(struct call *c, struct node *dir, const char *name, struct found *ret)
{
    if (strcmp(name, RAW_NAME) == 0)
        return lookup_raw(c, dir, ret);
    int r = folder_lookup(c, dir, name, ret);
    return r == -ENOENT ? scratch_lookup(c, dir, name, ret) : r;
}

static int list(struct call *c, struct node *dir, struct dir_names *ret)
{
    int r = folder_list(c, dir, ret);
    if (r == 0)
        r = dir_names_add(ret, RAW_NAME, S_IFREG);
    return r == 0 ? scratch_list(c, dir, ret) : r;
}

/* Editors of raw put their helpers here. */
static int create(struct call *c, struct node *dir, const char *name, mode_t mode, int flags,
                  struct handle *h, struct found *ret)
{
    if (!scratch_is_name(name) && !scratch_is_create(mode, flags))
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
    struct node *vmx = vmx_above(c->vfs, dir);
    if (dir != new_dir)
        return -EXDEV;
    if (strcmp(name, RAW_NAME) == 0 && scratch_is_name(new_name)) { /* an editor's backup */
        DOCUMENT_AUTO *doc = NULL;
        FREE_AUTO char *path = node_path(c->vfs, vmx);
        int r = path ? remote_document(c->vfs->remote, path, 0, &c->wait, &doc) : -ENOMEM;
        return r == 0 ? scratch_put(c, dir, new_name, vmx_dict_text(doc->dict)) : r;
    }
    if (strcmp(new_name, RAW_NAME) != 0)
        return scratch_is_name(new_name) ? scratch_rename(c, dir, name, new_name)
                                         : refuse_here(c, dir, name);
    BUF_AUTO bytes = {0};
    FREE_AUTO char *path = node_path(c->vfs, vmx);
    int r = path ? scratch_content(c, dir, name, &bytes) : -ENOMEM;
    if (r == 0 && flags & RENAME_NOREPLACE)
        r = -EEXIST;
    if (r == 0 && c->vfs->options.read_only)
        r = -EROFS;
    struct node *raw = node_find(c->vfs, dir, RAW_NAME);
    struct vmx_diag diag = {0};
    if (r == 0)
        r = whole_install(c, path, raw, buf_span(&bytes), &diag);
    node_unref(c->vfs, raw);
    refuse(c, path, NULL, r, &diag);
    if (r == 0)
        scratch_drop(c, dir, name);
    return r;
}

static void destroy(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    scratches_free(vfs, n);
}

const struct node_ops vmx_folder_ops = {
    .kind = KIND_FOLDER,
    .type = S_IFDIR,
    .getattr = folder_getattr,
    .lookup = lookup,
    .list = list,
    .create = create,
    .unlink = unlink_scratch,
    .rename = rename_scratch,
    .destroy = destroy,
};
