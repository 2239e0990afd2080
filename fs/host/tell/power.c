/* SPDX-License-Identifier: MIT */
/* What callers wait for when they change the power of a VM. */
#include "power.h"

#include <errno.h>

#include "base/clock.h"
#include "device_users.h"
#include "host/facts/facts_cache.h"
#include "parser/device/passed.h"
#include "power_job.h"
#include "question.h"
#include "reload.h"
#include "remote/cache/document.h"
#include "remote/in_use/used_files.h"
#include "vim_cmd.h"
#include "vm_tasks.h"

enum { LOOK_MS = 500 }; /* how often a caller looks for a question, and at the state */

int host_power(struct host *host, const char *path, const struct wait *wait, enum vmx_power *ret,
               struct diag *why)
{
    char id[24];
    return host_vm_state(host, path, wait, id, ret, why);
}

/* ---- what is known to be refused */

/* The host refuses it, too, in words that differ from release to release. A .vmx that cannot be
 * read refuses nothing. */
static int check_suspend(struct host *host, const char *path, const struct wait *wait,
                         struct diag *why)
{
    DOCUMENT_AUTO *doc = NULL;
    PASSED_AUTO passed = {0};
    int r =
        remote_document(host->remote, path, 0, wait, &doc) ?: vmx_passed_find(doc->dict, &passed);
    if (r < 0 || passed.n == 0)
        return r == -EINTR || r == -ENOMEM ? r : 0;
    diag_set(why, "a VM with a passthrough device cannot be suspended; shut it down");
    return -EOPNOTSUPP;
}

/* ---- waiting */

/* One command, one caller. */
struct follower {
    struct host *host;
    struct power_job *job;
    const char *id;
    enum vmx_power wanted;
    bool nowait;
    bool asks; /* the VM does */
};

static int tell_question(const struct vm_question *question, struct diag *why)
{
    BUF_AUTO text = {0};
    int r =
        buf_addf(&text, "the VM asks: %.300s (", question->text.len ? question->text.data : "?");
    for (size_t i = 0; r == 0 && i < question->n; i++)
        r = buf_add_str(&text, i > 0 ? ", " : "")
                ?: question_add_choice(&question->choices[i], &text);
    if (r < 0)
        return r;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n')
            text.data[i] = ' ';
    }
    diag_set(why, "%s)", text.data);
    return -EBUSY;
}

static int see_question(struct follower *f, const struct wait *wait, struct diag *why)
{
    struct vm_question question;
    struct diag asked = {0};
    int r = question_of(f->host, f->id, wait, &question, &asked);
    if (r < 0)
        return r == -EINTR || r == -ENOMEM ? r : 0;
    r = tell_question(&question, why);
    f->asks = r == -EBUSY;
    vm_question_done(&question);
    return r;
}

/* Looks once. 1: there is nothing more to wait for; 0; -EBUSY: the VM asks; -EINTR, ... A host that
 * does not answer for a while is looked at again. */
static int look(struct follower *f, const struct wait *wait, struct diag *why)
{
    const struct wait ask = host_soon(f->host, wait);
    enum vmx_power power = VMX_POWER_UNKNOWN;
    struct diag asked = {0};
    if (f->nowait)
        return power_job_is_taken(f->job) || vm_is_busy(f->host, f->id, &ask) == 1;
    int r = see_question(f, &ask, why);
    if (r < 0 || f->wanted == VMX_POWER_UNKNOWN)
        return r;
    r = host_state_of(f->host, f->id, &ask, &power, &asked);
    if (r == -EINTR || r == -ENOMEM)
        return r;
    const bool is_so = r == 0 && power == f->wanted;
    if (is_so)
        power_job_settle(f->job);
    return is_so;
}

static int follow(struct follower *f, const struct wait *wait, struct diag *why)
{
    struct wait long_wait = wait_to_ask(wait);
    long_wait.deadline = clock_ms() + f->host->options.power_timeout_ms;
    for (;;) {
        int result = 0;
        int r = power_job_await(f->job, &long_wait, LOOK_MS, &result, why);
        if (r == 1)
            return result;
        const bool last = r == -EIO;
        if (r == 0 || last) {
            const struct wait once_more = wait_for_ms(remote_options(f->host->remote)->timeout_ms);
            r = look(f, last ? &once_more : &long_wait, why);
        }
        if (r != 0)
            return r == 1 ? 0 : r;
        if (last) {
            diag_set(why,
                     "the VM did not become what was asked for in time; what was begun goes on");
            return -ETIMEDOUT;
        }
    }
}

/* ---- */

/* Up to where the command is to be given; *ret_done: it needs not be. */
static int prepare(struct host *host, const char *path, enum host_power_command command,
                   const struct wait *wait, char ret_id[24], bool *ret_done, struct diag *why)
{
    const enum vmx_power wanted = power_command(command)->wanted;
    enum vmx_power power = VMX_POWER_UNKNOWN;
    int r = host_begin(host, wait);
    if (r < 0)
        return r;
    r = reload_due_of(host, path, wait, why)
            ?: host_vm_state(host, path, wait, ret_id, &power, why);
    *ret_done = r == 0 && wanted != VMX_POWER_UNKNOWN && power == wanted;
    if (r == 0 && !*ret_done && command == HOST_POWER_SUSPEND)
        r = check_suspend(host, path, wait, why);
    if (r == 0 && !*ret_done && command == HOST_POWER_ON)
        r = host_check_device_users(host, path, wait, why);
    host_outdate(host, false);
    host_done(host);
    return r;
}

int host_power_set(struct host *host, const char *path, enum host_power_command command,
                   bool nowait, const struct wait *wait, bool *ret_asks, struct diag *why)
{
    const struct wait ask = wait_to_ask(wait);
    char id[24] = "";
    bool done = false;
    struct follower f = {
        .host = host, .id = id, .wanted = power_command(command)->wanted, .nowait = nowait};
    int r = prepare(host, path, command, &ask, id, &done, why);
    if (r < 0 || done)
        return r;
    r = power_job_begin(host, path, id, command, &ask, &f.job, why);
    if (r < 0)
        return r;
    r = follow(&f, wait, why);
    power_job_leave(f.job);
    host_outdate(host, false);
    remote_use_changed(host->remote);
    *ret_asks = f.asks;
    return r;
}

int host_tasks(struct host *host, const char *path, const struct wait *wait, struct buf *ret,
               struct diag *why)
{
    char id[24];
    int r = host_vm_id(host, path, wait, id, why);
    if (r < 0)
        return r == -ENXIO ? 0 : r;
    return power_jobs_describe(host, path, ret) ?: vm_tasks_describe(host, id, wait, ret);
}
