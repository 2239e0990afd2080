/* SPDX-License-Identifier: MIT */
#include "power_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "host/facts/facts_cache.h"
#include "parser/why/fault.h"
#include "power_failures.h"
#include "power_reason.h"
#include "remote/in_use/used_files.h"
#include "vim_cmd.h"
#include "vm_tasks.h"

enum {
    JOBS_MAX = 64,  /* threads and connections */
    LOOK_MS = 1000, /* how often the state is looked at while it changes */
};

struct power_job {
    struct power_job *prev, *next; /* in host->jobs, until it has ended */
    struct host *host;
    const struct power_command *command;
    int64_t begun_at; /* clock_ms() */
    int64_t deadline; /* the same */
    atomic_bool is_so;
    char id[24];

    /* protected by host->lock */
    unsigned refs;    /* one is the thread's */
    unsigned waiters; /* callers that will be told */
    bool taken, ended;
    int result;
    struct diag why;

    char path[];
};

/* ---- the thread */

static bool is_over(void *ctx)
{
    const struct power_job *job = ctx;
    return atomic_load(&job->is_so) || atomic_load(&job->host->stop);
}

static struct wait wait_of(struct power_job *job)
{
    return (struct wait){.deadline = job->deadline, .interrupted = is_over, .ctx = job};
}

/* The state, by the connection for questions: a silent host is asked again until the deadline, when
 * it is -ETIMEDOUT. */
static int look(struct power_job *job, enum vmx_power *ret, struct diag *why)
{
    const struct wait wait = wait_of(job);
    int r = -EIO;
    while (r == -EIO && clock_ms() < job->deadline) {
        const struct wait ask = host_soon(job->host, &wait);
        r = host_state_of(job->host, job->id, &ask, ret, why);
        if (r == -EIO && wait_sleep(&wait, LOOK_MS) == -EINTR)
            return -EINTR;
    }
    return r == -EIO ? -ETIMEDOUT : r;
}

/* Until the state is what is wanted. *ret: the last one. busy: only as long as something may be
 * under way with the VM. 0; 1: nothing is, and it is not what is wanted; -ETIMEDOUT; ... */
static int await_state(struct power_job *job, bool busy, enum vmx_power *ret, struct diag *why)
{
    const struct wait wait = wait_of(job);
    for (;;) {
        const struct wait ask = host_soon(job->host, &wait);
        bool more = !busy || vm_is_busy(job->host, job->id, &ask) != 0;
        int r = look(job, ret, why);
        if (r < 0 || *ret == job->command->wanted)
            return r;
        if (!more)
            return 1;
        r = wait_sleep(&wait, LOOK_MS);
        if (r < 0)
            return r == -EIO ? -ETIMEDOUT : r;
    }
}

static int not_known(struct power_job *job, int r, enum vmx_power power, struct diag *why)
{
    if (r == 1)
        diag_set(why, "the connection was lost, the VM is %s, and nothing is under way with it",
                 power_text(power));
    else if (r == -ETIMEDOUT)
        diag_set(why,
                 "%s was begun, and the connection was lost; when it was last seen, the VM was %s, "
                 "and what became of it is not known",
                 job->command->name, power_text(power));
    return r == 1 || r == -ETIMEDOUT ? -EIO : r;
}

/* What became of the command: what the state says wins over what the command said. */
static int settle(struct power_job *job, int r, struct buf *said, struct diag *why)
{
    const enum vmx_power wanted = job->command->wanted;
    enum vmx_power power = VMX_POWER_UNKNOWN;
    struct diag asked = {0};
    bool was_given = r == 0 || r == -EREMOTEIO || r == -EIO; /* or may have been */
    if (!was_given || (wanted == VMX_POWER_UNKNOWN && r != -EREMOTEIO))
        return r;
    if (r == -EREMOTEIO) {
        bool is = wanted != VMX_POWER_UNKNOWN && look(job, &power, &asked) == 0 && power == wanted;
        const struct wait wait = wait_of(job);
        return is ? 0 : power_reason(job->host, job->id, said, &wait, why);
    }
    int state = await_state(job, r == -EIO, &power, &asked);
    if (r < 0 && state != 0)
        return not_known(job, state, power, why);
    if (state == -ETIMEDOUT)
        diag_set(
            why,
            "the VM is %s, and did not become what was asked for in time; what was begun goes on",
            power_text(power));
    else if (state < 0)
        diag_set(why, "%s", asked.text);
    return state;
}

/* The times of the log are by the host's clock, too. */
static void note(struct power_job *job, struct span said)
{
    const struct wait wait = wait_of(job);
    const time_t now = said.n > 0 ? vm_host_now(job->host, &wait) : 0;
    power_failure_note(job->host, job->path, now > 0 ? now : clock_wall_s(), said);
}

static int carry_out(struct power_job *job, struct diag *why)
{
    struct host *host = job->host;
    const struct exec_options options = {.connect = host->options.connect,
                                         .ctx = host->options.ctx};
    const char *const words[] = {"vim-cmd", job->command->word, job->id, NULL};
    const struct wait wait = wait_of(job);
    struct exec *exec = NULL;
    BUF_AUTO said = {0};
    int status = 0;
    int r = exec_new(&options, &exec) ?: exec_run(exec, words, &wait, &said, &status, why);
    exec_free(exec);
    if (r == 0) {
        lock_take(&host->lock);
        job->taken = true;
        lock_drop(&host->lock);
        r = status == 0 && !vmx_says_failed(buf_span(&said)) ? 0 : -EREMOTEIO;
    }
    bool refused = r == -EREMOTEIO;
    r = settle(job, r, &said, why);
    if (r == -EINTR && atomic_load(&job->is_so))
        r = 0;
    if (r == 0)
        buf_clear(&said);
    if (job->command->wanted == VMX_POWER_ON && (r == 0 || refused))
        note(job, buf_span(&said));
    return r;
}

