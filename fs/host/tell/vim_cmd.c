/* SPDX-License-Identifier: MIT */
/* Commands about single VMs and devices, and whose turn it is to give one. */
#include "vim_cmd.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "host/facts/facts_cache.h"
#include "host/facts/parse.h"
#include "parser/text/safe_text.h"
#include "parser/why/fault.h"

enum { IDS_MS = 60 * 1000 }; /* so old may be the list that tells a VM's id */

int host_begin(struct host *host, const struct wait *wait)
{
    lock_take(&host->lock);
    int r = host_identify_locked(host, HOST_THERE, wait);
    lock_drop(&host->lock);
    return r ?: turn_take(&host->acting, wait);
}

void host_done(struct host *host)
{
    turn_give(&host->acting);
}

struct wait host_soon(const struct host *host, const struct wait *wait)
{
    struct wait soon = *wait;
    const int64_t until = clock_ms() + remote_options(host->remote)->timeout_ms;
    if (soon.deadline > until)
        soon.deadline = until;
    return soon;
}

const char *power_text(enum vmx_power power)
{
    static const char *const texts[] = {[VMX_POWER_UNKNOWN] = "in a state that is not known",
                                        [VMX_POWER_OFF] = "powered off",
                                        [VMX_POWER_ON] = "powered on",
                                        [VMX_POWER_SUSPENDED] = "suspended"};
    return texts[power];
}

int host_command(struct host *host, const char *const *words, const struct wait *wait,
                 struct buf *ret_text, struct diag *why)
{
    BUF_AUTO text = {0};
    int status = 0;
    int r = exec_run(host->exec, words, wait, &text, &status, why);
    if (r < 0 || status == 0)
        return r;
    if (ret_text)
        r = buf_add(ret_text, buf_span(&text));
    if (r < 0)
        return r;
    BUF_AUTO reason = {0};
    BUF_AUTO safe = {0};
    r = vmx_fault_reason(buf_span(&text), &reason);
    if (r == -ENOENT)
        r = buf_add_str(&reason, "the command failed and did not say why");
    r = r ?: safe_text_add(&safe, buf_span(&reason));
    if (r < 0)
        return r;
    diag_set(why, "%s %s: %.400s", words[0], words[1], safe.data);
    return -EREMOTEIO;
}

int host_vm_id(struct host *host, const char *path, const struct wait *wait, char ret[24],
               struct diag *why)
{
    static const int ages[] = {IDS_MS, 0}; /* it may have been registered since */
    bool listed = true;
    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        const struct host_facts *facts = NULL;
        int r = host_facts(host, ages[i], wait, &facts);
        if (r < 0)
            return r;
        const struct host_vm *vm = host_facts_vm(facts, path);
        listed = facts->vms_known;
        if (vm)
            snprintf(ret, 24, "%lu", vm->id);
        host_facts_unref(facts);
        if (vm)
            return 0;
    }
    diag_set(why,
             listed ? "the VM is not registered on this host" : "the host does not list its VMs");
    return listed ? -ENXIO : -EIO;
}

int host_state_of(struct host *host, const char *id, const struct wait *wait, enum vmx_power *ret,
                  struct diag *why)
{
    const char *const words[] = {"vim-cmd", "vmsvc/power.getstate", id, NULL};
    BUF_AUTO text = {0};
    int status = 0;
    int r = exec_ask(host->exec, words, wait, &text, &status, why);
    if (r < 0)
        return r;
    r = parse_power(buf_span(&text), ret);
    if (r == -ENOENT)
        diag_set(why, "the host does not know the VM (id %s) any more", id);
    else if (r < 0)
        diag_set(why, "the host does not report the power state of VM %s: %.200s", id,
                 text.len ? text.data : "");
    return r == -ENOENT ? -ENXIO : r < 0 ? -EREMOTEIO : 0;
}

int host_vm_state(struct host *host, const char *path, const struct wait *wait, char ret_id[24],
                  enum vmx_power *ret, struct diag *why)
{
    int r = host_vm_id(host, path, wait, ret_id, why);
    if (r < 0)
        return r;
    r = host_state_of(host, ret_id, wait, ret, why);
    if (r != -ENXIO)
        return r;
    host_outdate(host, false);
    return host_vm_id(host, path, wait, ret_id, why) ?: host_state_of(host, ret_id, wait, ret, why);
}

int host_vm_off(struct host *host, const char *path, const struct wait *wait, char ret_id[24],
                const char *rest, struct diag *why)
{
    enum vmx_power power = VMX_POWER_UNKNOWN;
    int r = host_vm_state(host, path, wait, ret_id, &power, why);
    if (r < 0 || power == VMX_POWER_OFF)
        return r;
    diag_set(why, "the VM is %s%s", power_text(power), rest);
    return -EBUSY;
}
