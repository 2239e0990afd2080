/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "parser/text/safe_text.h"
#include "remote/ahead/prefetch.h"
#include "remote/commit/unsure.h"
#include "remote/file/bulk_connections.h"
#include "remote/in_use/used_files.h"
#include "remote/lock/late_requests.h"
#include "remote/names/aliases.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { BULK_IDLE_MS = 60 * 1000, BULK_FAR_MS = 4 };

/* Asks for the root's true path and checks that it is a directory. */
static int find_root(struct remote *remote, const char *given, struct diag *why)
{
    struct wait wait = wait_for_ms(remote->options.timeout_ms);
    const char *path = given[0] ? given : ".";
    SFTP_CALL_AUTO *real = sftp_realpath(remote->sftp, path);
    SFTP_CALL_AUTO *stat = sftp_stat(remote->sftp, path);
    int r = sftp_wait(stat, &wait);
    if (r == 0 && !S_ISDIR(sftp_call_attrs(stat)->mode))
        r = -ENOTDIR;
    r = r ?: sftp_wait(real, &wait);
    if (r < 0) {
        diag_set(why, "%s: %s; give a directory of the server", path,
                 r == -ENOTDIR ? "is not a directory" : strerror(-r));
        return r;
    }
    const char *true_path = sftp_call_path(real);
    if (true_path[0] != '/') {
        diag_set(why, "%s: the server gives no absolute path for it (%s)", path, true_path);
        return -EPROTO;
    }
    remote->root = strdup(true_path[1] ? true_path : "");
    remote->given_root = strdup(given[0] == '/' && given[1] ? given
                                : remote->root              ? remote->root
                                                            : "");
    if (!remote->root || !remote->given_root)
        return -ENOMEM;
    size_t len = strlen(remote->given_root);
    while (len > 1 && remote->given_root[len - 1] == '/')
        remote->given_root[--len] = '\0';
    return 0;
}

/* A bulk connection that is silent is given up while there is still time for another way. */
static int start_bulk_connections(struct remote *remote)
{
    const struct remote_options *o = &remote->options;
    const struct bulk_connections_options options = {
        .connect = o->connect_bulk,
        .ctx = o->connect_ctx,
        .timeout_ms = o->timeout_ms / 2,
        .idle_ms = o->bulk_idle_ms ? o->bulk_idle_ms : BULK_IDLE_MS,
        .far_ms = o->bulk_far_ms ? o->bulk_far_ms : BULK_FAR_MS,
    };
    return bulk_connections_new(&options, &remote->bulk);
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
    token_owner_init(&remote->owner);
    /* Listings are small beside documents; they get a quarter. */
    int r = cache_new(options->cache_size / 4, &remote->listings)
        ?: cache_new(options->cache_size - options->cache_size / 4, &remote->documents)
        ?: late_new(sftp, &remote->late)
        ?: aliases_new(&remote->aliases)
        ?: used_files_new(&remote->used)
        ?: find_root(remote, options->root, why);
    remote->options.root = remote->given_root;
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
    cache_free(remote->listings);
    cache_free(remote->documents);
    aliases_free(remote->aliases);
    path_table_clear(&remote->wrong_guesses);
    path_table_clear(&remote->inaccessible);
    unsure_forget(&remote->unsure_names, NULL);
    condition_done(&remote->queue_moved);
    lock_done(&remote->lock);
    free(remote->root);
    free(remote->given_root);
    free(remote);
}

void remote_set_evidence(struct remote *remote, const struct remote_evidence *evidence)
{
    remote->evidence = evidence ? *evidence : (struct remote_evidence){0};
}

int remote_describe(struct remote *remote, struct buf *ret)
{
    size_t documents;
    size_t document_bytes;
    size_t listings;
    size_t listing_bytes;
    cache_stats(remote->documents, &documents, &document_bytes);
    cache_stats(remote->listings, &listings, &listing_bytes);
    int r = buf_add_str(ret, "root: ")
                ?: safe_text_add(ret, span_of(remote->given_root[0] ? remote->given_root : "/"));
    if (r == 0)
        r = buf_addf(ret,
                     "\n"
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
