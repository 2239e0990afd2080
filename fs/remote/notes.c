/* SPDX-License-Identifier: MIT */
/* What the listener of a remote is told: notes for the user, and changes that others made. */
#include "notes.h"

#include "base/clock.h"
#include "names/paths.h"
#include "remote_private.h"

void remote_listen(struct remote *remote, const struct remote_listener *listener)
{
    lock_take(&remote->lock);
    remote->listener = listener ? *listener : (struct remote_listener){0};
    /* Nobody may be in a callback that was set before. */
    while (remote->telling > 0) {
        const struct wait wait = wait_for_ms(remote->options.timeout_ms);
        wait_on(&wait, &remote->queue_moved, &remote->lock);
    }
    lock_drop(&remote->lock);
}

static struct remote_listener begin_telling(struct remote *remote)
{
    lock_take(&remote->lock);
    remote->telling++;
    struct remote_listener listener = remote->listener;
    lock_drop(&remote->lock);
    return listener;
}

static void end_telling(struct remote *remote)
{
    lock_take(&remote->lock);
    remote->telling--;
    condition_wake_all(&remote->queue_moved);
    lock_drop(&remote->lock);
}

void remote_note(struct remote *remote, const char *path, const char *key, const char *reason)
{
    struct remote_listener listener = begin_telling(remote);
    if (listener.note)
        listener.note(listener.ctx, path, key, reason);
    end_telling(remote);
}

void remote_tell_change(struct remote *remote, const char *path, bool gone)
{
    struct remote_listener listener = begin_telling(remote);
    if (listener.changed)
        listener.changed(listener.ctx, path, gone);
    end_telling(remote);
}

bool remote_is_recorded(struct remote *remote)
{
    lock_take(&remote->lock);
    const bool is = remote->listener.committed != NULL;
    lock_drop(&remote->lock);
    return is;
}

void remote_tell_committed(struct remote *remote, const char *path, bool existed,
                           struct span before, struct span after, const struct remote_by *by)
{
    struct remote_listener listener = begin_telling(remote);
    if (listener.committed && by)
        listener.committed(listener.ctx, path, existed, before, after, by);
    end_telling(remote);
}

void remote_tell_moved(struct remote *remote, const char *path, const char *to,
                       const struct remote_by *by)
{
    const bool stays = to && remote_is_vmx_name(path_name(to));
    if (!by || !remote_is_vmx_name(path_name(path)))
        return;
    struct remote_listener listener = begin_telling(remote);
    if (stays && listener.renamed)
        listener.renamed(listener.ctx, path, to, by);
    else if (!stays && listener.removed)
        listener.removed(listener.ctx, path, by);
    end_telling(remote);
}

/* The time on the wall of a time of clock_ms(). */
static int64_t wall_of(int64_t ms)
{
    return clock_wall_ms() - (clock_ms() - ms);
}

void remote_tell_seen(struct remote *remote, const char *path, struct span text, int64_t began)
{
    struct remote_listener listener = begin_telling(remote);
    if (listener.seen)
        listener.seen(listener.ctx, path, text, wall_of(began));
    end_telling(remote);
}

void remote_tell_gone(struct remote *remote, const char *path, int64_t began)
{
    struct remote_listener listener = begin_telling(remote);
    if (listener.gone)
        listener.gone(listener.ctx, path, wall_of(began));
    end_telling(remote);
}

void remote_tell_waiting(struct remote *remote, const char *path)
{
    struct remote_listener listener = begin_telling(remote);
    if (listener.waits)
        listener.waits(listener.ctx, path);
    end_telling(remote);
}
