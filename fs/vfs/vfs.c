/* SPDX-License-Identifier: MIT */
#include "vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "notify.h"
#include "recent.h"
#include "vfs/control/control.h"
#include "vfs/control/profiles.h"
#include "vfs/history/history_record.h"

/* Its name means something else, perhaps, from now on. */
static void foreign_change(void *ctx, const char *path, bool gone)
{
    notify_document(ctx, path, NULL, NULL);
    if (gone)
        notify_names(ctx);
}

static int make_root(struct vfs *vfs)
{
    vfs->root = calloc(1, sizeof(*vfs->root));
    if (!vfs->root)
        return -ENOMEM;
    vfs->root->ops = &dir_ops;
    vfs->root->detail = &root_folder;
    vfs->root->name = strdup("");
    vfs->root->ino = FUSE_ROOT_ID;
    vfs->root->refs = 1;
    return vfs->root->name ? 0 : -ENOMEM;
}

static void note(void *ctx, const char *path, const char *key, const char *reason)
{
    struct vfs *vfs = ctx;
    journal_add(vfs->journal, 0, path, key, reason);
}

int vfs_new(struct remote *remote, struct host *host, struct history *history,
            struct journal *journal, const struct vfs_options *options, struct vfs **ret,
            struct diag *why)
{
    struct vfs *vfs = calloc(1, sizeof(*vfs));
    if (!vfs)
        return -ENOMEM;
    vfs->remote = remote;
    vfs->host = host;
    vfs->history = history;
    vfs->journal = journal;
    vfs->options = *options;
    vfs->options.profile_dirs = NULL;
    clock_gettime(CLOCK_REALTIME, &vfs->started);
    lock_init(&vfs->lock);
    lock_init(&vfs->opening);
    condition_init(&vfs->changed);
    condition_init(&vfs->rename_lock.moved);
    int r = make_root(vfs)
        ?: notifier_new(&vfs->notifier)
        ?: profiles_load(options->profile_dirs, &vfs->profiles, journal);
    if (r < 0) {
        diag_set(why, "cannot start: %s", strerror(-r));
        vfs_free(vfs);
        return r;
    }
    struct remote_listener listener = history_listener(vfs);
    listener.note = note;
    listener.changed = foreign_change;
    remote_listen(remote, &listener);
    *ret = vfs;
    return 0;
}

void vfs_free(struct vfs *vfs)
{
    if (!vfs)
        return;
    remote_listen(vfs->remote, NULL);
    notifier_free(vfs->notifier);
    handle_free_all(vfs);
    recent_forget_all(vfs);
    node_free_all(vfs);
    vmx_profiles_done(&vfs->profiles);
    condition_done(&vfs->changed);
    condition_done(&vfs->rename_lock.moved);
    lock_done(&vfs->opening);
    lock_done(&vfs->lock);
    free(vfs);
}
