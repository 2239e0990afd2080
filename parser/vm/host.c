/* SPDX-License-Identifier: MIT */
#include "host.h"

#include "parser/text/text.h"

enum {
    VENDOR_AMD = 0x1002,
    VENDOR_NVIDIA = 0x10de,
    VENDOR_INTEL = 0x8086,
    CLASS_AUDIO = 0x0403,
    CLASS_PCI_BRIDGE = 0x0604,
    CLASS_USB = 0x0c03,
};

const struct vmx_host_pci *vmx_host_find(const struct vmx_host *host, const struct vmx_pci *address)
{
    for (size_t i = 0; i < host->n_pci; i++) {
        if (vmx_pci_eq(&host->pci[i].address, address))
            return &host->pci[i];
    }
    return NULL;
}

bool vmx_host_is_gpu(const struct vmx_host_pci *pci)
{
    bool known =
        pci->vendor == VENDOR_AMD || pci->vendor == VENDOR_NVIDIA || pci->vendor == VENDOR_INTEL;
    return known && (pci->class == 0x0300 || pci->class == 0x0302 || pci->class == 0x0380);
}

/* ---- the tree of buses */

bool vmx_host_is_bridge(const struct vmx_host_pci *pci)
{
    return pci->class == CLASS_PCI_BRIDGE && pci->spawned_bus > 0 && pci->spawned_bus < VMX_BUSES;
}

/* The bridge to the bus that a function is on. A bus that two bridges claim has none: the list is
 * wrong. */
static const struct vmx_host_pci *bridge_to(const struct vmx_host *host,
                                            const struct vmx_host_pci *pci)
{
    const struct vmx_host_pci *found = NULL;
    for (size_t i = 0; pci && i < host->n_pci; i++) {
        const struct vmx_host_pci *bridge = &host->pci[i];
        if (!vmx_host_is_bridge(bridge) || bridge->spawned_bus != pci->address.bus ||
            bridge->address.domain != pci->address.domain)
            continue;
        if (found)
            return NULL;
        found = bridge;
    }
    return found;
}

bool vmx_buses_have(const struct vmx_buses *buses, const struct vmx_pci *address)
{
    return address->domain == buses->domain && address->bus < VMX_BUSES && buses->has[address->bus];
}

void vmx_host_behind(const struct vmx_host *host, const struct vmx_host_pci *bridge,
                     struct vmx_buses *ret)
{
    bool more = vmx_host_is_bridge(bridge);
    *ret = (struct vmx_buses){.domain = bridge->address.domain};
    if (more)
        ret->has[bridge->spawned_bus] = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < host->n_pci; i++) {
            const struct vmx_host_pci *pci = &host->pci[i];
            if (vmx_host_is_bridge(pci) && vmx_buses_have(ret, &pci->address) &&
                !ret->has[pci->spawned_bus])
                ret->has[pci->spawned_bus] = more = true;
        }
    }
}

/* A bridge of the switch that is on the card itself; one of the machine's would have other
 * devices behind it. Arc's first generation has 4f90 to 4faf, the second e2f0 to e2ff. */
static bool is_on_arc_card(const struct vmx_host_pci *bridge)
{
    if (!bridge || bridge->vendor != VENDOR_INTEL)
        return false;
    return (bridge->device >= 0x4f90 && bridge->device <= 0x4faf) ||
           (bridge->device >= 0xe2f0 && bridge->device <= 0xe2ff);
}

/* The upstream bridge of the card that a device is on, or NULL. */
static const struct vmx_host_pci *arc_card(const struct vmx_host *host,
                                           const struct vmx_host_pci *pci)
{
    const struct vmx_host_pci *port = bridge_to(host, pci);
    const struct vmx_host_pci *upstream = bridge_to(host, port);
    return is_on_arc_card(port) && is_on_arc_card(upstream) ? upstream : NULL;
}

static const struct vmx_host_pci *arc_audio(const struct vmx_host *host,
                                            const struct vmx_host_pci *gpu)
{
    const struct vmx_host_pci *card = arc_card(host, gpu);
    for (size_t i = 0; card && i < host->n_pci; i++) {
        const struct vmx_host_pci *pci = &host->pci[i];
        if (pci->class == CLASS_AUDIO && arc_card(host, pci) == card)
            return pci;
    }
    return NULL;
}

/* ---- what goes with a device */

const struct vmx_host_pci *vmx_host_audio(const struct vmx_host *host,
                                          const struct vmx_host_pci *gpu)
{
    if (!vmx_host_is_gpu(gpu))
        return NULL;
    struct vmx_pci address = gpu->address;
    address.function = 1;
    const struct vmx_host_pci *second = vmx_host_find(host, &address);
    if (second && second->class == CLASS_AUDIO)
        return second;
    return gpu->vendor == VENDOR_INTEL ? arc_audio(host, gpu) : NULL;
}

bool vmx_host_same_slot(const struct vmx_pci *a, const struct vmx_pci *b)
{
    return a->domain == b->domain && a->bus == b->bus && a->slot == b->slot;
}

size_t vmx_host_functions(const struct vmx_host *host, const struct vmx_pci *address,
                          const struct vmx_host_pci **ret, size_t max)
{
    const struct vmx_host_pci *first = vmx_host_find(host, address);
    size_t n = 0;
    if (!first)
        return 0;
    if (max > 0)
        ret[n++] = first;
    for (size_t i = 0; i < host->n_pci && n < max; i++) {
        if (&host->pci[i] != first && vmx_host_same_slot(&host->pci[i].address, address))
            ret[n++] = &host->pci[i];
    }
    const struct vmx_host_pci *audio = vmx_host_audio(host, first);
    if (audio && n < max && !vmx_host_same_slot(&audio->address, address))
        ret[n++] = audio;
    return n;
}

bool vmx_host_is_display(const struct vmx_host_pci *pci)
{
    return pci->class >= 0x0300 && pci->class <= 0x03ff;
}

/* Whether the function is on a display card. */
static bool is_on_display_card(const struct vmx_host *host, const struct vmx_host_pci *pci)
{
    for (size_t i = 0; i < host->n_pci; i++) {
        if (vmx_host_same_slot(&host->pci[i].address, &pci->address) &&
            vmx_host_is_display(&host->pci[i]))
            return true;
    }
    return false;
}

/* What the host boots from has a VMkernel name, too. */
const char *vmx_host_needs(const struct vmx_host *host, const struct vmx_host_pci *pci)
{
    if (pci->vmkernel_name[0] != '\0')
        return pci->vmkernel_name;
    if (pci->class == CLASS_USB)
        return is_on_display_card(host, pci) ? NULL : "a USB controller";
    if (pci->class >= 0x0100 && pci->class <= 0x01ff)
        return "a storage controller";
    if (pci->class >= 0x0200 && pci->class <= 0x02ff)
        return "a network adapter";
    if (pci->class >= 0x0600 && pci->class <= 0x06ff)
        return "a bridge";
    return NULL;
}

bool vmx_host_is_before(const struct vmx_host *host, const unsigned version[3], unsigned long build)
{
    for (size_t i = 0; i < 3; i++) {
        if (host->version[i] != version[i])
            return host->version[i] < version[i];
    }
    return host->build < build;
}

bool vmx_host_is_uuid(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.p[i] != '-' : text_digit(text.p[i]) >= 16)
            return false;
    }
    return text.n == 36;
}
