/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "internal.h"

enum {
    IDLE_MS = 5 * 60 * 1000,  /* the connection is closed when unused for so long */
    TIDY_MS = 10 * 1000,      /* how often that is looked at */
    WATCH_MS = 60 * 1000,     /* after a commit, what runs is asked for so long ... */
    WATCH_EACH_MS = 5 * 1000, /* ... this often */
    SILENT_MS = 30 * 1000,    /* so long nobody waits in vain once more, who need not */
};

/* ---- facts: one asks, the others wait */

static int kind_error_locked(const struct host *host) REQUIRES(&host->lock)
{
    return host->kind == HOST_NONE ? -EOPNOTSUPP : 0;
}

static int begin_asking_locked(struct host *host, const struct wait *wait) REQUIRES(&host->lock)
{
    int r = 0;
    while (r == 0 && host->asking)
        r = wait_on(wait, &host->moved, &host->lock);
    if (r == 0)
        host->asking = true;
    return r == -ETIMEDOUT ? -EIO : r;
}

static void end_asking_locked(struct host *host, int r, const struct why *why) REQUIRES(&host->lock)
{
    host->asking = false;
    host->asked_at = clock_ms();
    host->silent = r == -EINTR ? host->silent : r < 0;
    if (r == -EOPNOTSUPP)
        host->kind = HOST_NONE;
    bool plain = r == -EOPNOTSUPP && !why->text[0]; /* a server without datastores */
    if (r < 0 && r != -EINTR && !plain)
        why_set(&host->why, "%s", why->text[0] ? why->text : strerror(-r));
    condition_wake_all(&host->moved);
}

/* One step of finding out what the server is. */
static int identify_step(struct host *host, int kind, const struct wait *wait, struct why *why)
{
    return kind == HOST_NOT_KNOWN ? ask_volumes(host, wait) : ask_who(host, wait, why);
}

/* Up to a kind: POSSIBLE needs no login. */
static int identify_locked(struct host *host, int up_to, const struct wait *wait)
    REQUIRES(&host->lock)
{
    int r = 0;
    if (!host->options.connect)
        host->kind = HOST_NONE;
    while (r == 0 && (int)host->kind < up_to) {
        struct why why = {0};
        r = begin_asking_locked(host, wait);
        if (r < 0)
            return r;
        int kind = (int)host->kind;
        if (kind < up_to) {
            lock_drop(&host->lock);
            r = identify_step(host, kind, wait, &why);
            lock_take(&host->lock);
            if (r == 0)
                host->kind = kind == HOST_NOT_KNOWN ? HOST_POSSIBLE : HOST_THERE;
        }
        end_asking_locked(host, r, &why);
    }
    return r < 0 ? r : kind_error_locked(host);
}

static int refresh_locked(struct host *host, const struct wait *wait) REQUIRES(&host->lock)
{
    const struct host_facts *facts = NULL;
    struct why why = {0};
    lock_drop(&host->lock);
    int r = ask_facts(host, wait, &facts, &why);
    lock_take(&host->lock);
    if (r == 0) {
        host_facts_unref(host->facts);
        host->facts = facts;
    }
    end_asking_locked(host, r, &why);
    return r;
}

int host_facts(struct host *host, int max_age_ms, const struct wait *wait,
               const struct host_facts **ret)
{
    int64_t since = clock_ms() - max_age_ms;
    lock_take(&host->lock);
    int r = identify_locked(host, HOST_THERE, wait);
    if (since < host->changed_at)
        since = host->changed_at;
    while (r == 0 && !(host->facts && host->facts->at >= since)) {
        r = begin_asking_locked(host, wait);
        const struct why none = {0};
        if (r == 0 && host->facts && host->facts->at >= since)
            end_asking_locked(host, 0, &none);
        else if (r == 0)
            r = refresh_locked(host, wait);
    }
    if (r == 0)
        *ret = host_facts_ref(host->facts);
    lock_drop(&host->lock);
    return r == -EACCES ? -EIO : r;
}

