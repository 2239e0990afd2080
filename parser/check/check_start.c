/* SPDX-License-Identifier: MIT */
/* What the last power-on showed of the graphics cards, and the rules that nothing else answers. */
#include <errno.h>

#include "check_private.h"
#include "parser/device/device_blocks.h"
#include "parser/text/text.h"

/* ---- the cards' BARs ---- */

/* False: the device is of another host, or another one is at its place here. */
static int is_here(const struct check *c, const struct check_device *d, bool *ret)
{
    const struct vmx_host *host = c->around->host;
    BUF_AUTO system = {0};
    int r = device_get(c->dict, d->n, "systemId", &system);
    *ret = !host || host->n_pci == 0 || check_is_same(d);
    if (r != 0 || !host || !host->uuid[0])
        return r == -ENOENT ? 0 : r;
    *ret = *ret && (span_eq_fold(buf_span(&system), SPAN_LITERAL("BYPASS")) ||
                    span_eq_fold(buf_span(&system), span_of(host->uuid)));
    return 0;
}

/* Adds those of a device; false: the power-on was without it. */
static bool add_bars(const struct vm_start *start, const struct check_device *d,
                     struct check_bars *bars)
{
    bool any = false;
    for (size_t i = 0; d->has_address && i < start->n_bars; i++) {
        const struct vm_start_bar *bar = &start->bars[i];
        if (!vmx_pci_eq(&bar->address, &d->address))
            continue;
        any = true;
        bars->all += bar->size;
        bars->wide += bar->wide ? bar->size : 0;
        bars->high = bars->high || bar->at > UINT32_MAX;
    }
    return any;
}

int check_bars(struct check *check)
{
    const struct vm_start *start = check->around->start;
    int r = 0;
    check->bars.known = start && check_has_gpu(check);
    for (size_t i = 0; r == 0 && check->bars.known && i < check->n_devices; i++) {
        const struct check_device *d = &check->devices[i];
        if (!check_is_gpu(d))
            continue;
        r = is_here(check, d, &check->bars.known);
        check->bars.known = check->bars.known && add_bars(start, d, &check->bars);
    }
    check->bars.started = check->bars.known && start->succeeded;
    return r;
}

/* ---- the host's firmware ---- */

/* A rule that a power-on answers: PASS where it succeeded with the cards. */
static int shown_by_start(struct check *c, const char *rule, const char *otherwise)
{
    if (c->bars.started)
        return check_add(c, VMX_PASS, rule, NULL, "started on %s", c->around->start->date);
    return check_add(c, VMX_UNKNOWN, rule, NULL, "%s", otherwise);
}

static int above_4g_decoding(struct check *c)
{
    static const char rule[] = "above-4g-decoding";
    if (c->bars.known && c->bars.high && !c->bars.started)
        return check_add(c, VMX_PASS, rule, NULL, "vmware.log of %s: a BAR is above 4 GiB",
                         c->around->start->date);
    return shown_by_start(
        c, rule, "no command shows \"above 4G decoding\" of the host's firmware: it has to be on");
}

static int bar_size(struct check *c)
{
    static const char rule[] = "bar-size";
    if (c->bars.known && !c->bars.started)
        return check_add(c, VMX_PASS, rule, NULL, "vmware.log of %s: the cards' BARs have %llu MiB",
                         c->around->start->date, c->bars.all >> 20);
    return shown_by_start(c, rule, "no command shows how large the device's BARs are");
}

int check_start(struct check *check)
{
    if (!check_has_gpu(check))
        return 0;
    return shown_by_start(
               check, "reserved-memory",
               "no command shows whether the firmware ties down a device's memory (RMRR)")
        ?: above_4g_decoding(check)
        ?: bar_size(check);
}
