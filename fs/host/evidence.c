/* SPDX-License-Identifier: MIT */
/* What the host tells commits of a VM's use. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "internal.h"
#include "parse.h"

enum { EVIDENCE_MS = 30 * 1000 }; /* so old may be what a commit believes of what runs */

/* What was asked a short while ago is good enough to go on, but not to refuse. */
static bool runs(void *ctx, const char *path, const struct wait *wait, char *ret, size_t size)
{
    struct host *host = ctx;
    const struct host_facts *facts = NULL;
    lock_take(&host->lock);
    host->wanted_at = clock_ms();
    condition_wake_all(&host->moved);
    lock_drop(&host->lock);
    if (host_facts(host, EVIDENCE_MS, wait, &facts) < 0)
        return false;
    const struct host_vm *vm = host_facts_vm(facts, path);
    bool running = vm && vm->running;
    host_facts_unref(facts);
    if (!running || host_facts(host, 0, wait, &facts) < 0)
        return false;
    vm = host_facts_vm(facts, path);
    running = vm && vm->running;
    if (running)
        snprintf(ret, size, "its host says so");
    host_facts_unref(facts);
    return running;
}

/* Only the host on which the VM is registered knows. */
static bool lock_is_stale(void *ctx, const char *path, const char *lock, const struct wait *wait)
{
    struct host *host = ctx;
    const struct host_facts *facts = NULL;
    BUF_AUTO text = {0};
    struct why why = {0};
    int status = 0;
    bool held = true;
    if (host_facts(host, 0, wait, &facts) < 0)
        return false;
    const struct host_vm *vm = host_facts_vm(facts, path);
    bool off = vm && facts->running_known && !vm->running;
    host_facts_unref(facts);
    const char *const words[] = {"vmfsfilelockinfo", "-p", lock, NULL};
    return off && exec_run(host->exec, words, wait, &text, &status, &why) == 0 && status == 0 &&
           parse_lock(buf_span(&text), &held) == 0 && !held;
}

void evidence_give(struct host *host)
{
    const struct remote_evidence evidence = {
        .runs = runs, .lock_is_stale = lock_is_stale, .ctx = host};
    remote_set_evidence(host->remote, &evidence);
}
