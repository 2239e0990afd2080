/* SPDX-License-Identifier: MIT */
/* What those are told who asked to be: notes for the user, and changes that others made. */
#include "notes.h"

#include "remote_private.h"

/* Until nobody is in a callback that was set before. */
static void await_told(struct remote *remote) REQUIRES(remote->lock)
{
    while (remote->telling > 0) {
        const struct wait wait = wait_for_ms(remote->options.timeout_ms);
        wait_on(&wait, &remote->queue_moved, &remote->lock);
    }
}

static void end_telling(struct remote *remote)
{
    lock_take(&remote->lock);
    remote->telling--;
    condition_wake_all(&remote->queue_moved);
    lock_drop(&remote->lock);
}

void remote_on_note(struct remote *remote,
                    void (*note)(void *ctx, const char *path, const char *key, const char *reason),
                    void *ctx)
{
    lock_take(&remote->lock);
    remote->note = note;
    remote->note_ctx = ctx;
    await_told(remote);
    lock_drop(&remote->lock);
}

void remote_note(struct remote *remote, const char *path, const char *key, const char *reason)
{
    lock_take(&remote->lock);
    void (*note)(void *ctx, const char *path, const char *key, const char *reason) = remote->note;
    void *ctx = remote->note_ctx;
    remote->telling += note != NULL;
    lock_drop(&remote->lock);
    if (!note)
        return;
    note(ctx, path, key, reason);
    end_telling(remote);
}

void remote_on_foreign_change(struct remote *remote, void (*changed)(void *ctx, const char *path),
                              void *ctx)
{
    lock_take(&remote->lock);
    remote->changed = changed;
    remote->changed_ctx = ctx;
    await_told(remote);
    lock_drop(&remote->lock);
}

void remote_tell_change(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    void (*changed)(void *ctx, const char *path) = remote->changed;
    void *ctx = remote->changed_ctx;
    remote->telling += changed != NULL;
    lock_drop(&remote->lock);
    if (!changed)
        return;
    changed(ctx, path);
    end_telling(remote);
}
