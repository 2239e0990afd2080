/* SPDX-License-Identifier: MIT */
/*
 * NAME.vmx/.vmxfs: the controls of a VM, its text as one file ("raw"), and the helpers that editors
 * of that put beside it.
 */
#include <errno.h>
#include <stdio.h> /* RENAME_NOREPLACE */
#include <string.h>

#include "base/cleanup.h"
#include "control.h"
#include "remote/cache/document.h"
#include "vfs/file/vmx_file.h"
#include "vfs/history/history_view.h"
#include "vfs/node/dir_names.h"
#include "vfs/node/node_path.h"
#include "vfs/refuse.h"
#include "vfs/vmx/scratch.h"

#define RAW_NAME "raw"

static const struct control controls[] = {
    {.name = "merge", .store = merge_store},
    {.name = "check", .show = vmx_check_show},
    {.name = "errors", .grows = true, .show = vmx_errors_show},
    {.name = "power", .by_line = true, .show = power_show, .store = power_store},
    {.name = "task", .show = task_show},
    {.name = "question", .by_line = true, .show = question_show, .store = question_store},
    {.name = "guest", .show = guest_show},
    {.name = "why", .show = why_show},
    {.name = "reload", .by_line = true, .store = reload_store},
    {.name = "log", .of_history = true, .show = vmx_log_lines_show},
    {.name = "undo", .by_line = true, .of_history = true, .show = undo_show, .store = undo_store},
    {.name = "registered", .by_line = true, .show = registered_show, .store = registered_store},
    {0},
};

static const struct folder plan_folder = {
    .name = "plan", .each_profile = &plan_control, .find = plan_find};

const struct folder vmx_folder = {
    .name = CONTROL_NAME,
    .ops = &vmx_folder_ops,
    .controls = controls,
    .folders = (const struct folder *const[]){&plan_folder, &history_folder, NULL},
};

static int lookup_raw(struct request *rq, struct node *dir, struct found *ret)
{
    FREE_AUTO char *path = vmx_path_above(rq, dir);
    int r = path ? vmx_file_lookup(rq, path, ret) : -ENOMEM;
    vmx_file_raw_mode(rq->vfs, &ret->st);
    return r;
}

static int lookup(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    if (strcmp(name, RAW_NAME) == 0)
        return lookup_raw(rq, dir, ret);
    int r = folder_lookup(rq, dir, name, ret);
    return r == -ENOENT ? scratch_lookup(rq, dir, name, ret) : r;
}

static int list(struct request *rq, struct node *dir, struct dir_names *ret)
{
    return folder_list(rq, dir, ret)
        ?: dir_names_add(ret, RAW_NAME, S_IFREG, NULL)
        ?: scratch_list(rq, dir, ret);
}

/* Editors of raw put their helpers here. */
static int create(struct request *rq, struct node *dir, const char *name, mode_t mode, int flags,
                  struct handle *h, struct found *ret)
{
    (void)h;
    if (!scratch_is_name(name) && !scratch_is_create(mode, flags))
        return refuse_here(rq, dir, name);
    return scratch_create(rq, dir, name, mode, ret);
}

static int unlink_scratch(struct request *rq, struct node *dir, const char *name)
{
    int r = scratch_unlink(rq, dir, name);
    return r == -ENOENT ? refuse_here(rq, dir, name) : r;
}

static int rename_scratch(struct request *rq, struct node *dir, const char *name,
                          struct node *new_dir, const char *new_name, unsigned flags)
{
    FREE_AUTO char *path = vmx_path_above(rq, dir);
    if (dir != new_dir)
        return -EXDEV;
    if (!path)
        return -ENOMEM;
    if (strcmp(name, RAW_NAME) == 0 && scratch_is_name(new_name)) { /* an editor's backup */
        DOCUMENT_AUTO *doc = NULL;
        return remote_document(rq->vfs->remote, path, 0, &rq->wait, &doc)
                   ?: scratch_put(rq, dir, new_name, vmx_dict_text(doc->dict));
    }
    if (strcmp(new_name, RAW_NAME) != 0)
        return scratch_is_name(new_name) ? scratch_rename(rq, dir, name, new_name)
                                         : refuse_here(rq, dir, name);
    BUF_AUTO bytes = {0};
    int r = scratch_content(rq, dir, name, &bytes);
    if (r == 0 && flags & RENAME_NOREPLACE)
        r = -EEXIST;
    if (r == 0 && rq->vfs->options.read_only)
        r = -EROFS;
    struct node *raw = node_find(rq->vfs, dir, RAW_NAME);
    struct diag diag = {0};
    r = r ?: vmx_file_install(rq, path, raw, buf_span(&bytes), &diag);
    node_unref(rq->vfs, raw);
    refuse(rq, path, NULL, r, &diag);
    if (r == 0)
        scratch_drop(rq, dir, name);
    return r;
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
    .destroy = scratches_free,
};
