/* SPDX-License-Identifier: MIT */
/* Whose turn it is with an open file, and what it waits for: the data that others have written. */
#include "file_turn.h"

#include <errno.h>
#include <string.h>

/* Begins an operation, which turn_give ends. 0, -EINTR, -EIO. */
int file_begin(struct remote_file *file, const struct wait *wait)
{
    int r = turn_take(&file->turn, wait);
    return r == -ETIMEDOUT ? -EIO : r;
}

/* Which open files are meant: those of a path, or the others of one's file. */
struct which {
    const char *path;
    const struct remote_file *but;
};

/* With remote->lock. */
static bool is_meant(const struct remote_file *file, const struct which *which)
{
    if (which->but)
        return file != which->but && file->shared == which->but->shared;
    return !file->shared->nameless && strcmp(file->path, which->path) == 0;
}

/* The next that was written to, with a reference, which is moved along. */
static struct remote_file *next_written(struct remote *remote, struct remote_file *after,
                                        const struct which *which)
{
    lock_take(&remote->lock);
    struct remote_file *file = after ? after->next : remote->open_files;
    while (file && !(file->written && is_meant(file, which)))
        file = file->next;
    if (file)
        file->refs++;
    lock_drop(&remote->lock);
    remote_file_free(after);
    return file;
}

static int settle(struct remote *remote, const struct which *which, const struct wait *wait,
                  bool *ret_any)
{
    struct remote_file *file = NULL;
    int r = 0;
    *ret_any = false;
    while ((file = next_written(remote, file, which))) {
        int one = file_begin(file, wait);
        if (one == 0) {
            one = file_drain(file, wait);
            turn_give(&file->turn);
        }
        r = r == 0 ? one : r;
        *ret_any = true;
    }
    return r;
}

int remote_settle(struct remote *remote, const char *path, const struct wait *wait, bool *ret_any)
{
    const struct which which = {.path = path};
    bool any;
    return settle(remote, &which, wait, ret_any ? ret_any : &any);
}

int file_begin_behind_others(struct remote_file *file, const struct wait *wait)
{
    const struct which others = {.but = file};
    bool any;
    return settle(file->remote, &others, wait, &any) ?: file_begin(file, wait);
}

int file_act_behind_others(struct remote_file *file, struct file_act *act, const struct wait *wait)
{
    int r;
    bool again;
    do {
        r = file_begin_behind_others(file, wait);
        if (r < 0)
            return r;
        r = act->run(act, file, wait);
        again = file_again(file, wait, &r);
        if (r < 0 || again)
            turn_give(&file->turn);
    } while (again);
    return r;
}
