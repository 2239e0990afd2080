/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "parser/text/safe_text.h"
#include "remote/ahead/prefetch.h"
#include "remote/cache/listing.h"
#include "remote/commit/unsure.h"
#include "remote/file/bulk_connections.h"
#include "remote/in_use/used_files.h"
#include "remote/lock/late_requests.h"
#include "remote/names/aliases.h"
#include "remote/root.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { BULK_IDLE_MS = 60 * 1000, BULK_AGAIN_MS = 30 * 1000 };

/* A bulk connection that is silent is given up while there is still time for another way. */
static int start_bulk_connections(struct remote *remote)
{
    const struct remote_options *o = &remote->options;
    const struct bulk_connections_options options = {
        .connect = o->connect_bulk,
        .ctx = o->connect_ctx,
        .timeout_ms = o->timeout_ms / 2,
        .idle_ms = o->bulk_idle_ms ? o->bulk_idle_ms : BULK_IDLE_MS,
        .again_ms = BULK_AGAIN_MS,
        .number = o->bulk_number,
        .max = o->bulk_max,
    };
    return bulk_connections_new(&options, &remote->bulk);
}

/* One without a connection begins when it is used. Otherwise nobody uses it yet, and what was
 * listed to measure the line would be old for the first who does: only its names are kept. */
static int begin(struct remote *remote, struct diag *why)
{
    const struct wait wait = wait_for_ms(remote->options.timeout_ms);
    if (sftp_state(remote->sftp) == SFTP_UNUSED)
        return 0;
    int r = remote_use(remote, &wait, why);
    remote->measured = (struct listing *)cache_peek(remote->listings, "", NULL);
    cache_drop_below(remote->listings, "");
    return r;
}

int remote_new(struct sftp *sftp, const struct remote_options *options, struct remote **ret,
               struct diag *why)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    if (!remote)
        return -ENOMEM;
    remote->sftp = sftp;
    remote->options = *options;
    lock_init(&remote->lock);
    condition_init(&remote->queue_moved);
    turn_init(&remote->beginning);
    remote->user = (struct remote_user){getuid(), getgid()};
    token_owner_init(&remote->owner);
    server_clock_init(&remote->clock);
    /* Listings are small beside documents; they get a quarter. */
    int r = cache_new(options->cache_size / 4, &remote->listings)
        ?: cache_new(options->cache_size - options->cache_size / 4, &remote->documents)
        ?: late_new(sftp, &remote->late)
        ?: aliases_new(&remote->aliases)
        ?: used_files_new(&remote->used)
        ?: begin(remote, why);
    if (r == 0 && options->prefetch)
        r = prefetch_new(remote, &remote->prefetch);
    if (r == 0 && options->connect_bulk)
        r = start_bulk_connections(remote);
    if (r < 0) {
        if (r == -ENOMEM)
            diag_set(why, "out of memory");
        remote_free(remote);
        return r;
    }
    *ret = remote;
    return 0;
}

void remote_free(struct remote *remote)
{
    if (!remote)
        return;
    prefetch_free(remote->prefetch);
    bulk_connections_free(remote->bulk);
    late_free(remote->late);
    if (remote->root) {
        /* The server takes requests in order: when this one is answered, the removals of locks
         * that nobody waited for are done. */
        struct wait wait = wait_for_ms(remote->options.timeout_ms);
        SFTP_CALL_AUTO *last = sftp_realpath(remote->sftp, ".");
        sftp_wait(last, &wait);
    }
    used_files_free(remote->used);
    listing_unref(&remote->measured);
    cache_free(remote->listings);
    cache_free(remote->documents);
    aliases_free(remote->aliases);
    path_table_clear(&remote->wrong_guesses);
    path_table_clear(&remote->inaccessible);
    unsure_forget(&remote->unsure_names, NULL);
    condition_done(&remote->queue_moved);
    turn_done(&remote->beginning);
    lock_done(&remote->lock);
    free(remote->root);
    free(remote->given_root);
    free(remote);
}

void remote_set_evidence(struct remote *remote, const struct remote_evidence *evidence)
{
    remote->evidence = evidence ? *evidence : (struct remote_evidence){0};
}

static int describe_root(struct remote *remote, struct buf *ret)
{
    if (!remote_is_used(remote))
        return 0;
    return buf_add_str(ret, "root: ")
        ?: safe_text_add(ret, span_of(remote->given_root[0] ? remote->given_root : "/"))
        ?: buf_add_char(ret, '\n');
}

void remote_tell_date(struct remote *remote, int64_t host_s)
{
    server_clock_tell_date(&remote->clock, host_s);
}

int remote_describe(struct remote *remote, struct buf *ret)
{
    size_t documents;
    size_t document_bytes;
    size_t listings;
    size_t listing_bytes;
    cache_stats(remote->documents, &documents, &document_bytes);
    cache_stats(remote->listings, &listings, &listing_bytes);
    int r = describe_root(remote, ret);
    if (r == 0)
        r = buf_addf(ret,
                     "cached-documents: %zu\n"
                     "cached-document-bytes: %zu\n"
                     "cached-listings: %zu\n"
                     "cached-listing-bytes: %zu\n"
                     "commits: %lu\n"
                     "commits-joined: %lu\n"
                     "commits-failed: %lu\n",
                     documents, document_bytes, listings, listing_bytes,
                     atomic_load(&remote->commits), atomic_load(&remote->commits_joined),
                     atomic_load(&remote->commits_failed));
    return r
        ?: prefetch_describe(remote->prefetch, ret)
        ?: bulk_connections_describe(remote->bulk, ret);
}
