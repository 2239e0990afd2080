/* SPDX-License-Identifier: MIT */
#include "stores.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "parse.h"
#include "remote/names/inaccessible.h"
#include "remote/names/paths.h"

enum {
    GOOD_MS = 30 * 1000, /* so old may be what is known, before it is asked for again, ... */
    BAD_MS = 5 * 1000,   /* ... and while a datastore is inaccessible, or nobody answers */
    HALF_MAX_MS = 10 * 1000,
    IDLE_MS = 60 * 1000, /* the connection is closed when unused for so long */
};

int stores_init(struct host *host)
{
    const struct exec_options options = {
        .connect = host->options.connect, .ctx = host->options.ctx, .idle_ms = IDLE_MS};
    turn_init(&host->asking_stores);
    return exec_new(&options, &host->stores_exec);
}

void stores_done(struct host *host)
{
    exec_free(host->stores_exec);
    host_facts_unref(host->stores);
    turn_done(&host->asking_stores);
}

static const char volumes[] = "/vmfs/volumes";

struct span stores_volumes(const struct host *host)
{
    const char *root = remote_root(host->remote);
    const char *at = strstr(root, volumes);
    size_t n = strlen(volumes);
    bool is = at && (at[n] == '/' || at[n] == '\0');
    return is ? (struct span){root, (size_t)(at - root) + n} : span_of(volumes);
}

bool stores_is_inaccessible(const struct host_facts *known, struct span datastore)
{
    for (size_t i = 0; known && i < known->n_stores; i++) {
        const struct host_store *store = &known->stores[i];
        if (store->accessible == VMX_NO &&
            (span_eq(span_of(store->uuid), datastore) || span_eq(span_of(store->name), datastore)))
            return true;
    }
    return false;
}

/* ---- what the host says */

static bool has_type(const struct host_facts *facts, const char *type)
{
    bool any = false;
    for (size_t i = 0; i < facts->n_stores; i++)
        any = any || strcmp(facts->stores[i].type, type) == 0;
    return any;
}

/* The list of NFS mounts says more of them: whether their server answers. */
static int ask_nas(struct host *host, const char *type, const char *command,
                   const struct wait *wait, struct host_facts *facts)
{
    const char *const words[] = {"esxcli", "storage", command, "list", NULL};
    BUF_AUTO text = {0};
    struct diag why = {0};
    int status = 0;
    if (!has_type(facts, type))
        return 0;
    int r = exec_ask(host->stores_exec, words, wait, &text, &status, &why);
    if (r == 0 && status == 0)
        r = parse_nas(buf_span(&text), type, facts);
    return r == -EINTR || r == -ENOMEM ? r : 0;
}

/* With an error for one volume the command may fail and list the others all the same. */
static int ask(struct host *host, const struct wait *wait, const struct host_facts **ret)
{
    static const char *const words[] = {"esxcli", "storage", "filesystem", "list", NULL};
    BUF_AUTO text = {0};
    struct diag why = {0};
    int status = 0;
    int64_t now = clock_ms();
    struct host_facts *facts = host_facts_new();
    if (!facts)
        return -ENOMEM;
    facts->at = now;
    int r = exec_ask(host->stores_exec, words, wait, &text, &status, &why)
        ?: parse_stores(buf_span(&text), facts)
        ?: ask_nas(host, "NFS", "nfs", wait, facts)
        ?: ask_nas(host, "NFS41", "nfs41", wait, facts);
    if (r < 0)
        host_facts_unref(facts);
    else
        *ret = facts;
    return r;
}

/* ---- what follows from it */

/* A datastore's path in the mount: "" where the root is in it. False: it is outside. */
static bool add_path(const struct host *host, const struct host_store *store, struct buf *ret)
{
    const struct span at = stores_volumes(host);
    BUF_AUTO full = {0};
    if (buf_addf(&full, "%.*s/%s", (int)at.n, at.p, store->uuid) < 0)
        return false;
    if (path_below(full.data, remote_root(host->remote)))
        return buf_add_str(ret, "") == 0;
    const char *below = remote_below_root(host->remote, full.data);
    return below && buf_add_str(ret, below) == 0;
}

