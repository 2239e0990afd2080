/* SPDX-License-Identifier: MIT */
/* Documents, from the cache or loaded. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "listed_documents.h"
#include "load.h"
#include "remote/ahead/prefetch.h"
#include "remote/lock/leftovers.h"
#include "remote/names/inaccessible.h"
#include "remote/names/paths.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { FAR_MS = 10 /* round trip: nearer than that a wait is not felt */ };

/* Long enough for another text not to have come to be in the second of this one, as far as our
 * clock and the server's agree. */
static bool looks_settled(const struct document *d)
{
    return clock_ms() >= d->time_seen + RACY_MS ||
           clock_wall_s() * 1000 >= (int64_t)d->attrs.mtime * 1000 + 2 * RACY_MS;
}

/* What is cached and racy, if the server's attributes are the same: reading it again is left to the
 * commit. It counts as no newer than before. NULL: it must be loaded. */
static struct document *glance(struct remote *remote, const char *path, const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    DOCUMENT_AUTO *known = (struct document *)cache_peek(remote->documents, path, NULL);
    if (!full || !known || !document_is_racy(known) || !looks_settled(known))
        return NULL;
    SFTP_CALL_AUTO *stat = sftp_lstat(remote->sftp, full);
    if (sftp_wait(stat, wait) < 0 || !document_same_version(&known->attrs, sftp_call_attrs(stat)))
        return NULL;
    return steal(known);
}

/* As remote_document; max_age_ms is a time. */
static int load_document(struct remote *remote, const char *path, int64_t max_age_ms,
                         const struct wait *wait, struct document **ret)
{
    struct cached *found = NULL;
    struct cache_ticket ticket;
    int r =
        cache_begin(remote->documents, path, cache_not_before(max_age_ms), wait, &found, &ticket);
    if (r == 0 && ticket.ahead)
        prefetch_used(remote->prefetch, path);
    if (r == 1 && max_age_ms > 0)
        prefetch_missed_document(remote->prefetch, path);
    if (r == 1)
        r = load_run(&document_load_kind, remote, path, &ticket, wait, &found);
    /* While the link is down, a reader is still shown what is cached. */
    if (r == -EIO && max_age_ms > 0) {
        found = found ?: cache_peek(remote->documents, path, NULL);
        r = found ? 0 : r;
    }
    if (r == 0)
        *ret = (struct document *)found;
    else
        cached_unref(found);
    return r;
}

int remote_document(struct remote *remote, const char *path, int64_t max_age_ms,
                    const struct wait *wait, struct document **ret)
{
    if (remote_check_accessible(remote, path) < 0)
        return -EIO;
    if (max_age_ms == DOCUMENT_TO_WRITE) {
        struct document *glanced_at = glance(remote, path, wait);
        if (glanced_at) {
            *ret = glanced_at;
            return 0;
        }
        max_age_ms = 0;
    }
    int r = load_document(remote, path, max_age_ms, wait, ret);
    if (r != -ENOENT || !leftovers_may_be_set_aside(remote) ||
        !leftovers_give_back(remote, path, wait))
        return r;
    FREE_AUTO char *dir = path_dir(path);
    if (dir)
        cache_drop(remote->listings, dir);
    return load_document(remote, path, 0, wait, ret);
}

struct sftp_call *remote_ask_document(struct remote *remote, const char *path)
{
    FREE_AUTO char *full = remote_path(remote, path);
    const bool may =
        full && sftp_state(remote->sftp) == SFTP_UP && sftp_least_trip_ms(remote->sftp) >= FAR_MS &&
        remote_check_accessible(remote, path) == 0 && !leftovers_may_be_set_aside(remote);
    return may ? sftp_lstat(remote->sftp, full) : NULL;
}

int64_t remote_document_true_at(struct remote *remote, const char *path)
{
    int64_t true_at = 0;
    cached_unref(cache_peek(remote->documents, path, &true_at));
    return true_at;
}

bool remote_document_is_listed(struct remote *remote, const char *path, int64_t max_age_ms)
{
    const int64_t not_before = cache_not_before(max_age_ms);
    int64_t true_at;
    return document_is_listed(remote, path, &true_at) && true_at >= not_before &&
           remote_document_true_at(remote, path) < not_before;
}
