/* SPDX-License-Identifier: MIT */
#include "open_ahead.h"

#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    WRONG_MAX = 4096, /* paths; once there are so many, nothing is guessed any more */
    LINK_MS = 500,    /* in which a server opens what a link names, unless it hangs */
};

static bool was_wrong(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    bool was = path_table_find(remote->wrong_guesses, path) ||
               HASH_COUNT(remote->wrong_guesses) >= WRONG_MAX;
    lock_drop(&remote->lock);
    return was;
}

bool open_ahead_allowed(struct remote *remote, const char *path)
{
    FREE_AUTO char *dir = path_dir(path);
    if (!dir || was_wrong(remote, path))
        return false;
    LISTING_AUTO *l = (struct listing *)cache_peek(remote->listings, dir, NULL);
    const struct listing_entry *e = l ? listing_find(l, path_name(path)) : NULL;
    return !l || (e && S_ISREG(e->attrs.mode));
}

static int wait_soon(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                     struct sftp_call *open, const struct wait *wait)
{
    lock_take(&remote->lock);
    path_table_take(&remote->wrong_guesses, path, sizeof(struct path_item));
    lock_drop(&remote->lock);
    struct wait soon = *wait;
    int64_t end = clock_ms() + (S_ISLNK(attrs->mode) ? LINK_MS : 0);
    soon.deadline = soon.deadline < end ? soon.deadline : end;
    int r = sftp_wait(open, &soon);
    sftp_give_up(open, "the server hangs in opening what is no regular file");
    return r;
}

void open_ahead_was_wrong(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                          struct sftp_call *open, const struct wait *wait)
{
    if (S_ISDIR(attrs->mode)) /* opening one fails at once */
        return;
    if (wait_soon(remote, path, attrs, open, wait) == 0)
        sftp_forget(sftp_close(remote->sftp, sftp_call_handle(open)));
}

void open_ahead_check(struct remote *remote, const char *path, struct sftp_call *stat,
                      struct sftp_call *open, const struct wait *wait)
{
    if (!open || sftp_wait(stat, wait) < 0)
        return;
    const struct sftp_attrs *attrs = sftp_call_attrs(stat);
    if (attrs->flags & SFTP_ATTR_MODE && !S_ISREG(attrs->mode) && !S_ISDIR(attrs->mode))
        wait_soon(remote, path, attrs, open, wait);
}
