/* SPDX-License-Identifier: MIT */
#include "passthrough.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/text/text.h"

/* ---- what goes along */

struct group {
    const struct vmx_host *host;
    const struct vmx_host_pci *first;
    bool *has; /* for each function of the host */
};

/* What one function brings along. */
struct brought {
    const struct vmx_host_pci *audio;
    const struct vmx_host_pci *depends_on; /* NULL: nothing that the host lists */
    struct vmx_buses behind;               /* if that is a bridge */
};

static void find_brought(const struct vmx_host *host, const struct vmx_host_pci *pci,
                         struct brought *ret)
{
    *ret = (struct brought){.audio = vmx_host_audio(host, pci)};
    if (pci->has_dependent)
        ret->depends_on = vmx_host_find(host, &pci->dependent);
    if (ret->depends_on && vmx_host_is_bridge(ret->depends_on))
        vmx_host_behind(host, ret->depends_on, &ret->behind);
}

/* Whether two functions are reset together, as the host says what each depends on. */
static bool depends_alike(const struct brought *of, const struct vmx_host_pci *pci)
{
    const struct vmx_host_pci *on = of->depends_on;
    if (!on)
        return false;
    if (vmx_host_is_bridge(on))
        return vmx_buses_have(&of->behind, &pci->address);
    bool is_board = on->class >= 0x0600 && on->class <= 0x06ff; /* the root of all buses, say */
    return !is_board &&
           (on == pci || (pci->has_dependent && vmx_pci_eq(&pci->dependent, &on->address)));
}

static bool can_go(const struct vmx_host_pci *pci)
{
    return !vmx_host_is_bridge(pci) && pci->capable != VMX_NO;
}

/* Each function that comes in is asked once what it brings. */
static int find_group(struct group *g)
{
    const struct vmx_host *host = g->host;
    size_t n = 0;
    const struct vmx_host_pci **found = calloc(host->n_pci, sizeof(*found));
    if (!found)
        return -ENOMEM;
    found[n++] = g->first;
    for (size_t i = 0; i < n; i++) {
        struct brought of;
        find_brought(host, found[i], &of);
        for (size_t k = 0; k < host->n_pci; k++) {
            const struct vmx_host_pci *pci = &host->pci[k];
            bool comes = vmx_host_same_slot(&found[i]->address, &pci->address) || of.audio == pci ||
                         depends_alike(&of, pci);
            if (comes && !g->has[k] && can_go(pci)) {
                g->has[k] = true;
                found[n++] = pci;
            }
        }
    }
    free(found);
    return 0;
}

/* ---- whether it may */

struct reasons {
    size_t needed, used; /* how many */
    bool first;          /* the function itself is one of them */
    struct buf text;
};

static int add_address(const struct vmx_host_pci *pci, struct buf *ret)
{
    return vmx_pci_add_address(&pci->address, ret);
}

/* "the host needs ADDRESS (vmnic0), ADDRESS (a USB controller)" */
static int add_needed(const struct vmx_host *host, const struct vmx_host_pci *pci, bool named,
                      struct reasons *ret)
{
    const char *reason = vmx_host_needs(host, pci);
    if (!reason)
        return 0;
    return buf_add_str(&ret->text, ret->needed++ == 0 ? "the host needs " : ", ")
        ?: (named ? add_address(pci, &ret->text) : buf_add_str(&ret->text, "it"))
        ?: buf_addf(&ret->text, " (%s)", reason);
}

static int add_used(const struct vmx_host_pci *pci, bool named, struct reasons *ret)
{
    if (!pci->user)
        return 0;
    const char *before = ret->used++ > 0 ? ", " : ret->needed > 0 ? "; " : "";
    return buf_addf(&ret->text, "%s%s has ", before, pci->user)
        ?: (named ? add_address(pci, &ret->text) : buf_add_str(&ret->text, "it"))
        ?: buf_add_str(&ret->text, " and is powered on");
}

/* What is passed to VMs already is not taken from the host. */
static int find_reasons(const struct group *g, bool several, struct reasons *ret)
{
    const struct vmx_host *host = g->host;
    int r = 0;
    for (size_t i = 0; r == 0 && i < host->n_pci; i++) {
        if (g->has[i] && host->pci[i].enabled != VMX_YES)
            r = add_needed(host, &host->pci[i], several, ret);
    }
    for (size_t i = 0; r == 0 && i < host->n_pci; i++) {
        if (g->has[i])
            r = add_used(&host->pci[i], several, ret);
    }
    ret->first =
        g->first->user || (g->first->enabled != VMX_YES && vmx_host_needs(host, g->first) != NULL);
    return r;
}

