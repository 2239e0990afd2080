/* SPDX-License-Identifier: MIT */
/* Whose turn it is with an open file, and what it waits for: the data that others have written. */
#include "file_turn.h"

#include <errno.h>
#include <string.h>

/* Begins an operation, which turn_give ends. 0, -EINTR, -EIO. */
int file_begin(struct remote_file *file, const struct wait *wait)
{
    return turn_take(&file->turn, wait);
}

/* Whether a file has the path, or, where that is NULL, is the one of another handle. With
 * remote->lock. */
static bool is_meant(const struct remote_file *file, const char *path,
                     const struct remote_file *handle)
{
    if (!path)
        return handle && file != handle && file->shared == handle->shared;
    return !file->shared->nameless && strcmp(file->path, path) == 0;
}

/* The next that was written to, with a reference, which is moved along. */
static struct remote_file *next_written(struct remote *remote, struct remote_file *after,
                                        const char *path, const struct remote_file *handle)
{
    lock_take(&remote->lock);
    struct remote_file *file = after ? after->next : remote->open_files;
    while (file && !(file->written && is_meant(file, path, handle)))
        file = file->next;
    if (file)
        file->refs++;
    lock_drop(&remote->lock);
    remote_file_free(after);
    return file;
}

static int settle(struct remote *remote, const char *path, const struct remote_file *handle,
                  const struct wait *wait, bool *ret_any)
{
    struct remote_file *file = NULL;
    int r = 0;
    while ((file = next_written(remote, file, path, handle))) {
        int one = file_begin(file, wait);
        if (one == 0) {
            one = file_drain(file, wait);
            turn_give(&file->turn);
        }
        r = r ?: one;
        if (ret_any)
            *ret_any = true;
    }
    return r;
}

int remote_settle(struct remote *remote, const char *path, const struct wait *wait, bool *ret_any)
{
    if (ret_any)
        *ret_any = false;
    return settle(remote, path, NULL, wait, ret_any);
}

int file_begin_behind_others(struct remote_file *file, const struct wait *wait)
{
    return settle(file->remote, NULL, file, wait, NULL) ?: file_begin(file, wait);
}

int file_act_behind_others(struct remote_file *file,
                           int (*act)(struct remote_file *file, const struct wait *wait, void *ctx),
                           const struct wait *wait, void *ctx)
{
    int r;
    bool again;
    do {
        r = file_begin_behind_others(file, wait);
        if (r < 0)
            return r;
        r = act(file, wait, ctx);
        again = file_again(file, wait, &r);
        if (r < 0 || again)
            turn_give(&file->turn);
    } while (again);
    return r;
}
