/* SPDX-License-Identifier: MIT */
/* What the host tells commits and removals of a VM's use. A host that does not answer must not keep
 * a commit from its end: half of the time stays for that. */
#include "use_evidence.h"

#include <stdio.h>

#include "base/clock.h"
#include "host/facts/facts_cache.h"
#include "host/facts/parse.h"
#include "host/tell/power_job.h"
#include "remote/in_use/evidence.h"

enum {
    EVIDENCE_MS = 30 * 1000, /* so old may be what a commit believes of what runs */
    LOCK_MS = 5 * 1000,      /* and what says of a lock that is there whose it is */
    LISTED_MS = 5 * 1000,    /* and of a file that is to be removed whether its VM is registered */
};

static enum vmx_truth ran_as_of(struct host *host, int max_age_ms, const char *path,
                                const struct wait *wait)
{
    const struct host_facts *facts = host_facts_soon(host, max_age_ms, wait);
    const struct host_vm *vm = facts ? host_facts_vm(facts, path) : NULL;
    enum vmx_truth ran = !facts ? VMX_NOT_KNOWN : vm && vm->running ? VMX_YES : VMX_NO;
    host_facts_unref(facts);
    return ran;
}

/* Facts of a short while ago are good enough to go on. Before a commit is refused the host is asked
 * again; if it does not answer any more, the old facts count. */
static bool runs(void *ctx, const char *path, const struct wait *wait, char *ret, size_t size)
{
    struct host *host = ctx;
    lock_take(&host->lock);
    host->wanted_at = clock_ms();
    condition_wake_all(&host->woken);
    lock_drop(&host->lock);
    if (power_job_starts(host, path)) {
        snprintf(ret, size, "it is being powered on");
        return true;
    }
    if (ran_as_of(host, EVIDENCE_MS, path, wait) != VMX_YES)
        return false;
    enum vmx_truth now = ran_as_of(host, 0, path, wait);
    snprintf(ret, size, "%s",
             now == VMX_YES ? "its host says so"
                            : "its host said so a moment ago, and does not answer now");
    return now != VMX_NO;
}

/* Only the host on which the VM is registered knows. One that ran just now has its lock. */
static bool lock_is_stale(void *ctx, const char *path, const char *lock, const struct wait *wait)
{
    struct host *host = ctx;
    BUF_AUTO text = {0};
    struct diag why = {0};
    int status = 0;
    bool held = true;
    const struct host_facts *facts = host_facts_soon(host, LOCK_MS, wait);
    if (!facts)
        return false;
    const struct host_vm *vm = host_facts_vm(facts, path);
    bool off = vm && facts->running_known && !vm->running;
    host_facts_unref(facts);
    struct wait half = host_half_of(wait);
    const char *const words[] = {"vmfsfilelockinfo", "-p", lock, NULL};
    return off && exec_ask(host->exec, words, &half, &text, &status, &why) == 0 && status == 0 &&
           parse_lock(buf_span(&text), &held) == 0 && !held;
}

/* Where it has told nothing: of any VM. */
static enum vmx_truth registered_untold(struct host *host)
{
    lock_take(&host->lock);
    bool none = host->kind == HOST_NONE && !host->mute;
    lock_drop(&host->lock);
    return none ? VMX_NO : VMX_NOT_KNOWN;
}

static enum vmx_truth is_registered(void *ctx, const char *path, const struct wait *wait)
{
    struct host *host = ctx;
    const struct host_facts *facts = host_facts_soon(host, LISTED_MS, wait);
    if (!facts)
        return registered_untold(host);
    struct vmx_host_vm vm;
    host_about_vm(facts, path, &vm);
    host_facts_unref(facts);
    return vm.listed;
}

static enum vmx_truth each_registered(void *ctx, const struct wait *wait,
                                      void (*see)(void *see_ctx, const char *path), void *see_ctx)
{
    const struct host_facts *facts = host_facts_soon(ctx, LISTED_MS, wait);
    if (!facts)
        return registered_untold(ctx);
    enum vmx_truth any = !facts->vms_known ? VMX_NOT_KNOWN : facts->n_vms > 0 ? VMX_YES : VMX_NO;
    for (size_t i = 0; i < facts->n_vms; i++) {
        if (facts->vms[i].valid && facts->vms[i].path)
            see(see_ctx, facts->vms[i].path);
    }
    host_facts_unref(facts);
    return any;
}

void evidence_give(struct host *host)
{
    const struct remote_evidence evidence = {.runs = runs,
                                             .lock_is_stale = lock_is_stale,
                                             .is_registered = is_registered,
                                             .each_registered = each_registered,
                                             .ctx = host};
    remote_set_evidence(host->remote, &evidence);
}
