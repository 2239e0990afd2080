/* SPDX-License-Identifier: MIT */
/* What a directory holds, and the attributes of its names: from the cache or loaded. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "load.h"
#include "remote/ahead/prefetch.h"
#include "remote/file/file_turn.h"
#include "remote/file/files.h"
#include "remote/names/aliases.h"
#include "remote/names/inaccessible.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "remote/server_errors.h"
#include "sftp/results.h"

static bool has_directories(const struct listing *listing)
{
    for (size_t i = 0; i < listing->n; i++) {
        if (S_ISDIR(listing->entries[i].attrs.mode))
            return true;
    }
    return false;
}

/* A user is in dir, whose listing is in use then, as is the one above it: without that nobody could
 * be kept ahead of who goes from one directory to the next. */
static void touch(struct remote *remote, const char *dir)
{
    FREE_AUTO char *above = path_dir(dir);
    if (cache_touch(remote->listings, dir))
        prefetch_used(remote->prefetch, dir);
    if (above)
        (void)cache_touch(remote->listings, above);
}

int remote_list_changed(struct remote *remote, const char *dir, int64_t max_age_ms,
                        const struct wait *wait, struct listing **ret)
{
    struct cached *found = NULL;
    struct cache_ticket ticket;
    int r = remote_check_accessible(remote, dir);
    if (r < 0)
        return r;
    r = cache_begin(remote->listings, dir, cache_not_before(max_age_ms), wait, &found, &ticket);
    touch(remote, dir);
    if (r == 0 && ticket.ahead) {
        prefetch_used(remote->prefetch, dir);
        if (has_directories((const struct listing *)found))
            prefetch_listed(remote->prefetch, dir);
    }
    if (r == 1) {
        prefetch_missed_listing(remote->prefetch, dir);
        prefetch_listed(remote->prefetch, dir); /* what is known below it is checked meanwhile */
        r = load_run(&listing_load_kind, remote, dir, &ticket, wait, &found);
        if (r == 0)
            prefetch_listed(remote->prefetch, dir);
    }
    /* While the link is down, what is cached is still shown. */
    if (r == -EIO) {
        found = found ?: cache_peek(remote->listings, dir, NULL);
        r = found ? 0 : r;
    }
    if (r == 0)
        *ret = (struct listing *)found;
    else
        cached_unref(found);
    return r;
}

int remote_list(struct remote *remote, const char *dir, int64_t max_age_ms, const struct wait *wait,
                struct listing **ret)
{
    LISTING_AUTO *known = (struct listing *)cache_peek(remote->listings, dir, NULL);
    if (known && known->changed)
        cache_drop(remote->listings, dir);
    return remote_list_changed(remote, dir, max_age_ms, wait, ret);
}

/* What the listing of its directory (for the root: its own) says of a path. */
static const struct sftp_attrs *listed_attrs(const struct listing *l, const char *path)
{
    const struct listing_entry *e = path[0] ? listing_find(l, path_name(path)) : NULL;
    if (e)
        return &e->attrs;
    return !path[0] && l->root.flags ? &l->root : NULL;
}

/* Whether a listing may answer for the names in it (listing.h tells for how long). */
static bool is_young(const struct remote *remote, const struct listing *l, int64_t true_at,
                     int64_t max_age_ms)
{
    const int64_t twice = l->took_ms * 2;
    const int64_t good_ms =
        twice > remote->options.cache_timeout_ms && twice > max_age_ms ? twice : max_age_ms;
    return true_at >= clock_ms() - good_ms;
}

int remote_getattr(struct remote *remote, const char *path, int64_t max_age_ms,
                   const struct wait *wait, struct sftp_attrs *ret, int64_t *ret_true_at)
{
    FREE_AUTO char *dir = path_dir(path);
    FREE_AUTO char *full = remote_path(remote, path);
    if (!dir || !full)
        return -ENOMEM;
    int64_t true_at;
    bool written = false;
    int settled = path[0] ? remote_check_accessible(remote, path) : 0;
    settled = settled ?: remote_settle(remote, path, wait, &written);
    if (settled < 0)
        return settled;
    LISTING_AUTO *l = (struct listing *)cache_peek(remote->listings, dir, &true_at);
    const struct sftp_attrs *known = l ? listed_attrs(l, path) : NULL;
    const bool complete = l && !l->changed && path[0];
    bool tells = (known || complete) && !written && max_age_ms > 0;
    if (tells && is_young(remote, l, true_at, max_age_ms)) {
        touch(remote, dir);
        if (known)
            *ret = *known;
        *ret_true_at = true_at;
        return known ? 0 : -ENOENT;
    }
    if (tells && path[0])
        prefetch_missed_attrs(remote->prefetch, path);
    if (!l && path[0])
        prefetch_looked_up(remote->prefetch, path);
    int r;
    *ret_true_at = clock_ms();
    do {
        SFTP_CALL_AUTO *call = sftp_lstat(remote->sftp, full);
        r = sftp_wait(call, wait);
        if (r == 0)
            *ret = *sftp_call_attrs(call);
    } while (remote_again(remote, wait, &r));
    if (r == 0 && S_ISREG(ret->mode))
        remote_expect_data(remote, ret->size);
    if (r == -EIO && known) {
        *ret = *known;
        r = 0;
    }
    return r == -EREMOTEIO ? -EIO : r;
}

/* Most links say something else. While the link to the server is down, listings are still known. */
static int may_stand(struct remote *remote, const char *link, const struct wait *wait, bool *ret)
{
    BUF_AUTO text = {0};
    int r = remote_link_text(remote, link, wait, &text);
    *ret = r == -EIO || (r == 0 && aliases_is_uuid(text.data));
    return *ret ? 0 : without_answer(r);
}

int remote_stands_for(struct remote *remote, const char *link, int64_t max_age_ms,
                      const struct wait *wait, char **ret)
{
    int64_t true_at;
    LISTING_AUTO *l = NULL;
    FREE_AUTO char *dir = path_dir(link);
    if (!dir)
        return -ENOMEM;
    LISTING_AUTO *known = (struct listing *)cache_peek(remote->listings, dir, &true_at);
    bool may = !aliases_is_of_host(path_name(link));
    int r = 0;
    if (may && (!known || true_at < cache_not_before(max_age_ms)))
        r = may_stand(remote, link, wait, &may);
    if (r == 0 && may)
        r = remote_list(remote, dir, max_age_ms, wait, &l);
    const struct listing_entry *e = l ? listing_find(l, path_name(link)) : NULL;
    if (!e || !e->stands_for)
        return without_answer(r);
    *ret = path_join(dir, e->stands_for);
    return *ret ? 0 : -ENOMEM;
}

int remote_learn_shown(struct remote *remote, const char *path, const struct wait *wait)
{
    FREE_AUTO char *above = strdup(path);
    int r = above ? 0 : -ENOMEM;
    while (r == 0 && above[0]) {
        char *slash = strrchr(above, '/');
        bool asks = aliases_is_uuid(path_name(above));
        above[slash ? slash - above : 0] = '\0';
        LISTING_AUTO *l = asks ? (struct listing *)cache_peek(remote->listings, above, NULL) : NULL;
        if (asks && !l)
            r = without_answer(remote_list(remote, above, 0, wait, &l));
    }
    return r;
}
