/* SPDX-License-Identifier: MIT */
/* From the listener of the remote to the history. */
#include "history_record.h"

#include "history/history.h"
#include "vfs/vfs_private.h"

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
    history_committed(vfs->history, path, existed, before, after, &who);
}

static void renamed(void *ctx, const char *from, const char *to, const struct remote_by *by)
{
    const struct vfs *vfs = ctx;
    const struct history_by who = by_of(by);
    history_renamed(vfs->history, from, to, &who);
}

static void removed(void *ctx, const char *path, const struct remote_by *by)
{
    const struct vfs *vfs = ctx;
    const struct history_by who = by_of(by);
    history_removed(vfs->history, path, &who);
}

static void seen(void *ctx, const char *path, struct span text, int64_t wall_ms)
{
    const struct vfs *vfs = ctx;
    history_seen(vfs->history, path, text, wall_ms);
}

static void gone(void *ctx, const char *path, int64_t wall_ms)
{
    const struct vfs *vfs = ctx;
    history_gone(vfs->history, path, wall_ms);
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
