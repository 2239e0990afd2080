/* SPDX-License-Identifier: MIT */
/* What the host is told of its devices: which of them VMs may have. */
#include <errno.h>
#include <string.h>

#include "host/facts/facts_cache.h"
#include "vim_cmd.h"

/* ---- one function */

static bool is_so_already(int r, const struct diag *why)
{
    return r == -EREMOTEIO && strstr(why->text, "already configured");
}

/* Applied at once where the host can; else it waits for a reboot. */
static int switch_device(struct host *host, const struct vmx_pci *pci, bool on,
                         const struct wait *wait, struct diag *why)
{
    enum { AT_ONCE = 9 };
    BUF_AUTO address = {0};
    int r = vmx_pci_add_address(pci, &address);
    if (r < 0)
        return r;
    const char *words[] = {"esxcli", "hardware",   "pci", "pcipassthru",         "set",
                           "-d",     address.data, "-e",  on ? "true" : "false", [AT_ONCE] = "-a",
                           NULL};
    r = host_command(host, words, wait, NULL, why);
    if (r == -EREMOTEIO && !is_so_already(r, why)) {
        words[AT_ONCE] = NULL;
        r = host_command(host, words, wait, NULL, why);
    }
    return is_so_already(r, why) ? 0 : r;
}

/* ---- all of them */

static int add_list(const char *before, const struct vmx_host_pci *const *items, size_t n,
                    const char *behind, struct buf *ret)
{
    if (n == 0)
        return 0;
    return buf_add_str(ret, before)
        ?: vmx_passthrough_add_addresses(items, n, ret)
        ?: buf_add_str(ret, behind);
}

/* Of the first n, those that are not as they were, as the host says it now. How many; they are left
 * at the beginning of items. */
static size_t find_changed(const struct host_facts *facts, const struct vmx_host_pci **items,
                           size_t n)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        const struct vmx_host_pci *pci = vmx_host_find(&facts->host, &items[i]->address);
        if (pci && pci->enabled != items[i]->enabled)
            items[left++] = items[i];
    }
    return left;
}

/* The host no longer says how things are. The first n had been switched; lost: whether the next one
 * was is not known. */
static int add_doubt(const struct vmx_passthrough_plan *plan, size_t n, bool lost, bool on,
                     struct buf *said)
{
    return add_list(on ? "; passed to VMs, and not known whether given back since: "
                       : "; given back to the host, and not known whether passed to VMs since: ",
                    plan->change, n, "", said)
               ?: add_list("; not known whether this was done: ", plan->change + n, lost, "", said);
}

/* What of the first n is not as it was; lost: of the next one the command is not known to be over.
 */
static int add_left(const struct host_facts *facts, const struct vmx_passthrough_plan *plan,
                    size_t n, bool lost, bool on, struct buf *said)
{
    const struct vmx_host_pci *unanswered = lost ? plan->change[n] : NULL;
    size_t left = find_changed(facts, plan->change, n + lost);
    int r = left == 0
                ? buf_add_str(said, "; nothing is changed")
                : add_list(on ? "; still passed to VMs: " : "; still with the host: ", plan->change,
                           left, "", said);
    return r
               ?: add_list(" now, but what was not answered may still be carried out: ",
                           &unanswered, lost, "", said);
}

/* Switches the first n back, also where the time for the others is over, and says what came of it.
 * lost: the next one, too, of which it is not known whether it was switched. */
static int switch_back(struct host *host, const struct vmx_passthrough_plan *plan, size_t n,
                       bool lost, bool on, struct buf *said)
{
    const struct host_facts *facts = NULL;
    struct wait wait = wait_for_ms(remote_options(host->remote)->timeout_ms);
    int r = 0;
    for (size_t i = 0; r != -EIO && i < n + lost; i++) {
        struct diag why = {0};
        r = switch_device(host, &plan->change[i]->address, !on, &wait, &why);
    }
    host_outdate(host, true);
    if (r == -EIO || host_facts(host, 0, &wait, &facts) < 0)
        return add_doubt(plan, n, lost, on, said);
    r = add_left(facts, plan, n, lost, on, said);
    host_facts_unref(facts);
    return r;
}