static void tell(struct host *host, const struct host_store *store, const char *path,
                 const struct host_facts *before)
{
    bool was = stores_is_inaccessible(before, span_of(store->uuid));
    const char *file = path[0] ? path : store->uuid;
    if (store->accessible == VMX_NO && !was)
        journal_add(host->journal, -EIO, file, NULL,
                    "the host calls this datastore inaccessible (see .vmxfs/datastores): it is not "
                    "touched until the host says otherwise");
    else if (store->accessible == VMX_YES && was)
        journal_add(host->journal, 0, file, NULL, "the host calls this datastore accessible again");
}

/* In the order of the answers: before: the one before, or NULL. */
static int publish(struct host *host, const struct host_facts *facts,
                   const struct host_facts *before)
{
    size_t n = 0;
    struct buf *paths = calloc(facts->n_stores + 1, sizeof(*paths));
    FREE_AUTO const char **dirs = calloc(facts->n_stores + 1, sizeof(*dirs));
    int r = paths && dirs ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < facts->n_stores; i++) {
        const struct host_store *store = &facts->stores[i];
        if (!add_path(host, store, &paths[i]))
            continue;
        tell(host, store, paths[i].data, before);
        if (store->accessible == VMX_NO)
            dirs[n++] = paths[i].data;
    }
    r = r ?: remote_set_inaccessible(host->remote, dirs, n);
    for (size_t i = 0; paths && i < facts->n_stores; i++)
        buf_done(&paths[i]);
    free(paths);
    return r;
}

/* ---- asking */

static bool is_known_locked(const struct host *host, int64_t since) REQUIRES(&host->lock)
{
    return host->stores && host->stores->at >= since;
}

/* By who has the turn. Drops the lock while it waits. */
static int ask_locked(struct host *host, const struct wait *wait) REQUIRES(&host->lock)
{
    const struct host_facts *facts = NULL;
    const struct host_facts *before = host->stores;
    lock_drop(&host->lock);
    int r = ask(host, wait, &facts) ?: publish(host, facts, before);
    lock_take(&host->lock);
    host->stores_asked_at = clock_ms();
    if (r < 0) {
        host_facts_unref(facts);
        return r;
    }
    host_facts_unref(before);
    host->stores = facts;
    return 0;
}

static int refresh_locked(struct host *host, int64_t since, const struct wait *wait)
    REQUIRES(&host->lock)
{
    lock_drop(&host->lock);
    int r = turn_take(&host->asking_stores, wait);
    lock_take(&host->lock);
    if (r < 0)
        return r;
    if (!is_known_locked(host, since))
        r = ask_locked(host, wait);
    turn_give(&host->asking_stores);
    return r;
}

int stores_ask(struct host *host, int64_t since, const struct wait *wait)
{
    int r = 0;
    lock_take(&host->lock);
    while (r == 0 && !is_known_locked(host, since))
        r = refresh_locked(host, since, wait);
    lock_drop(&host->lock);
    return r;
}

static bool any_inaccessible(const struct host_facts *facts)
{
    bool any = false;
    for (size_t i = 0; facts && i < facts->n_stores; i++)
        any = any || facts->stores[i].accessible == VMX_NO;
    return any;
}

void stores_expect(struct host *host, const struct wait *wait)
{
    const struct wait half = wait_half(wait, HALF_MAX_MS);
    int64_t now = clock_ms();
    lock_take(&host->lock);
    bool known = host->stores != NULL;
    int good_ms = known && !any_inaccessible(host->stores) ? GOOD_MS : BAD_MS;
    bool due = now - host->stores_asked_at >= good_ms;
    if (due && known) {
        host->stores_wanted = true;
        condition_wake_all(&host->woken);
    }
    lock_drop(&host->lock);
    if (due && !known)
        stores_ask(host, now, &half);
}

void host_doubt_stores(struct host *host)
{
    lock_take(&host->lock);
    if (host->kind != HOST_NONE && clock_ms() - host->stores_asked_at >= BAD_MS) {
        host->stores_wanted = true;
        condition_wake_all(&host->woken);
    }
    lock_drop(&host->lock);
}

const struct host_facts *stores_known(struct host *host)
{
    lock_take(&host->lock);
    const struct host_facts *known = host->stores ? host_facts_ref(host->stores) : NULL;
    lock_drop(&host->lock);
    return known;
}
