/* SPDX-License-Identifier: MIT */
/*
 * What is known about the ESXi host that would run a VM, as far as plans and reports need it. Plain
 * data, filled in by the code that asks a host. A member that was not found out is 0, "", NULL or
 * UNKNOWN, and nothing is concluded from it.
 */
#pragma once

#include "parser/device/pci.h"

enum { VMX_BUSES = 256 }; /* in a domain */
enum vmx_truth { VMX_NOT_KNOWN, VMX_NO, VMX_YES };
enum vmx_cpu { VMX_CPU_UNKNOWN, VMX_CPU_INTEL, VMX_CPU_AMD };
enum vmx_power { VMX_POWER_UNKNOWN, VMX_POWER_OFF, VMX_POWER_ON, VMX_POWER_SUSPENDED };

/* One function of the host's list of PCI devices ("esxcli hardware pci list"). Strings belong to
 * the code that filled it in; none is NULL. */
struct vmx_host_pci {
    struct vmx_pci address;
    long long vendor, device, class; /* as 0x10de, 0x1cb2, 0x0300; -1: not known */
    long long spawned_bus;           /* of a bridge: the bus behind it; 0: none */
    const char *name;
    const char *vmkernel_name; /* "vmnic0"; "" if the kernel has no use for it */
    const char *owner;         /* as the host says it: "VM Passthru", "VMkernel" */
    enum vmx_truth capable;    /* of passthrough */
    enum vmx_truth enabled;    /* passthrough is configured */
    enum vmx_truth active;     /* ... and in force; enabled but not active: reboot */
    const char *user;          /* a powered-on VM that it is passed to, or NULL */
    const char *reset;         /* how it is reset, as the host says it: "Bridge reset"; "" */
    bool has_dependent;        /* the host names what it depends on, which may be itself ... */
    struct vmx_pci dependent;  /* ... or a bridge: all behind that are reset together */
};

/* What the host says of the VM in question. */
struct vmx_host_vm {
    const char *path;      /* the VM's, as struct vmx_host_pci.user says it; NULL: not known */
    enum vmx_truth listed; /* registered on this host */
    enum vmx_power power;
};

struct vmx_host {
    unsigned version[3]; /* 8.0.1; all 0: not known */
    unsigned long build; /* 0: not known */
    const char *uuid;    /* "esxcli system uuid get"; "" */
    enum vmx_cpu cpu;
    enum vmx_truth nested;    /* it is a VM itself */
    struct vmx_host_pci *pci; /* in the host's order */
    size_t n_pci;
};

/* The function at an address, or NULL. */
const struct vmx_host_pci *vmx_host_find(const struct vmx_host *host,
                                         const struct vmx_pci *address);

/* True for a graphics card (classes 0x0300, 0x0302, 0x0380 of NVIDIA, AMD, Intel). */
bool vmx_host_is_gpu(const struct vmx_host_pci *pci);

/* The audio function that belongs to a graphics card: its function 1, or, on Arc cards, below the
 * same upstream bridge on a bus of its own. NULL: there is none. */
const struct vmx_host_pci *vmx_host_audio(const struct vmx_host *host,
                                          const struct vmx_host_pci *gpu);

/* The functions that go with the one at an address when it is passed to a VM, itself first: all
 * functions of its slot, and its audio device. Fills ret with at most max; how many it filled in, 0
 * where the host has nothing at that address. */
size_t vmx_host_functions(const struct vmx_host *host, const struct vmx_pci *address,
                          const struct vmx_host_pci **ret, size_t max);

/* The buses behind a bridge: its own, those behind bridges there, and so on. */
struct vmx_buses {
    unsigned domain;
    bool has[VMX_BUSES];
};
void vmx_host_behind(const struct vmx_host *host, const struct vmx_host_pci *bridge,
                     struct vmx_buses *ret);
bool vmx_buses_have(const struct vmx_buses *buses, const struct vmx_pci *address);

bool vmx_host_is_bridge(const struct vmx_host_pci *pci); /* to a bus of its own */
bool vmx_host_is_display(
    const struct vmx_host_pci *pci); /* a display or 3D controller, whoever's */
bool vmx_host_same_slot(const struct vmx_pci *a, const struct vmx_pci *b);

/* What a device is to the host that would be cut off without it: a VMkernel name ("vmnic0"), or "a
 * storage controller" and the like for storage, network, USB and bridge classes; but the USB
 * controller of a display card is the card's own. Constant, or borrowed from pci; NULL where the
 * host does not need it. */
const char *vmx_host_needs(const struct vmx_host *host, const struct vmx_host_pci *pci);

/* Whether the host's (version, build) is before the given one. Build numbers are compared only
 * within one version: 7.0 U3n has a larger one than 8.0 U1. */
bool vmx_host_is_before(const struct vmx_host *host, const unsigned version[3],
                        unsigned long build);

/* Whether the text is a host's UUID as "esxcli system uuid get" prints it. */
bool vmx_host_is_uuid(struct span text);