static void unref_locked(struct host *host, struct power_job *job) REQUIRES(&host->lock)
{
    (void)host;
    if (--job->refs == 0)
        free(job);
}

static void *run(void *arg)
{
    struct power_job *job = arg;
    struct host *host = job->host;
    struct diag why = {0};
    int r = carry_out(job, &why);
    host_outdate(host, false);
    remote_use_changed(host->remote);
    lock_take(&host->lock);
    if (job->waiters == 0 && r < 0 && r != -EINTR)
        journal_add(host->journal, r == -EREMOTEIO ? -EIO : r, job->path, "power", why.text);
    DL_DELETE(host->jobs, job);
    host->n_jobs--;
    job->ended = true;
    job->result = r;
    job->why = why;
    unref_locked(host, job);
    condition_wake_all(&host->woken);
    lock_drop(&host->lock);
    return NULL;
}

/* ---- the callers */

static struct power_job *find_locked(struct host *host, const char *path,
                                     enum host_power_command command) REQUIRES(&host->lock)
{
    struct power_job *job;
    DL_FOREACH (host->jobs, job) {
        if (job->command == power_command(command) && strcmp(job->path, path) == 0)
            return job;
    }
    return NULL;
}

static int start_locked(struct host *host, const char *path, const char *id,
                        enum host_power_command command, struct power_job **ret)
    REQUIRES(&host->lock)
{
    pthread_t thread;
    const size_t n = strlen(path);
    struct power_job *job = calloc(1, sizeof(*job) + n + 1);
    if (!job)
        return -ENOMEM;
    job->host = host;
    job->command = power_command(command);
    job->begun_at = clock_ms();
    job->deadline = job->begun_at + host->options.power_timeout_ms;
    job->refs = 1;
    snprintf(job->id, sizeof(job->id), "%s", id);
    memcpy(job->path, path, n);
    int r = thread_start(&thread, run, job); /* it waits for the lock before it ends */
    if (r < 0) {
        free(job);
        return r;
    }
    pthread_detach(thread);
    DL_APPEND(host->jobs, job);
    host->n_jobs++;
    *ret = job;
    return 0;
}

int power_job_begin(struct host *host, const char *path, const char *id,
                    enum host_power_command command, const struct wait *wait,
                    struct power_job **ret, struct diag *why)
{
    int r = 0;
    lock_take(&host->lock);
    struct power_job *job = find_locked(host, path, command);
    while (r == 0 && !job && host->n_jobs >= JOBS_MAX) {
        r = wait_on(wait, &host->woken, &host->lock);
        job = find_locked(host, path, command);
    }
    if (r < 0)
        diag_set(why, "%d power commands are under way", JOBS_MAX);
    else if (!job)
        r = start_locked(host, path, id, command, &job);
    if (r == 0) {
        job->refs++;
        job->waiters++;
        *ret = job;
    }
    lock_drop(&host->lock);
    return r;
}

int power_job_await(struct power_job *job, const struct wait *wait, int ms, int *ret_result,
                    struct diag *why)
{
    struct host *host = job->host;
    struct wait some = *wait;
    const int64_t until = clock_ms() + ms;
    int r = 0;
    if (some.deadline > until)
        some.deadline = until;
    lock_take(&host->lock);
    while (r == 0 && !job->ended)
        r = wait_on(&some, &host->woken, &host->lock);
    if (job->ended) {
        *ret_result = job->result;
        *why = job->why;
        r = 1;
    }
    lock_drop(&host->lock);
    return r == -EIO && clock_ms() < wait->deadline ? 0 : r;
}

bool power_job_is_taken(struct power_job *job)
{
    lock_take(&job->host->lock);
    bool is = job->taken;
    lock_drop(&job->host->lock);
    return is;
}

void power_job_settle(struct power_job *job)
{
    atomic_store(&job->is_so, true);
}

void power_job_leave(struct power_job *job)
{
    struct host *host = job->host;
    lock_take(&host->lock);
    job->waiters--;
    unref_locked(host, job);
    lock_drop(&host->lock);
}

bool power_job_starts(struct host *host, const char *path)
{
    lock_take(&host->lock);
    bool is = find_locked(host, path, HOST_POWER_ON) != NULL;
    lock_drop(&host->lock);
    return is;
}

int power_jobs_describe(struct host *host, const char *path, struct buf *ret)
{
    const struct power_job *job;
    int r = 0;
    lock_take(&host->lock);
    DL_FOREACH (host->jobs, job) {
        if (r == 0 && strcmp(job->path, path) == 0)
            r = buf_addf(ret, "%s %lld s\n", job->command->name,
                         (long long)(clock_ms() - job->begun_at) / 1000);
    }
    lock_drop(&host->lock);
    return r;
}

void power_jobs_done(struct host *host)
{
    const struct wait for_ever = {.deadline = INT64_MAX / 2}; /* each sees that it is to stop */
    lock_take(&host->lock);
    while (host->n_jobs > 0)
        wait_on(&for_ever, &host->woken, &host->lock);
    lock_drop(&host->lock);
}