struct wait host_half_of(const struct wait *wait)
{
    struct wait half = *wait;
    int64_t now = clock_ms();
    half.deadline = now + (wait->deadline - now) / 2;
    return half;
}

const struct host_facts *host_facts_soon(struct host *host, int max_age_ms, const struct wait *wait)
{
    const struct host_facts *facts = NULL;
    int64_t now = clock_ms();
    struct wait half = host_half_of(wait);
    lock_take(&host->lock);
    bool silent = host->silent && now - host->asked_at < SILENT_MS;
    if (silent && host->facts && host->facts->at >= now - max_age_ms &&
        host->facts->at >= host->changed_at)
        facts = host_facts_ref(host->facts);
    lock_drop(&host->lock);
    if (!silent && host_facts(host, max_age_ms, &half, &facts) < 0)
        return NULL;
    return facts;
}

bool host_exists(struct host *host, const struct wait *wait)
{
    lock_take(&host->lock);
    int r = identify_locked(host, HOST_THERE, wait);
    lock_drop(&host->lock);
    return r == 0;
}

void host_about_vm(const struct host_facts *facts, const char *path, struct vmx_host_vm *ret)
{
    const struct host_vm *vm = host_facts_vm(facts, path);
    *ret = (struct vmx_host_vm){.path = path};
    if (facts->vms_known)
        ret->listed = vm ? VMX_YES : VMX_NO;
    if (vm && facts->running_known)
        ret->power = vm->running ? VMX_POWER_ON : VMX_POWER_OFF;
}

/* ---- for those who tell it something */

int host_begin(struct host *host, const struct wait *wait)
{
    lock_take(&host->lock);
    int r = identify_locked(host, HOST_THERE, wait);
    while (r == 0 && host->acting)
        r = wait_on(wait, &host->moved, &host->lock);
    if (r == 0)
        host->acting = true;
    lock_drop(&host->lock);
    return r == -ETIMEDOUT ? -EIO : r;
}

void host_done(struct host *host)
{
    lock_take(&host->lock);
    host->acting = false;
    condition_wake_all(&host->moved);
    lock_drop(&host->lock);
}

void host_outdate(struct host *host, bool hardware)
{
    if (hardware)
        atomic_store(&host->hardware_again, true);
    lock_take(&host->lock);
    host->changed_at = clock_ms() + 1;
    lock_drop(&host->lock);
}

int host_command(struct host *host, const char *const *words, const struct wait *wait,
                 struct why *why)
{
    BUF_AUTO text = {0};
    int status = 0;
    int r = exec_run(host->exec, words, wait, &text, &status, why);
    if (r < 0 || status == 0)
        return r;
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < ' ')
            text.data[i] = ' ';
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.data[--text.len] = '\0';
    why_set(why, "%s %s: %.400s", words[0], words[1],
            text.len > 0 ? text.data : "it failed and did not say why");
    return -EREMOTEIO;
}

int host_vm_id(struct host *host, const char *path, const struct wait *wait, char ret[24],
               struct why *why)
{
    const struct host_facts *facts = NULL;
    const struct host_vm *vm = NULL;
    int r = host_facts(host, WATCH_MS, wait, &facts);
    if (r == 0)
        vm = host_facts_vm(facts, path);
    if (r == 0 && !vm) { /* it may have been registered since */
        host_facts_unref(facts);
        facts = NULL;
        r = host_facts(host, 0, wait, &facts);
        if (r == 0)
            vm = host_facts_vm(facts, path);
    }
    if (r == 0 && !vm) {
        why_set(why, "the VM is not registered on this host");
        r = -ENXIO;
    }
    if (r == 0)
        snprintf(ret, 24, "%lu", vm->id);
    host_facts_unref(facts);
    return r;
}

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
            reload_forget(host);
        else if (r < 0) /* not within reach */
            reload_postpone(host, WATCH_EACH_MS);
        more = r == 0 && reload_one_due(host, clock_ms(), &wait);
        if (r == 0)
            host_done(host);
        lock_take(&host->lock);
        more = more && !is_stopped(host);
        lock_drop(&host->lock);
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

