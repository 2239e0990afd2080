/* SPDX-License-Identifier: MIT */
#include "open_ahead.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <uthash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    WRONG_MAX = 4096, /* paths; once there are so many, nothing is guessed any more */
    LINK_MS = 500,    /* in which a server opens what a link names, unless it hangs */
};

struct wrong_guess {
    UT_hash_handle hh;
    char path[];
};

static bool was_wrong(struct remote *remote, const char *path)
{
    struct wrong_guess *found;
    lock_take(&remote->lock);
    HASH_FIND_STR(remote->wrong_guesses, path, found);
    bool full = HASH_COUNT(remote->wrong_guesses) >= WRONG_MAX;
    lock_drop(&remote->lock);
    return found || full;
}

bool open_ahead_allowed(struct remote *remote, const char *path)
{
    int64_t true_at;
    FREE_AUTO char *dir = path_dir(path);
    if (!dir || was_wrong(remote, path))
        return false;
    LISTING_AUTO *l = (struct listing *)cache_peek(remote->listings, dir, &true_at);
    const struct listing_entry *e = l ? listing_find(l, path_name(path)) : NULL;
    return !l || (e && S_ISREG(e->attrs.mode));
}

static void remember(struct remote *remote, const char *path)
{
    size_t len = strlen(path);
    struct wrong_guess *guess = calloc(1, sizeof(*guess) + len + 1);
    struct wrong_guess *known;
    if (!guess)
        return;
    memcpy(guess->path, path, len);
    lock_take(&remote->lock);
    HASH_FIND_STR(remote->wrong_guesses, path, known);
    if (!known) {
        HASH_ADD_STR(remote->wrong_guesses, path, guess);
        if (guess->hh.tbl)
            guess = NULL;
    }
    lock_drop(&remote->lock);
    free(guess);
}

static int wait_soon(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                     struct sftp_call *open, const struct wait *wait)
{
    remember(remote, path);
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

void open_ahead_done(struct remote *remote)
{
    struct wrong_guess *guess;
    struct wrong_guess *next;
    HASH_ITER (hh, remote->wrong_guesses, guess, next) {
        HASH_DEL(remote->wrong_guesses, guess);
        free(guess);
    }
}
