/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "internal.h"

enum {
    ENTRIES_MAX = 1 << 20, /* a hostile server could go on for ever */
    READDIRS = 4,          /* in flight at once; OpenSSH answers each with up to 100 names */
};

static void destroy(struct cached *c)
{
    struct listing *l = (struct listing *)c;
    for (size_t i = 0; i < l->n; i++)
        free(l->entries[i].name);
    free(l->entries);
    free(l);
}

static int compare_entries(const void *a, const void *b)
{
    const struct listing_entry *x = a;
    const struct listing_entry *y = b;
    return strcmp(x->name, y->name);
}

static int compare_name(const void *name, const void *entry)
{
    const struct listing_entry *e = entry;
    return strcmp(name, e->name);
}

static struct listing_entry *find(const struct listing *l, const char *name)
{
    if (l->n == 0)
        return NULL;
    return bsearch(name, l->entries, l->n, sizeof(*l->entries), compare_name);
}

const struct listing_entry *listing_find(const struct listing *listing, const char *name)
{
    return find(listing, name);
}

static int add_names(struct listing *l, const struct sftp_name *names, size_t n)
{
    if (l->n + n > ENTRIES_MAX)
        return -EFBIG;
    struct listing_entry *more = reallocarray(l->entries, l->n + n + 1, sizeof(*more));
    if (!more)
        return -ENOMEM;
    l->entries = more;
    for (size_t i = 0; i < n; i++) {
        if (remote_is_hidden_name(names[i].name))
            continue;
        char *name = strdup(names[i].name);
        if (!name)
            return -ENOMEM;
        l->entries[l->n++] = (struct listing_entry){.name = name, .attrs = names[i].attrs};
        l->cached.bytes += sizeof(*more) + strlen(name) + 1;
    }
    return 0;
}

/* Reads an open directory to its end, a few requests at a time. */
static int read_entries(struct remote *remote, const struct sftp_handle *handle,
                        const struct wait *wait, struct listing *l)
{
    struct sftp_call *calls[READDIRS];
    int r = 0;
    while (r == 0) {
        for (int i = 0; i < READDIRS; i++)
            calls[i] = sftp_readdir(remote->sftp, handle);
        for (int i = 0; i < READDIRS; i++) {
            if (r == 0)
                r = sftp_wait(calls[i], wait);
            if (r == 0) {
                size_t n;
                const struct sftp_name *names = sftp_call_names(calls[i], &n);
                r = add_names(l, names, n);
            }
            sftp_call_free(&calls[i]);
        }
    }
    return r == -ENODATA ? 0 : r;
}

/* Names that VMware makes of a UUID: hexadecimal digits in groups (VMFS, NFS, vSAN). */
static bool is_uuid_name(const char *name)
{
    size_t len = strlen(name);
    return len >= 17 && strspn(name, "0123456789abcdefABCDEF-") == len && strchr(name, '-');
}

/* Takes the directory out of the list that a link beside it names. text: what the link shows. */
static int unlist_one(const char *dir, const char *text, struct listing *l)
{
    struct listing_entry *e = is_uuid_name(path_name(text)) ? find(l, path_name(text)) : NULL;
    if (!e || !S_ISDIR(e->attrs.mode))
        return 0;
    BUF_AUTO through_root = {0}; /* how an absolute link names what is beside it */
    int r = 0;
    for (const char *at = dir; at && *at && r == 0; at = strchr(at, '/') ? strchr(at, '/') + 1 : 0)
        r = buf_add_str(&through_root, "../");
    if (r == 0)
        r = buf_addf(&through_root, "%s%s%s", dir, dir[0] ? "/" : "", e->name);
    if (r == 0 && (strcmp(text, e->name) == 0 || strcmp(text, through_root.data) == 0))
        e->unlisted = true;
    return r;
}

/* Takes those directories out of the list that a link beside them names. */
static int unlist_uuids(struct remote *remote, const char *dir, const struct wait *wait,
                        struct listing *l)
{
    bool any = false;
    for (size_t i = 0; i < l->n && !any; i++)
        any = S_ISDIR(l->entries[i].attrs.mode) && is_uuid_name(l->entries[i].name);
    if (!any)
        return 0;
    FREE_AUTO struct sftp_call **calls = calloc(l->n, sizeof(struct sftp_call *));
    if (!calls)
        return -ENOMEM;
    for (size_t i = 0; i < l->n; i++) {
        FREE_AUTO char *path = path_join(dir, l->entries[i].name);
        FREE_AUTO char *full = path ? remote_path(remote, path) : NULL;
        if (full && S_ISLNK(l->entries[i].attrs.mode))
            calls[i] = sftp_readlink(remote->sftp, full);
    }
    int r = 0;
    for (size_t i = 0; i < l->n; i++) {
        int call_r = calls[i] ? sftp_wait(calls[i], wait) : -ENOENT;
        BUF_AUTO text = {0};
        if (call_r == 0)
            call_r = remote_contain_link(remote, dir, sftp_call_path(calls[i]), &text);
        if (call_r == 0)
            call_r = unlist_one(dir, text.data, l);
        if (call_r == -ENOTCONN || call_r == -EINTR || call_r == -EIO || call_r == -ENOMEM)
            r = call_r;
        sftp_call_free(&calls[i]);
    }
    return r;
}