/* Waits for the next thing to do. True: a reload is due. */
static bool wait_for_work_locked(struct host *host, bool *ret_watch) REQUIRES(&host->lock)
{
    int64_t now = clock_ms();
    bool watched = is_watched_locked(host, now);
    int64_t next = reload_next_locked(host);
    int64_t until = now + (watched ? WATCH_EACH_MS : TIDY_MS);
    const struct wait wait = {.deadline = next < until ? next : until};
    if (next > now)
        wait_on(&wait, &host->moved, &host->lock);
    now = clock_ms();
    *ret_watch = is_watched_locked(host, now) && now - host->asked_at >= WATCH_EACH_MS;
    return reload_next_locked(host) <= now;
}

static void *run(void *arg)
{
    struct host *host = arg;
    struct wait first = wait_for_ms(remote_options(host->remote)->timeout_ms);
    lock_take(&host->lock);
    identify_locked(host, HOST_POSSIBLE, &first);
    while (!is_stopped(host)) {
        bool watch = false;
        bool reload = wait_for_work_locked(host, &watch);
        lock_drop(&host->lock);
        if (reload)
            serve_reloads(host);
        if (watch)
            watch_vms(host);
        exec_tidy(host->exec);
        lock_take(&host->lock);
    }
    lock_drop(&host->lock);
    return NULL;
}

/* ---- */

int host_new(struct remote *remote, struct journal *journal, const struct host_options *options,
             struct host **ret)
{
    const struct exec_options exec_options = {
        .connect = options->connect, .ctx = options->ctx, .idle_ms = IDLE_MS};
    struct host *host = calloc(1, sizeof(*host));
    if (!host)
        return -ENOMEM;
    host->remote = remote;
    host->journal = journal;
    host->options = *options;
    host->wanted_at = INT64_MIN / 2;
    int r = lock_init(&host->lock);
    if (r == 0) {
        r = condition_init(&host->moved);
        if (r == 0) {
            r = exec_new(&exec_options, &host->exec);
            if (r == 0)
                r = thread_start(&host->thread, run, host);
            if (r == 0) {
                evidence_give(host);
                *ret = host;
                return 0;
            }
            exec_free(host->exec);
            condition_done(&host->moved);
        }
        lock_done(&host->lock);
    }
    free(host);
    return r;
}

void host_free(struct host *host)
{
    if (!host)
        return;
    struct wait wait = wait_for_ms(remote_options(host->remote)->timeout_ms);
    lock_take(&host->lock);
    atomic_store(&host->stop, true);
    condition_wake_all(&host->moved);
    lock_drop(&host->lock);
    pthread_join(host->thread, NULL);
    lock_take(&host->lock);
    bool due = host->due != NULL;
    lock_drop(&host->lock);
    if (due && host_begin(host, &wait) == 0) {
        while (reload_one_due(host, INT64_MAX, &wait))
            ;
        host_done(host);
    }
    reload_forget(host);
    remote_set_evidence(host->remote, NULL);
    exec_free(host->exec);
    host_facts_unref(host->facts);
    for (size_t i = 0; i < QUESTIONS; i++)
        buf_done(&host->answers[i].text);
    condition_done(&host->moved);
    lock_done(&host->lock);
    free(host);
}

int host_describe(struct host *host, struct buf *ret)
{
    const struct due *d;
    size_t n = 0;
    lock_take(&host->lock);
    for (d = host->due; d; d = d->next)
        n++;
    const char *is = host->kind == HOST_THERE  ? "ESXi"
                     : host->kind == HOST_NONE ? "none"
                                               : "not asked yet";
    if (host->facts && host->facts->version_line)
        is = host->facts->version_line;
    int r = buf_addf(ret, "host: %s\n", is);
    if (r == 0 && host->kind == HOST_THERE)
        r = buf_addf(ret, "reloads: %lu\nreloads-failed: %lu\nreloads-due: %zu\n", host->reloads,
                     host->reloads_failed, n);
    if (r == 0 && host->why.text[0])
        r = buf_addf(ret, "host-error: %s\n", host->why.text);
    lock_drop(&host->lock);
    return r;
}
