/* SPDX-License-Identifier: MIT */
/* Hosts for tests of plans and checks: a list of PCI devices to copy and change. */
#pragma once

#include "parser/vm/host.h"
#include "profiles.h"

#define UUID "5aec7ae7-7d90-8511-435a-d094660b7768"
#define OTHER_UUID "6bfd8bf8-7d90-8511-435a-d094660b7768"

enum {
    AT_VGA,       /* 0000:02:00.0, the board's own graphics */
    AT_GPU,       /* 0000:03:00.0, NVIDIA */
    AT_GPU_AUDIO, /* 0000:03:00.1 */
    AT_GPU_USB,   /* 0000:03:00.2, which is not capable */
    AT_AMD,       /* 0000:0d:00.0 */
    AT_NIC,       /* 0000:19:00.0, vmnic0 */
    AT_UPSTREAM,  /* 0000:84:00.0, of an Arc's own switch */
    AT_PORT_GPU,
    AT_PORT_AUDIO,
    AT_ARC,       /* 0000:86:00.0 */
    AT_ARC_AUDIO, /* 0000:87:00.0 */
    AT_IGPU,      /* 0000:00:02.0 */
    DEVICES
};

#define FREE_FOR_VMS                                                                               \
    .vmkernel_name = "", .owner = "VM Passthru", .capable = VMX_YES, .enabled = VMX_YES,           \
    .active = VMX_YES, .reset = "Function reset"
#define OF_THE_HOST .owner = "VMkernel", .enabled = VMX_NO, .active = VMX_NO, .reset = ""

static const struct vmx_host_pci host_devices[DEVICES] = {
    [AT_VGA] = {{0, 2, 0, 0}, 0x1a03, 0x2000, 0x0300, 0, "VGA", "", OF_THE_HOST, .capable = VMX_NO},
    [AT_GPU] = {{0, 3, 0, 0}, 0x10de, 0x1cb2, 0x0300, 0, "Quadro P600", FREE_FOR_VMS},
    [AT_GPU_AUDIO] = {{0, 3, 0, 1}, 0x10de, 0x0fb9, 0x0403, 0, "Audio", FREE_FOR_VMS},
    [AT_GPU_USB] =
        {{0, 3, 0, 2}, 0x10de, 0x1ad8, 0x0c03, 0, "USB", "", OF_THE_HOST, .capable = VMX_NO},
    [AT_AMD] = {{0, 13, 0, 0}, 0x1002, 0x73bf, 0x0300, 0, "Navi 21", FREE_FOR_VMS},
    [AT_NIC] = {{0, 25, 0, 0},
                0x8086,
                0x1563,
                0x0200,
                0,
                "X550",
                "vmnic0",
                OF_THE_HOST,
                .capable = VMX_YES},
    [AT_UPSTREAM] = {{0, 0x84, 0, 0},
                     0x8086,
                     0x4fa0,
                     0x0604,
                     0x85,
                     "Switch",
                     "",
                     OF_THE_HOST,
                     .capable = VMX_NO},
    [AT_PORT_GPU] = {{0, 0x85, 1, 0},
                     0x8086,
                     0x4fa4,
                     0x0604,
                     0x86,
                     "Switch",
                     "",
                     OF_THE_HOST,
                     .capable = VMX_NO},
    [AT_PORT_AUDIO] = {{0, 0x85, 4, 0},
                       0x8086,
                       0x4fa4,
                       0x0604,
                       0x87,
                       "Switch",
                       "",
                       OF_THE_HOST,
                       .capable = VMX_NO},
    [AT_ARC] = {{0, 0x86, 0, 0}, 0x8086, 0x5690, 0x0300, 0, "Arc A770M", FREE_FOR_VMS},
    [AT_ARC_AUDIO] = {{0, 0x87, 0, 0}, 0x8086, 0x4f90, 0x0403, 0, "Arc Audio", FREE_FOR_VMS},
    [AT_IGPU] = {{0, 0, 2, 0}, 0x8086, 0x4c8a, 0x0300, 0, "UHD Graphics", FREE_FOR_VMS},
};

/* A host that a test may change, with what it says of the VM. */
struct machine {
    struct vmx_host_pci pci[DEVICES];
    struct vmx_host host;
    struct vmx_host_vm vm;
    struct vmx_around around;
};

static inline void machine_init(struct machine *m, const struct vmx_profiles *profiles)
{
    memcpy(m->pci, host_devices, sizeof(m->pci));
    m->host = (struct vmx_host){
        .version = {7, 0, 3},
        .build = 20328353,
        .uuid = UUID,
        .cpu = VMX_CPU_INTEL,
        .nested = VMX_NO,
        .pci = m->pci,
        .n_pci = DEVICES,
    };
    m->vm = (struct vmx_host_vm){"/vmfs/volumes/1/vm/vm.vmx", VMX_YES, VMX_POWER_OFF};
    m->around = (struct vmx_around){
        .profiles = profiles, .host = &m->host, .vm = &m->vm, .mountpoint = "/mnt"};
}
