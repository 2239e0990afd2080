/* SPDX-License-Identifier: MIT */
/*
 * What holds for a file, however often it is open: what an old connection's server process may
 * still do to it (unsure.h), through a handle that it had or by the name; and how often it was
 * changed, so that no handle gives what it has read ahead before.
 */
#include "shared_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

static struct shared_file *shared_at(struct remote *remote, const char *path) REQUIRES(remote->lock)
{
    const struct remote_file *file;
    DL_FOREACH (remote->open_files, file) {
        if (!file->shared->nameless && strcmp(file->path, path) == 0)
            return file->shared;
    }
    return NULL;
}

bool name_is_open(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    bool open = shared_at(remote, path);
    lock_drop(&remote->lock);
    return open;
}

struct shared_file file_shared_now(const struct remote_file *file)
{
    lock_take(&file->remote->lock);
    struct shared_file now = *file->shared;
    lock_drop(&file->remote->lock);
    return now;
}

void file_unshare_locked(struct remote_file *file)
{
    struct shared_file *shared = file->shared;
    file->shared = NULL;
    if (--shared->files > 0)
        return;
    unsure_forget(&shared->unsure, NULL);
    free(shared);
}

void file_share(struct remote_file *file, struct remote_file *other)
{
    lock_take(&file->remote->lock);
    struct shared_file *shared = other->shared;
    shared->files++;
    file_unshare_locked(file);
    file->shared = shared;
    lock_drop(&file->remote->lock);
}

bool remote_file_is(const struct remote_file *file, const struct remote_file *other)
{
    lock_take(&file->remote->lock);
    bool is = file->shared == other->shared;
    lock_drop(&file->remote->lock);
    return is;
}

int file_note_unanswered(struct remote_file *file, const struct effect *effect)
{
    lock_take(&file->remote->lock);
    int r = unsure_note(&file->shared->unsure, NULL, effect);
    lock_drop(&file->remote->lock);
    return r;
}

void file_count_change(struct remote_file *file)
{
    lock_take(&file->remote->lock);
    file->shared->changes++;
    lock_drop(&file->remote->lock);
}

void name_count_change(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    struct shared_file *shared = shared_at(remote, path);
    if (shared)
        shared->changes++;
    lock_drop(&remote->lock);
}

void file_note_sight_locked(struct remote_file *file, const struct sftp_attrs *attrs)
{
    struct shared_file *shared = file->shared;
    if (shared->seen.flags &&
        (shared->seen.size != attrs->size || shared->seen.mtime != attrs->mtime))
        shared->changes++;
    shared->seen = *attrs;
}

unsigned long name_changes(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    const struct shared_file *shared = shared_at(remote, path);
    unsigned long changes = shared ? shared->changes : 0;
    lock_drop(&remote->lock);
    return changes;
}

bool remote_file_is_as_opened(const struct remote_file *file)
{
    return file_shared_now(file).changes == file->opened_after;
}

/* Whether an old server process may undo what a request does to a file that is open, or to the file
 * that has the name: either may be NULL. 0, -EUCLEAN. */
static int check(struct remote *remote, struct shared_file *shared, const char *path,
                 const struct effect *effect) REQUIRES(remote->lock)
{
    bool hindered = (shared && unsure_hinders(&shared->unsure, NULL, effect)) ||
                    (path && unsure_hinders(&remote->unsure_names, path, effect));
    return hindered ? -EUCLEAN : 0;
}

int file_check(struct remote_file *file, const struct effect *effect)
{
    lock_take(&file->remote->lock);
    struct shared_file *shared = file->shared;
    int r = check(file->remote, shared, shared->nameless ? NULL : file->path, effect);
    lock_drop(&file->remote->lock);
    return r;
}

int name_check(struct remote *remote, const char *path, const struct effect *effect)
{
    lock_take(&remote->lock);
    int r = check(remote, shared_at(remote, path), path, effect);
    lock_drop(&remote->lock);
    return r;
}

int name_check_open(struct remote *remote, const char *path, uint32_t open_flags)
{
    static const struct effect cut = {.what = EFFECT_ATTRS, .attrs = {.flags = SFTP_ATTR_SIZE}};
    int r = open_flags & SFTP_OPEN_TRUNC ? name_check(remote, path, &cut) : 0;
    if (r == 0 && open_flags & SFTP_OPEN_CREAT)
        r = remote_check_new(remote, path);
    return r;
}
