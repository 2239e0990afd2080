/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aliases.h"
#include "base/cleanup.h"
#include "internal.h"
#include "lanes.h"
#include "late.h"
#include "open_ahead.h"
#include "parser/safe_text.h"
#include "prefetch.h"
#include "sftp/bulk.h"
#include "token.h"
#include "unsure_names.h"
#include "used_files.h"

enum { BULK_IDLE_MS = 60 * 1000, BULK_FAR_MS = 4 };

static const char hidden_mark[] = ".vmxfs-";

bool remote_is_vmx_name(const char *name)
{
    struct span n = span_of(name);
    static const char *const suffixes[] = {".vmx", ".vmtx"};
    for (size_t i = 0; i < 2; i++) {
        struct span suffix = span_of(suffixes[i]);
        if (n.n > suffix.n && span_eq_fold((struct span){n.p + n.n - suffix.n, suffix.n}, suffix))
            return true;
    }
    return false;
}

bool remote_can_be_vmx(const struct remote *remote, const struct sftp_attrs *attrs)
{
    return S_ISREG(attrs->mode) && attrs->flags & SFTP_ATTR_SIZE &&
           attrs->size <= remote->options.vmx_max;
}

bool remote_is_vmx(const struct remote *remote, const char *name, const struct sftp_attrs *attrs)
{
    return remote_can_be_vmx(remote, attrs) && remote_is_vmx_name(name);
}

bool remote_is_hidden_name(const char *name)
{
    size_t len = strlen(hidden_mark);
    if (strncmp(name, hidden_mark, len) == 0)
        return token_is(name + len);
    const char *mark = name[0] == '.' ? strstr(name, hidden_mark) : NULL;
    if (!mark)
        return false;
    FREE_AUTO char *target = strndup(name + 1, (size_t)(mark - name - 1));
    return target && remote_is_vmx_name(target);
}

char *remote_path(const struct remote *remote, const char *path)
{
    char *full;
    const char *root = remote->root;
    if (asprintf(&full, "%s%s%s", root, path[0] || !root[0] ? "/" : "", path) < 0)
        return NULL;
    return full;
}

