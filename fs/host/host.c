/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "host/facts/facts_cache.h"
#include "host/facts/stores.h"
#include "host/tell/power_failures.h"
#include "host/tell/power_job.h"
#include "host/tell/reload.h"
#include "host/tell/vim_cmd.h"
#include "remote/in_use/evidence.h"
#include "use_evidence.h"

enum {
    IDLE_MS = 5 * 60 * 1000,  /* the connection is closed when unused for so long */
    TIDY_MS = 10 * 1000,      /* how often that is looked at */
    WATCH_MS = 60 * 1000,     /* after a commit, what runs is asked for so long ... */
    WATCH_EACH_MS = 5 * 1000, /* ... this often */
};

/* ---- the thread */

static bool is_stopped(void *ctx)
{
    return atomic_load(&((struct host *)ctx)->stop);
}

/* A commit is likely to be followed by others. */
static bool is_watched_locked(const struct host *host, int64_t now) REQUIRES(&host->lock)
{
    return host->kind != HOST_NONE && now - host->wanted_at < WATCH_MS;
}

static void serve_reloads(struct host *host)
{
    bool more = true;
    while (more) {
        struct wait wait = wait_for_ms(remote_options(host->remote)->timeout_ms);
        int r = host_begin(host, &wait);
        if (r == -EOPNOTSUPP)
            reload_forget(host, NULL);
        else if (r < 0) /* not within reach */
            reload_postpone(host, WATCH_EACH_MS);
        more = r == 0 && reload_one_due(host, clock_ms(), &wait) && !is_stopped(host);
        if (r == 0)
            host_done(host);
    }
}

static void watch_vms(struct host *host)
{
    struct wait wait = wait_for_ms(remote_options(host->remote)->timeout_ms);
    wait.interrupted = is_stopped;
    wait.ctx = host;
    const struct host_facts *facts = NULL;
    host_facts(host, WATCH_EACH_MS, &wait, &facts);
    host_facts_unref(facts);
}

/* Asks for the datastores again, if somebody wants that. */
static void watch_stores(struct host *host)
{
    const struct wait wait = wait_for_ms(remote_options(host->remote)->timeout_ms);
    const struct host_facts *facts = NULL;
    lock_take(&host->lock);
    bool wanted = host->stores_wanted;
    lock_drop(&host->lock);
    if (wanted && host_stores(host, 0, &wait, &facts) == 0)
        host_facts_unref(facts);
    lock_take(&host->lock);
    host->stores_wanted = false;
    lock_drop(&host->lock);
}

/* Waits for the next thing to do; without a host there is none. True: a reload is due. */
static bool wait_for_work_locked(struct host *host, bool *ret_watch) REQUIRES(&host->lock)
{
    int64_t now = clock_ms();
    bool watched = is_watched_locked(host, now);
    int64_t next = reload_next_locked(host);
    int64_t until = host->kind == HOST_NONE ? INT64_MAX / 2
                    : watched               ? now + WATCH_EACH_MS
                                            : now + TIDY_MS;
    const struct wait wait = {.deadline = next < until ? next : until};
    if (next > now && !host->stores_wanted)
        wait_on(&wait, &host->woken, &host->lock);
    now = clock_ms();
    *ret_watch = is_watched_locked(host, now) && now - host->asked_at >= WATCH_EACH_MS;
    return reload_next_locked(host) <= now;
}

static void *run(void *arg)
{
    struct host *host = arg;
    struct wait first = wait_for_ms(remote_options(host->remote)->timeout_ms);
    lock_take(&host->lock);
    host_identify_locked(host, HOST_POSSIBLE, &first);
    while (!is_stopped(host)) {
        bool watch = false;
        bool reload = wait_for_work_locked(host, &watch);
        lock_drop(&host->lock);
        if (reload)
            serve_reloads(host);
        if (watch)
            watch_vms(host);
        watch_stores(host);
        exec_tidy(host->exec);
        exec_tidy(host->stores_exec);
        lock_take(&host->lock);
    }
    lock_drop(&host->lock);
    return NULL;
}

/* ---- */

static void end_waits(struct host *host)
{
    turn_done(&host->acting);
    turn_done(&host->asking);
    condition_done(&host->woken);
    lock_done(&host->lock);
}

int host_begin_work(struct host *host)
{
    lock_take(&host->lock);
    int r = host->begun ? 0 : thread_start(&host->thread, run, host);
    host->begun = r == 0;
    lock_drop(&host->lock);
    return r;
}

static void hear_date(void *ctx, int64_t date_s)
{
    remote_tell_date(ctx, date_s);
}

int host_new(struct remote *remote, struct journal *journal, const struct host_options *options,
             struct host **ret)
{
    const struct exec_options exec_options = {.connect = options->connect,
                                              .ctx = options->ctx,
                                              .hear_date = hear_date,
                                              .hear_ctx = remote,
                                              .idle_ms = IDLE_MS};
    FREE_AUTO struct host *host = calloc(1, sizeof(*host));
    if (!host)
        return -ENOMEM;
    host->remote = remote;
    host->journal = journal;
    host->options = *options;
    host->wanted_at = host->stores_asked_at = INT64_MIN / 2;
    lock_init(&host->lock);
    condition_init(&host->woken);
    turn_init(&host->asking);
    turn_init(&host->acting);
    int r = stores_init(host) ?: exec_new(&exec_options, &host->exec);
    if (r < 0) {
        exec_free(host->exec);
        stores_done(host);
        end_waits(host);
        return r;
    }
    evidence_give(host);
    *ret = steal(host);
    return 0;
}

void host_free(struct host *host)
{
    if (!host)
        return;
    struct wait wait = wait_for_ms(remote_options(host->remote)->timeout_ms);
    lock_take(&host->lock);
    atomic_store(&host->stop, true);
    condition_wake_all(&host->woken);
    const bool begun = host->begun;
    lock_drop(&host->lock);
    if (begun)
        pthread_join(host->thread, NULL);
    power_jobs_done(host);
    if (host->due && host_begin(host, &wait) == 0) {
        while (reload_one_due(host, INT64_MAX, &wait))
            ;
        host_done(host);
    }
    reload_forget(host, NULL);
    power_failures_done(host);
    remote_set_evidence(host->remote, NULL);
    exec_free(host->exec);
    stores_done(host);
    host_facts_unref(host->facts);
    for (size_t i = 0; i < QUESTIONS; i++)
        buf_done(&host->answers[i].text);
    end_waits(host);
    free(host);
}

int host_describe(struct host *host, struct buf *ret)
{
    const struct due *d;
    lock_take(&host->lock);
    size_t due = host->due_taken;
    for (d = host->due; d; d = d->next)
        due++;
    const char *is = host->kind == HOST_THERE  ? "ESXi"
                     : host->kind == HOST_NONE ? "none"
                                               : "not asked yet";
    if (host->facts)
        is = host->facts->version_line;
    int r = buf_addf(ret, "host: %s\n", is);
    if (r == 0 && host->facts && host->facts->platform_uuid)
        r = buf_addf(ret, "platform-uuid: %s\n", host->facts->platform_uuid);
    if (r == 0 && host->kind == HOST_THERE)
        r = buf_addf(ret, "reloads: %lu\nreloads-failed: %lu\nreloads-due: %zu\n", host->reloads,
                     host->reloads_failed, due);
    if (r == 0 && host->why.text[0])
        r = buf_addf(ret, "host-error: %s\n", host->why.text);
    lock_drop(&host->lock);
    return r;
}
