/* SPDX-License-Identifier: MIT */
/*
 * A .vmx as a directory: one file per key, passthrough-profile, the hidden .vmxfs, and the scratch
 * files of editors. A name that is a key of the file is always that key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "parser/document/names.h"
#include "scratch.h"
#include "vfs/control/control.h"
#include "vfs/control/vmx_registered.h"
#include "vfs/key/key.h"
#include "vfs/key/key_change.h"
#include "vfs/key/key_show.h"
#include "vfs/node/dir_names.h"
#include "vfs/node/node_path.h"
#include "vfs/recent.h"
#include "vfs/refuse.h"
#include "vfs/tree/server_attrs.h"

static bool is_fresh(struct request *rq, struct node *dir)
{
    return recent_is(rq->vfs, RECENT_MADE, dir, (struct span){0});
}

static int vmx_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    if (strcmp(name, PROFILE_NAME) == 0)
        return is_fresh(rq, dir) ? -ENOENT : control_found(rq, dir, &profile_control, ret);
    if (strcmp(name, CONTROL_NAME) == 0)
        return folder_found(rq, &vmx_folder, ret);
    int r = scratch_lookup(rq, dir, name, ret);
    return r == -ENOENT ? key_lookup(rq, dir, name, ret) : r;
}

/* Adds the keys that are shown: those of the document that are not hidden. first: those without
 * which it is not a VM, or all others. */
static int list_keys(struct request *rq, struct node *dir, const struct document *doc, bool first,
                     struct dir_names *ret)
{
    const char *charset = vmx_dict_charset(doc->dict);
    int r = 0;
    lock_take(&rq->vfs->lock);
    for (size_t i = 0; i < vmx_dict_keys(doc->dict) && (r == 0 || r == -ENAMETOOLONG); i++) {
        BUF_AUTO name = {0};
        struct span key = vmx_dict_name(doc->dict, vmx_dict_key_extent(doc->dict, i));
        if (setting_makes_vm(key) != first)
            continue;
        const struct key_state *ks = key_state(rq->vfs, dir, key, false);
        bool written = ks && ks->draft.state != DRAFT_CLEAN;
        if (!written && recent_find(rq->vfs, RECENT_HIDDEN, dir, key))
            continue;
        r = vmx_name_from_key(charset, key, &name) ?: dir_names_add(ret, name.data, S_IFREG, NULL);
    }
    lock_drop(&rq->vfs->lock);
    return r == -ENAMETOOLONG ? 0 : r;
}

static int vmx_list(struct request *rq, struct node *dir, struct dir_names *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = node_path(rq->vfs, dir);
    if (!path)
        return -ENOMEM;
    int r = remote_document(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &doc);
    if (r == -EBUSY)
        return refuse_unread(rq, path);
    if (r == 0)
        r = list_keys(rq, dir, doc, true, ret); /* see vmx_registered.c */
    r = r ?: list_keys(rq, dir, doc, false, ret);
    if (r == 0 && !is_fresh(rq, dir))
        r = dir_names_add(ret, PROFILE_NAME, S_IFREG, NULL);
    return r ?: scratch_list(rq, dir, ret);
}

/* Shows what the directory lacks. */
static int create_profile(struct request *rq, struct node *dir, int flags, struct found *ret)
{
    if (!is_fresh(rq, dir) && flags & O_EXCL)
        return -EEXIST;
    lock_take(&rq->vfs->lock);
    recent_forget(rq->vfs, RECENT_MADE, dir, (struct span){0});
    lock_drop(&rq->vfs->lock);
    return control_found(rq, dir, &profile_control, ret);
}

/* A file is created in the directory: a program that copies one is not done yet. */
static void stay_fresh(struct vfs *vfs, struct node *dir)
{
    lock_take(&vfs->lock);
    if (recent_find(vfs, RECENT_MADE, dir, (struct span){0}))
        recent_note(vfs, RECENT_MADE, dir, (struct span){0}, (struct recent_detail){0});
    lock_drop(&vfs->lock);
}

static int vmx_create(struct request *rq, struct node *dir, const char *name, mode_t mode,
                      int flags, struct handle *h, struct found *ret)
{
    if (strcmp(name, PROFILE_NAME) == 0)
        return create_profile(rq, dir, flags, ret);
    stay_fresh(rq->vfs, dir);
    if (strcmp(name, CONTROL_NAME) == 0)
        return -EEXIST;
    if (scratch_is_name(name) || scratch_is_create(mode, flags)) {
        KEY_AT_AUTO at = {0};
        int r = key_at(rq, dir, name, cache_ms(rq), &at);
        if (is_no_key(r) || (r == 0 && at.extent == SIZE_MAX))
            return scratch_create(rq, dir, name, mode, ret);
        if (r < 0)
            return r;
    }
    return key_create(rq, dir, name, flags, h, ret);
}

static int vmx_symlink(struct request *rq, struct node *dir, const char *name, const char *target,
                       struct found *ret)
{
    return scratch_is_name(name) ? scratch_symlink(rq, dir, name, target, ret)
                                 : refuse_here(rq, dir, name);
}

/* The draft of a key when its removal began. */
struct written {
    bool any; /* that was not committed */
    unsigned removals;
    unsigned long version;
};

/* A handle that has the key open writes no more, because that would make it again. But one that has
 * just opened it to set it comes after the removal. */
static struct written end_writers(struct vfs *vfs, struct node *dir, struct span key)
{
    struct written ret = {0};
    lock_take(&vfs->lock);
    struct key_state *ks = key_state(vfs, dir, key, false);
    if (ks)
        ret = (struct written){ks->draft.state != DRAFT_CLEAN, ++ks->removals, ks->draft.version};
    lock_drop(&vfs->lock);
    return ret;
}