/* Function n was refused, or it is not known whether it was switched. A single one that is not
 * known is left alone. */
static int give_up(struct host *host, const struct vmx_passthrough_plan *plan, size_t n, bool on,
                   int r, const struct diag *why, struct buf *said)
{
    const bool lost = r != -EREMOTEIO;
    const bool several = plan->n_change > 1;
    int added = 0;
    if (several)
        added = vmx_passthrough_add_addresses(&plan->change[n], 1, said) ?: buf_add_str(said, ": ");
    added = added ?: buf_add_str(said, why->text[0] ? why->text : strerror(-r));
    if (several)
        added = added ?: switch_back(host, plan, n, lost, on, said);
    return added ?: r;
}

static int switch_all(struct host *host, const struct vmx_passthrough_plan *plan, bool on,
                      const struct wait *wait, struct buf *said)
{
    for (size_t i = 0; i < plan->n_change; i++) {
        struct diag why = {0};
        int r = switch_device(host, &plan->change[i]->address, on, wait, &why);
        if (r < 0)
            return give_up(host, plan, i, on, r, &why, said);
    }
    return 0;
}

/* ---- what came of it */

/* Those that wait for a reboot, as the host says it now. */
static int add_pending(const struct host_facts *facts, const struct vmx_passthrough_plan *plan,
                       struct buf *said)
{
    bool any = false;
    int r = 0;
    for (size_t i = 0; r == 0 && i < plan->n_change; i++) {
        const struct vmx_host_pci *pci = vmx_host_find(&facts->host, &plan->change[i]->address);
        if (!pci || pci->active == pci->enabled || pci->active == VMX_NOT_KNOWN)
            continue;
        r = buf_add_str(said, any ? ", " : "; the host has to be rebooted for ")
                ?: vmx_passthrough_add_addresses(&pci, 1, said);
        any = true;
    }
    return r == 0 && !any ? buf_add_str(said, "; no reboot is due") : r;
}

static int report(struct host *host, const struct vmx_passthrough_plan *plan, bool on,
                  const struct wait *wait, struct buf *said)
{
    const struct host_facts *facts = NULL;
    int r = add_list(on ? "passed to VMs now: " : "given back to the host: ", plan->change,
                     plan->n_change, "", said);
    if (r == 0 && plan->n_change > 0)
        r = host_facts(host, 0, wait, &facts) == 0
                ? add_pending(facts, plan, said)
                : buf_add_str(said, "; the host does not tell whether a reboot is due");
    host_facts_unref(facts);
    return r
               ?: add_list(plan->n_change > 0 ? "; a VM names and keeps " : "a VM names and keeps ",
                           plan->keep, plan->n_keep, "", said);
}

static int carry_out(struct host *host, const struct vmx_pci *address,
                     const struct vmx_passthrough *how, const struct wait *wait, struct buf *said)
{
    const struct host_facts *facts = NULL;
    struct vmx_passthrough_plan plan = {0};
    int r = host_facts(host, 0, wait, &facts)
                ?: vmx_passthrough_decide(&facts->host, address, how, &plan, said);
    if (r == 0 && plan.n_change > 0) {
        r = switch_all(host, &plan, how->on, wait, said);
        host_outdate(host, true);
    }
    r = r ?: report(host, &plan, how->on, wait, said);
    vmx_passthrough_plan_done(&plan);
    host_facts_unref(facts);
    return r;
}

int host_passthrough_set(struct host *host, const struct vmx_pci *address,
                         const struct vmx_passthrough *how, const struct wait *wait,
                         struct buf *said)
{
    int r = host_begin(host, wait);
    if (r < 0)
        return r;
    host_outdate(host, true);
    r = carry_out(host, address, how, wait, said);
    host_done(host);
    return r;
}
