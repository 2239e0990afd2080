/* SPDX-License-Identifier: MIT */
/* In the place of the whole folder where vmxfs is built without libgit2: there is no history. */
#include <errno.h>

#include "versions.h"

int history_new(const struct history_options *options, struct history **ret, bool *ret_made,
                struct diag *why)
{
    (void)options;
    (void)ret;
    *ret_made = false;
    diag_set(why, "this vmxfs was built without libgit2, so it can keep no history");
    return -EOPNOTSUPP;
}

int history_begin(struct history *history)
{
    (void)history;
    return 0;
}

void history_free(struct history *history)
{
    (void)history;
}

void history_committed(struct history *history, const char *path, bool existed, struct span before,
                       struct span after, const struct history_by *by)
{
    (void)history, (void)path, (void)existed, (void)before, (void)after, (void)by;
}

void history_renamed(struct history *history, const char *from, const char *to,
                     const struct history_by *by)
{
    (void)history, (void)from, (void)to, (void)by;
}

void history_removed(struct history *history, const char *path, const struct history_by *by)
{
    (void)history, (void)path, (void)by;
}

void history_seen(struct history *history, const char *path, struct span text, int64_t read_ms)
{
    (void)history, (void)path, (void)text, (void)read_ms;
}

void history_gone(struct history *history, const char *path, int64_t seen_ms)
{
    (void)history, (void)path, (void)seen_ms;
}

int history_wait(struct history *history, const struct wait *wait)
{
    (void)history, (void)wait;
    return 0;
}

int history_versions(struct history *history, const char *path, const struct wait *wait,
                     struct history_versions *ret)
{
    (void)history, (void)path, (void)wait;
    *ret = (struct history_versions){0};
    return 0;
}

void history_versions_done(struct history_versions *versions)
{
    *versions = (struct history_versions){0};
}

int history_text(struct history *history, const char *path, const char *id, const struct wait *wait,
                 struct buf *ret)
{
    (void)history, (void)path, (void)id, (void)wait, (void)ret;
    return -ENOENT;
}

int history_text_of_time(struct history *history, const char *path, int64_t time_s, unsigned nth,
                         const struct wait *wait, struct buf *ret)
{
    (void)history, (void)path, (void)time_s, (void)nth, (void)wait, (void)ret;
    return -ENOENT;
}

int history_log(struct history *history, const char *path, const struct wait *wait, struct buf *ret)
{
    (void)history, (void)path, (void)wait, (void)ret;
    return 0;
}