/* Asks for the root's true path and checks that it is a directory. */
static int find_root(struct remote *remote, const char *given, struct why *why)
{
    struct wait wait = wait_for_ms(remote->options.timeout_ms);
    const char *path = given[0] ? given : ".";
    SFTP_CALL_AUTO *real = sftp_realpath(remote->sftp, path);
    SFTP_CALL_AUTO *stat = sftp_stat(remote->sftp, path);
    int r = sftp_wait(stat, &wait);
    if (r == 0 && !S_ISDIR(sftp_call_attrs(stat)->mode))
        r = -ENOTDIR;
    if (r == 0)
        r = sftp_wait(real, &wait);
    if (r < 0) {
        why_set(why, "%s: %s; name a directory of the server", path,
                r == -ENOTDIR ? "is not a directory" : strerror(-r));
        return r;
    }
    const char *true_path = sftp_call_path(real);
    if (true_path[0] != '/') {
        why_set(why, "%s: the server gives no absolute path for it (%s)", path, true_path);
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

static int init_parts(struct remote *remote)
{
    int r = lock_init(&remote->lock);
    if (r < 0)
        return r;
    r = condition_init(&remote->queue_moved);
    if (r < 0) {
        lock_done(&remote->lock);
        return r;
    }
    token_owner_init(&remote->owner);
    return 0;
}

/* A lane that is silent is given up while there is still time for another way. */
static int start_lanes(struct remote *remote)
{
    const struct remote_options *o = &remote->options;
    const struct lanes_options options = {
        .connect = o->connect_bulk,
        .ctx = o->connect_ctx,
        .timeout_ms = o->timeout_ms / 2,
        .idle_ms = o->bulk_idle_ms ? o->bulk_idle_ms : BULK_IDLE_MS,
        .far_ms = o->bulk_far_ms ? o->bulk_far_ms : BULK_FAR_MS,
    };
    return lanes_new(&options, &remote->lanes);
}

int remote_new(struct sftp *sftp, const struct remote_options *options, struct remote **ret,
               struct why *why)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    if (!remote)
        return -ENOMEM;
    remote->sftp = sftp;
    remote->options = *options;
    int r = init_parts(remote);
    if (r < 0) {
        free(remote);
        return r;
    }
    /* Listings are small beside documents; they get a quarter. */
    r = cache_new(options->cache_size / 4, &remote->listings);
    if (r == 0)
        r = cache_new(options->cache_size - options->cache_size / 4, &remote->documents);
    if (r == 0)
        r = late_new(sftp, &remote->late);
    if (r == 0)
        r = aliases_new(&remote->aliases);
    if (r == 0)
        r = used_files_new(&remote->used);
    if (r == 0)
        r = find_root(remote, options->root, why);
    remote->options.root = remote->given_root;
    if (r == 0 && options->prefetch)
        r = prefetch_new(remote, &remote->prefetch);
    if (r == 0 && options->connect_bulk)
        r = start_lanes(remote);
    if (r < 0) {
        if (r == -ENOMEM)
            why_set(why, "out of memory");
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
    lanes_free(remote->lanes);
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
    open_ahead_done(remote);
    unsure_names_done(remote);
    condition_done(&remote->queue_moved);
    lock_done(&remote->lock);
    free(remote->root);
    free(remote->given_root);
    free(remote);
}

struct sftp *remote_sftp(struct remote *remote)
{
    return remote->sftp;
}

const char *remote_root(const struct remote *remote)
{
    return remote->root;
}

void remote_set_evidence(struct remote *remote, const struct remote_evidence *evidence)
{
    remote->evidence = evidence ? *evidence : (struct remote_evidence){0};
}

const struct remote_options *remote_options(const struct remote *remote)
{
    return &remote->options;
}

/* Until nobody is in a callback that was set before. */
static void await_told(struct remote *remote) REQUIRES(remote->lock)
{
    while (remote->telling > 0) {
        const struct wait wait = wait_for_ms(remote->options.timeout_ms);
        wait_on(&wait, &remote->queue_moved, &remote->lock);
    }
}

static void end_telling(struct remote *remote)
{
    lock_take(&remote->lock);
    remote->telling--;
    condition_wake_all(&remote->queue_moved);
    lock_drop(&remote->lock);
}

void remote_on_note(struct remote *remote,
                    void (*note)(void *ctx, const char *path, const char *key, const char *reason),
                    void *ctx)
{
    lock_take(&remote->lock);
    remote->note = note;
    remote->note_ctx = ctx;
    await_told(remote);
    lock_drop(&remote->lock);
}

void remote_note(struct remote *remote, const char *path, const char *key, const char *reason)
{
    lock_take(&remote->lock);
    void (*note)(void *ctx, const char *path, const char *key, const char *reason) = remote->note;
    void *ctx = remote->note_ctx;
    remote->telling += note != NULL;
    lock_drop(&remote->lock);
    if (!note)
        return;
    note(ctx, path, key, reason);
    end_telling(remote);
}

void remote_on_foreign_change(struct remote *remote, void (*changed)(void *ctx, const char *path),
                              void *ctx)
{
    lock_take(&remote->lock);
    remote->changed = changed;
    remote->changed_ctx = ctx;
    await_told(remote);
    lock_drop(&remote->lock);
}

void remote_tell_change(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    void (*changed)(void *ctx, const char *path) = remote->changed;
    void *ctx = remote->changed_ctx;
    remote->telling += changed != NULL;
    lock_drop(&remote->lock);
    if (!changed)
        return;
    changed(ctx, path);
    end_telling(remote);
}

bool remote_again(struct remote *remote, const struct wait *wait, int *r)
{
    if (*r != -ENOTCONN)
        return false;
    *r = sftp_wait_up(remote->sftp, wait);
    return *r == 0;
}

int remote_size_error(struct remote *remote, const char *path, uint64_t size,
                      const struct wait *wait, int r)
{
    bool size_tells = r == -EINVAL && size > 0;
    if (r != -EREMOTEIO && !size_tells)
        return r;
    FREE_AUTO char *dir = path_dir(path);
    FREE_AUTO char *full = dir ? remote_path(remote, dir) : NULL;
    if (!full)
        return -ENOMEM;
    SFTP_CALL_AUTO *call = sftp_statvfs(remote->sftp, full);
    if (sftp_wait(call, wait) < 0)
        return size_tells ? r : -EIO;
    const struct sftp_statvfs *fs = sftp_call_statvfs(call);
    if (fs->frsize > 0 && size <= INT64_MAX && size / fs->frsize > fs->blocks)
        return -EFBIG;
    if (size_tells)
        return r;
    if (fs->flag & 1) /* SSH_FXE_STATVFS_ST_RDONLY */
        return -EROFS;
    /* A filesystem without inodes to count says 0 of 0. */
    if (fs->bavail == 0 || (fs->files > 0 && fs->favail == 0))
        return -ENOSPC;
    return -EIO;
}

int remote_write_error(struct remote *remote, const char *path, const struct wait *wait, int r)
{
    return remote_size_error(remote, path, 0, wait, r);
}

int remote_read_all(struct remote *remote, const char *full, uint64_t size_hint,
                    const struct wait *wait, struct buf *ret)
{
    SFTP_CALL_AUTO *open = sftp_open(remote->sftp, full, SFTP_OPEN_READ, NULL);
    int r = sftp_wait(open, wait);
    if (r < 0)
        return r;
    r = bulk_read_all(remote->sftp, sftp_call_handle(open), size_hint, remote->options.vmx_max,
                      wait, ret);
    sftp_forget(sftp_close(remote->sftp, sftp_call_handle(open)));
    return r;
}

int remote_check_rename(struct remote *remote, struct vmx_diag *diag)
{
    if (sftp_features(remote->sftp).posix_rename || remote->options.unsafe_rename)
        return 0;
    vmx_diag_set(diag, 0, 0,
                 "the server cannot replace a file atomically (no posix-rename@openssh.com); "
                 "mount with -o rename=unsafe to do it in two steps");
    return -EOPNOTSUPP;
}

int remote_describe(struct remote *remote, struct buf *ret)
{
    size_t documents;
    size_t document_bytes;
    size_t listings;
    size_t listing_bytes;
    cache_stats(remote->documents, &documents, &document_bytes);
    cache_stats(remote->listings, &listings, &listing_bytes);
    int r = buf_add_str(ret, "root: ");
    if (r == 0)
        r = safe_text_add(ret, span_of(remote->given_root[0] ? remote->given_root : "/"));
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
    return r == 0 ? lanes_describe(remote->lanes, ret) : r;
}