static int load_once(struct remote *remote, const char *dir, const struct wait *wait,
                     struct listing *l)
{
    FREE_AUTO char *full = remote_path(remote, dir);
    if (!full)
        return -ENOMEM;
    SFTP_CALL_AUTO *open = sftp_opendir(remote->sftp, full);
    int r = sftp_wait(open, wait);
    if (r < 0)
        return r;
    r = read_entries(remote, sftp_call_handle(open), wait, l);
    sftp_forget(sftp_close(remote->sftp, sftp_call_handle(open)));
    if (r == 0 && l->n > 0)
        qsort(l->entries, l->n, sizeof(*l->entries), compare_entries);
    if (r == 0)
        r = unlist_uuids(remote, dir, wait, l);
    return r;
}

/* Why a directory cannot be opened: OpenSSH says "no such file" of a file too, others "failure". */
static int explain(struct remote *remote, const char *dir, const struct wait *wait, int r)
{
    if (r != -EREMOTEIO && r != -ENOENT)
        return r;
    FREE_AUTO char *full = remote_path(remote, dir);
    SFTP_CALL_AUTO *stat = full ? sftp_lstat(remote->sftp, full) : NULL;
    if (sftp_wait(stat, wait) == 0 && !S_ISDIR(sftp_call_attrs(stat)->mode))
        return -ENOTDIR;
    return r == -ENOENT ? r : -EIO;
}

static int load(struct remote *remote, const char *dir, const struct wait *wait,
                struct listing **ret)
{
    int r;
    do {
        LISTING_AUTO *l = calloc(1, sizeof(*l));
        if (!l)
            return -ENOMEM;
        l->cached.destroy = destroy;
        l->cached.bytes = sizeof(*l);
        atomic_init(&l->cached.refs, 1);
        r = load_once(remote, dir, wait, l);
        if (r == 0) {
            *ret = steal(l);
            return 0;
        }
    } while (remote_again(remote, wait, &r));
    return explain(remote, dir, wait, r);
}

int remote_list(struct remote *remote, const char *dir, int64_t max_age_ms, const struct wait *wait,
                struct listing **ret)
{
    struct cached *known = NULL;
    struct cached *found = NULL;
    struct cache_ticket ticket;
    int r = cache_begin(remote->listings, dir, cache_not_before(max_age_ms), wait, &found, &ticket);
    if (r == 1) {
        struct listing *l = NULL;
        known = found;
        r = load(remote, dir, wait, &l);
        cache_end(remote->listings, &ticket, l ? &l->cached : NULL, r);
        found = (struct cached *)l;
    }
    /* While the link is down, what is cached is still shown. */
    if (r == -EIO) {
        int64_t true_at;
        found = known ? cached_ref(known) : cache_peek(remote->listings, dir, &true_at);
        r = found ? 0 : r;
    }
    cached_unref(known);
    if (r == 0)
        *ret = (struct listing *)found;
    return r;
}

int remote_getattr(struct remote *remote, const char *path, int64_t max_age_ms,
                   const struct wait *wait, struct sftp_attrs *ret, int64_t *ret_true_at)
{
    FREE_AUTO char *dir = path_dir(path);
    FREE_AUTO char *full = remote_path(remote, path);
    if (!dir || !full)
        return -ENOMEM;
    int64_t true_at;
    LISTING_AUTO *l = (struct listing *)cache_peek(remote->listings, dir, &true_at);
    const struct listing_entry *e = l && path[0] ? listing_find(l, path_name(path)) : NULL;
    if (l && path[0] && max_age_ms > 0 && true_at >= clock_ms() - max_age_ms) {
        if (e)
            *ret = e->attrs;
        *ret_true_at = true_at;
        return e ? 0 : -ENOENT;
    }
    int r;
    *ret_true_at = clock_ms();
    do {
        SFTP_CALL_AUTO *call = sftp_lstat(remote->sftp, full);
        r = sftp_wait(call, wait);
        if (r == 0)
            *ret = *sftp_call_attrs(call);
    } while (remote_again(remote, wait, &r));
    if (r == -EIO && e) {
        *ret = e->attrs;
        r = 0;
    }
    return r == -EREMOTEIO ? -EIO : r;
}
