/* SPDX-License-Identifier: MIT */
/* Advice about graphics cards, from people who have used them: no command mends any of it. */
#include "check_private.h"
#include "parser/document/value.h"

enum { VENDOR_AMD_CPU = 0x1022 };

/* ---- about the VM ---- */

/* Consumer cards of NVIDIA have this in their names. */
static bool has_geforce(const struct check *c)
{
    for (size_t i = 0; i < c->n_devices; i++) {
        const struct check_device *d = &c->devices[i];
        if (check_is_gpu(d) && d->vendor == VENDOR_NVIDIA && check_is_same(d) &&
            strstr(d->host->name, "GeForce"))
            return true;
    }
    return false;
}

static int hypervisor_bit(struct check *c)
{
    static const char rule[] = "hypervisor-cpuid-v0";
    BUF_AUTO value = {0};
    bool shown = true;
    int r = check_get(c, "hypervisor.cpuid.v0", &value);
    if (r != 0)
        return r;
    if (vmx_value_bool(buf_span(&value), &shown) && !shown)
        return check_add(c, VMX_NOTE, rule, NULL,
                         "hypervisor.cpuid.v0 is FALSE, which only old drivers of NVIDIA's "
                         "consumer cards want; some say that it breaks 7.x");
    if (!has_geforce(c))
        return 0;
    return check_add(c, VMX_NOTE, rule, NULL,
                     "a consumer card of NVIDIA's: an old driver stops with Code 43 unless "
                     "hypervisor.cpuid.v0 is FALSE; newer ones do not");
}

static int own_display(struct check *c)
{
    BUF_AUTO value = {0};
    bool present = true;
    int r = check_get(c, "svga.present", &value);
    if (r != 0 || !vmx_value_bool(buf_span(&value), &present) || present)
        return r;
    return check_add(c, VMX_NOTE, "svga-present", NULL,
                     "svga.present is FALSE: the client's console shows nothing of the VM, and no "
                     "card is known to need that");
}

/* ---- about the host ---- */

/* Before 7.0 Update 3 the host did not look after hot-plug. */
static int hot_plug(struct check *c)
{
    static const unsigned first[3] = {7, 0, 3};
    const struct vmx_host *host = c->around->host;
    if (!host || host->version[0] == 0 || host->nested != VMX_NO ||
        vmx_host_is_before(host, first, 0))
        return 0;
    return check_add(c, VMX_NOTE, "pci-hot-plug", NULL,
                     "\"is not a passthrough device\" at power-on, though it is enabled: PCIe "
                     "hot-plug is on in the firmware (seen on HPE), or the kernel setting "
                     "enablePCIEHotplug");
}

/* ---- about each card ---- */

/* The graphics of an AMD APU share their slot with functions of the processor's. */
static const struct vmx_host_pci *processor_beside(const struct vmx_host *host,
                                                   const struct vmx_host_pci *gpu)
{
    for (size_t i = 0; i < host->n_pci; i++) {
        const struct vmx_host_pci *pci = &host->pci[i];
        if (pci->vendor == VENDOR_AMD_CPU && pci->address.domain == gpu->address.domain &&
            pci->address.bus == gpu->address.bus && pci->address.slot == gpu->address.slot)
            return pci;
    }
    return NULL;
}

static int amd_apu(struct check *c, const struct check_device *d)
{
    if (d->kind != DEVICE_FIXED || d->vendor != VENDOR_AMD || !check_is_gpu(d) ||
        !check_is_same(d) || !processor_beside(c->around->host, d->host))
        return 0;
    return check_add(c, VMX_NOTE, "amd-apu", NULL,
                     "pciPassthru%zu is part of an AMD processor (an APU), not a card: the guide "
                     "was tried with none, and its memory is the host's",
                     d->n);
}

int check_advice(struct check *check)
{
    int r = check_has_gpu(check)
                ? hypervisor_bit(check) ?: own_display(check) ?: hot_plug(check)
                : 0;
    for (size_t i = 0; r == 0 && i < check->n_devices && i < DEVICES_AT_MOST; i++)
        r = amd_apu(check, &check->devices[i]);
    return r;
}