static int refuse_on(const struct group *g, bool several, struct buf *why)
{
    struct reasons reasons = {0};
    int r = find_reasons(g, several, &reasons);
    if (r == 0 && reasons.needed + reasons.used > 0) {
        r = buf_add(why, buf_span(&reasons.text))
                ?: buf_add_str(why, !several ? "; write \"1 force\" to take it away nevertheless"
                                    : reasons.first
                                        ? "; write \"1 force\" to take them all away "
                                          "nevertheless, or \"1 alone force\" just this one"
                                        : "; write \"1 alone\" to take just this one, or "
                                          "\"1 force\" to take them all nevertheless");
        r = r ?: -EBUSY;
    }
    buf_done(&reasons.text);
    return r;
}

static int refuse_off(const struct group *g, struct buf *why)
{
    if (!g->first->user)
        return 0;
    return buf_addf(why,
                    "%s has it and is powered on; write \"0 force\" to take it away nevertheless",
                    g->first->user)
               ?: -EBUSY;
}

/* ---- all of it */

static bool is_kept(const struct group *g, const struct vmx_passthrough *how,
                    const struct vmx_host_pci *pci)
{
    return pci != g->first &&
           (pci->user || (how->is_named && how->is_named(how->ctx, &pci->address)));
}

static bool is_to_change(const struct group *g, const struct vmx_passthrough *how,
                         const struct vmx_host_pci *pci)
{
    if (how->on)
        return pci->enabled != VMX_YES;
    return pci == g->first ? pci->enabled != VMX_NO : pci->enabled == VMX_YES;
}

static void take(const struct group *g, const struct vmx_passthrough *how,
                 const struct vmx_host_pci *pci, struct vmx_passthrough_plan *ret)
{
    if (!is_to_change(g, how, pci))
        return;
    if (!how->on && is_kept(g, how, pci))
        ret->keep[ret->n_keep++] = pci;
    else
        ret->change[ret->n_change++] = pci;
}

static int plan(struct group *g, const struct vmx_passthrough *how,
                struct vmx_passthrough_plan *ret, struct buf *why)
{
    const struct vmx_host *host = g->host;
    g->has[g->first - host->pci] = true;
    int r = how->alone ? 0 : find_group(g);
    if (r < 0)
        return r;
    size_t n = 0;
    take(g, how, g->first, ret);
    for (size_t i = 0; i < host->n_pci; i++) {
        n += g->has[i];
        if (g->has[i] && &host->pci[i] != g->first)
            take(g, how, &host->pci[i], ret);
    }
    if (how->force || (how->on && ret->n_change == 0))
        return 0;
    return how->on ? refuse_on(g, n > 1, why) : refuse_off(g, why);
}

int vmx_passthrough_decide(const struct vmx_host *host, const struct vmx_pci *address,
                           const struct vmx_passthrough *how, struct vmx_passthrough_plan *ret,
                           struct buf *why)
{
    struct group g = {.host = host, .first = vmx_host_find(host, address)};
    if (!g.first)
        return buf_add_str(why, "the host has no such device") ?: -ENODEV;
    if (how->on && g.first->capable == VMX_NO)
        return buf_add_str(why, "the host says that the device is not capable of passthrough")
                   ?: -EOPNOTSUPP;
    struct vmx_passthrough_plan made = {
        .change = calloc(host->n_pci, sizeof(struct vmx_host_pci *)),
        .keep = calloc(host->n_pci, sizeof(struct vmx_host_pci *)),
    };
    g.has = calloc(host->n_pci, sizeof(*g.has));
    int r = made.change && made.keep && g.has ? plan(&g, how, &made, why) : -ENOMEM;
    free(g.has);
    if (r < 0)
        vmx_passthrough_plan_done(&made);
    else
        *ret = made;
    return r;
}

void vmx_passthrough_plan_done(struct vmx_passthrough_plan *plan)
{
    free(plan->change);
    free(plan->keep);
    *plan = (struct vmx_passthrough_plan){0};
}

int vmx_passthrough_add_addresses(const struct vmx_host_pci *const *items, size_t n,
                                  struct buf *ret)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = buf_add_str(ret, i > 0 ? ", " : "") ?: add_address(items[i], ret);
    return r;
}
