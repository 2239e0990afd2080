/* SPDX-License-Identifier: MIT */
/* From the listener of the remote to the history, which knows files by the paths that people see.
 * What has no path for lack of memory is not recorded. */
#include "history_record.h"

#include "base/cleanup.h"
#include "history/history.h"
#include "remote/names/shown_names.h"
#include "vfs/vfs_private.h"

static bool show(const struct vfs *vfs, const char *path, struct buf *ret)
{
    return vfs->history && remote_add_shown(vfs->remote, path, ret) == 0 && ret->len > 0;
}

static struct history_by by_of(const struct remote_by *by)
{
    struct history_by ret = {
        .uid = by->uid, .undoes = by->undoes, .undoes_since = by->undoes_since};
    memcpy(ret.program, by->program, sizeof(ret.program));
    return ret;
}

static void committed(void *ctx, const char *path, bool existed, struct span before,
                      struct span after, const struct remote_by *by)
{
    const struct vfs *vfs = ctx;
    const struct history_by who = by_of(by);
    BUF_AUTO shown = {0};
    if (show(vfs, path, &shown))
        history_committed(vfs->history, shown.data, existed, before, after, &who);
}

static void renamed(void *ctx, const char *from, const char *to, const struct remote_by *by)
{
    const struct vfs *vfs = ctx;
    const struct history_by who = by_of(by);
    BUF_AUTO old = {0};
    BUF_AUTO new = {0};
    if (show(vfs, from, &old) && show(vfs, to, &new))
        history_renamed(vfs->history, old.data, new.data, &who);
}

static void removed(void *ctx, const char *path, const struct remote_by *by)
{
    const struct vfs *vfs = ctx;
    const struct history_by who = by_of(by);
    BUF_AUTO shown = {0};
    if (show(vfs, path, &shown))
        history_removed(vfs->history, shown.data, &who);
}

static void seen(void *ctx, const char *path, struct span text, int64_t wall_ms)
{
    const struct vfs *vfs = ctx;
    BUF_AUTO shown = {0};
    if (show(vfs, path, &shown))
        history_seen(vfs->history, shown.data, text, wall_ms);
}

static void gone(void *ctx, const char *path, int64_t wall_ms)
{
    const struct vfs *vfs = ctx;
    BUF_AUTO shown = {0};
    if (show(vfs, path, &shown))
        history_gone(vfs->history, shown.data, wall_ms);
}

struct remote_listener history_listener(struct vfs *vfs)
{
    if (!vfs->history)
        return (struct remote_listener){.ctx = vfs};
    return (struct remote_listener){.committed = committed,
                                    .renamed = renamed,
                                    .removed = removed,
                                    .seen = seen,
                                    .gone = gone,
                                    .ctx = vfs};
}
