/* SPDX-License-Identifier: MIT */
#include "prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "load.h"

enum {
    BATCH = 128,    /* loads in flight together: work that a user waits for queues behind them */
    JOBS_MAX = 256, /* directories that wait; more are left to the user */
};

struct job {
    struct job *prev, *next;
    char path[];
};

struct prefetch {
    struct remote *remote;
    pthread_t thread;
    struct lock lock;
    struct condition woken;
    struct job *jobs; /* protected by lock, and so is the count */
    size_t n_jobs;
    atomic_bool stop;
};

/* A set of loads of one kind that is run when it is full. */
struct batch {
    struct prefetch *prefetch;
    size_t n;
    struct load *loads[BATCH];
};

static bool is_stopped(void *prefetch)
{
    return atomic_load(&((struct prefetch *)prefetch)->stop);
}

static void run_batch(struct batch *batch)
{
    const struct wait wait = {
        .deadline = clock_ms() + batch->prefetch->remote->options.timeout_ms,
        .interrupted = is_stopped,
        .ctx = batch->prefetch,
    };
    load_run_all(batch->loads, batch->n, &wait);
    batch->n = 0;
}

/* Adds a path unless it is known to be true, or is being loaded. */
static void add(struct batch *batch, const struct load_kind *kind, struct cache *cache,
                const char *dir, const char *name)
{
    struct remote *remote = batch->prefetch->remote;
    struct cached *known = NULL;
    struct cache_ticket ticket;
    FREE_AUTO char *path = path_join(dir, name);
    if (!path || atomic_load(&batch->prefetch->stop))
        return;
    int64_t not_before = cache_not_before(remote->options.cache_timeout_ms);
    if (!cache_try_begin(cache, path, not_before, &known, &ticket))
        return;
    if (load_new(kind, remote, cache, path, &ticket, known, &batch->loads[batch->n]) == 0)
        batch->n++;
    if (batch->n == BATCH)
        run_batch(batch);
}

static struct listing *known_listing(struct remote *remote, const char *dir)
{
    int64_t true_at;
    return (struct listing *)cache_peek(remote->listings, dir, &true_at);
}

/* What may be loaded ahead without pushing out what was loaded before. */
static bool has_room(struct remote *remote)
{
    size_t count;
    size_t bytes;
    cache_stats(remote->documents, &count, &bytes);
    return bytes < remote->options.cache_size / 2;
}

static void add_documents(struct batch *batch, const char *dir)
{
    struct remote *remote = batch->prefetch->remote;
    LISTING_AUTO *l = known_listing(remote, dir);
    for (size_t i = 0; l && i < l->n && has_room(remote); i++) {
        if (remote_is_vmx(remote, l->entries[i].name, &l->entries[i].attrs))
            add(batch, &document_load_kind, remote->documents, dir, l->entries[i].name);
    }
}

static void work(struct prefetch *prefetch, const char *dir)
{
    struct batch batch = {.prefetch = prefetch};
    struct remote *remote = prefetch->remote;
    LISTING_AUTO *l = known_listing(remote, dir);
    for (size_t i = 0; l && i < l->n; i++) {
        if (S_ISDIR(l->entries[i].attrs.mode))
            add(&batch, &listing_load_kind, remote->listings, dir, l->entries[i].name);
    }
    run_batch(&batch);
    add_documents(&batch, dir);
    for (size_t i = 0; l && i < l->n && !atomic_load(&prefetch->stop); i++) {
        FREE_AUTO char *below = path_join(dir, l->entries[i].name);
        if (below && S_ISDIR(l->entries[i].attrs.mode))
            add_documents(&batch, below);
    }
    run_batch(&batch);
}

static void *run(void *arg)
{
    struct prefetch *prefetch = arg;
    const struct wait for_ever = {.deadline = INT64_MAX / 2};
    lock_take(&prefetch->lock);
    while (!atomic_load(&prefetch->stop)) {
        struct job *job = prefetch->jobs;
        if (!job) {
            wait_on(&for_ever, &prefetch->woken, &prefetch->lock);
            continue;
        }
        DL_DELETE(prefetch->jobs, job);
        prefetch->n_jobs--;
        lock_drop(&prefetch->lock);
        work(prefetch, job->path);
        free(job);
        lock_take(&prefetch->lock);
    }
    lock_drop(&prefetch->lock);
    return NULL;
}

int prefetch_new(struct remote *remote, struct prefetch **ret)
{
    struct prefetch *prefetch = calloc(1, sizeof(*prefetch));
    if (!prefetch)
        return -ENOMEM;
    prefetch->remote = remote;
    int r = lock_init(&prefetch->lock);
    if (r == 0) {
        r = condition_init(&prefetch->woken);
        if (r == 0) {
            r = -pthread_create(&prefetch->thread, NULL, run, prefetch);
            if (r == 0) {
                *ret = prefetch;
                return 0;
            }
            condition_done(&prefetch->woken);
        }
        lock_done(&prefetch->lock);
    }
    free(prefetch);
    return r;
}

void prefetch_free(struct prefetch *prefetch)
{
    struct job *job;
    struct job *next;
    if (!prefetch)
        return;
    lock_take(&prefetch->lock);
    atomic_store(&prefetch->stop, true);
    condition_wake_all(&prefetch->woken);
    lock_drop(&prefetch->lock);
    pthread_join(prefetch->thread, NULL);
    DL_FOREACH_SAFE(prefetch->jobs, job, next) free(job);
    condition_done(&prefetch->woken);
    lock_done(&prefetch->lock);
    free(prefetch);
}

void prefetch_directory(struct prefetch *prefetch, const char *path)
{
    size_t len = strlen(path);
    struct job *job = calloc(1, sizeof(*job) + len + 1);
    if (!job)
        return;
    memcpy(job->path, path, len);
    lock_take(&prefetch->lock);
    if (prefetch->n_jobs < JOBS_MAX) {
        DL_APPEND(prefetch->jobs, job);
        prefetch->n_jobs++;
        job = NULL;
        condition_wake_all(&prefetch->woken);
    }
    lock_drop(&prefetch->lock);
    free(job);
}