/* A text that was written before the removal goes with the key, but none that was written since. */
static void drop_written(struct vfs *vfs, struct node *dir, struct span key,
                         const struct written *written)
{
    lock_take(&vfs->lock);
    struct key_state *ks = written->any ? key_state(vfs, dir, key, false) : NULL;
    if (ks && ks->removals == written->removals && ks->draft.version == written->version) {
        text_draft_clean(&ks->draft);
        key_state_tidy(vfs, dir, ks);
    }
    lock_drop(&vfs->lock);
}

static int vmx_unlink(struct request *rq, struct node *dir, const char *name)
{
    if (strcmp(name, PROFILE_NAME) == 0) {
        /* It stays, and is not seen for a moment: rm -r goes on to the directory, and tar(1) makes
         * it anew. */
        recent_set(rq->vfs, RECENT_MADE, dir, (struct span){0});
        return 0;
    }
    int r = scratch_unlink(rq, dir, name);
    if (r != -ENOENT)
        return r;
    KEY_AT_AUTO at = {0};
    r = key_at(rq, dir, name, cache_ms(rq), &at);
    if (r < 0)
        return is_no_key(r) ? -ENOENT : r;
    if (at.extent != SIZE_MAX)
        r = keep_setting(rq, dir, &at, name);
    if (r != 0)
        return r < 0 ? r : 0;
    const bool hidden = recent_is(rq->vfs, RECENT_HIDDEN, dir, buf_span(&at.key));
    const struct written written = end_writers(rq->vfs, dir, buf_span(&at.key));
    if (at.extent != SIZE_MAX && !hidden)
        r = key_remove(rq, dir, name);
    else if (at.extent == SIZE_MAX && !written.any)
        r = -ENOENT;
    if (r == 0)
        drop_written(rq->vfs, dir, buf_span(&at.key), &written);
    return r;
}

/* A scratch file becomes a key, or the profile: its content is what would have been written. */
static int install_scratch(struct request *rq, struct node *dir, const char *name, const char *key)
{
    BUF_AUTO bytes = {0};
    int r = scratch_content(rq, dir, name, &bytes);
    if (r < 0)
        return r;
    if (strcmp(key, PROFILE_NAME) == 0)
        r = profile_write(rq, dir, text_value(buf_span(&bytes)));
    else
        r = key_set(rq, dir, key, text_value(buf_span(&bytes)), NULL, NULL);
    if (r == 0)
        scratch_drop(rq, dir, name);
    return r;
}

/* An editor's backup: the key is copied, and its line stays, hidden until it is created again. */
static int copy_to_scratch(struct request *rq, struct node *dir, const char *name,
                           const char *scratch)
{
    KEY_AT_AUTO at = {0};
    BUF_AUTO text = {0};
    int r = key_at(rq, dir, name, cache_ms(rq), &at)
        ?: key_current_text(rq, dir, &at, &text)
        ?: scratch_put(rq, dir, scratch, buf_span(&text));
    if (r < 0)
        return r;
    recent_set(rq->vfs, RECENT_HIDDEN, dir, buf_span(&at.key));
    return 0;
}

static bool is_key(struct request *rq, struct node *dir, const char *name)
{
    KEY_AT_AUTO at = {0};
    return key_at(rq, dir, name, cache_ms(rq), &at) == 0 && at.extent != SIZE_MAX;
}

static int vmx_rename(struct request *rq, struct node *dir, const char *name, struct node *new_dir,
                      const char *new_name, unsigned flags)
{
    if (dir != new_dir)
        return -EXDEV; /* mv copies then */
    struct found found = {0};
    bool from_scratch = scratch_lookup(rq, dir, name, &found) == 0;
    bool to_scratch = scratch_lookup(rq, dir, new_name, &found) == 0;
    bool to_key = !to_scratch && (strcmp(new_name, PROFILE_NAME) == 0 || is_key(rq, dir, new_name));
    if (flags & RENAME_NOREPLACE && (to_key || to_scratch))
        return -EEXIST;
    if (strcmp(name, PROFILE_NAME) == 0 || strcmp(name, CONTROL_NAME) == 0 ||
        strcmp(new_name, CONTROL_NAME) == 0)
        return refuse_here(rq, dir, name);
    if (!to_key && !to_scratch)
        to_scratch = scratch_is_name(new_name);
    if (from_scratch)
        return to_scratch ? scratch_rename(rq, dir, name, new_name)
                          : install_scratch(rq, dir, name, new_name);
    if (strcmp(new_name, PROFILE_NAME) == 0)
        return refuse_here(rq, dir, new_name);
    return to_scratch ? copy_to_scratch(rq, dir, name, new_name)
                      : key_rename(rq, dir, name, new_name, flags & RENAME_NOREPLACE);
}

static void vmx_destroy(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    key_states_free(vfs, n);
    scratches_free(vfs, n);
}

/* Modes and times are those of the directory that it is not: what sets them goes on. */
static int vmx_setattr(struct request *rq, struct node *n, struct handle *h, const struct stat *st,
                       int valid)
{
    const int owner = valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID);
    return owner ? server_setattr(rq, n, h, st, owner) : 0;
}

const struct node_ops vmx_dir_ops = {
    .kind = KIND_VMX_DIR,
    .type = S_IFDIR,
    .named = true,
    .getattr = server_getattr,
    .setattr = vmx_setattr,
    .lookup = vmx_lookup,
    .list = vmx_list,
    .create = vmx_create,
    .symlink = vmx_symlink,
    .unlink = vmx_unlink,
    .rename = vmx_rename,
    .destroy = vmx_destroy,
};
