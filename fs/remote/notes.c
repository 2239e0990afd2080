/* SPDX-License-Identifier: MIT */
/* What the listener of a remote is told: notes for the user, and changes that others made. */
#include "notes.h"

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

void remote_tell_waiting(struct remote *remote, const char *path)
{
    struct remote_listener listener = begin_telling(remote);
    if (listener.waits)
        listener.waits(listener.ctx, path);
    end_telling(remote);
}
