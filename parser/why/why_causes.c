/* SPDX-License-Identifier: MIT */
/*
 * The messages that are known, by what stands in them; the first that fits counts, so that what is
 * only the stage of another failure comes last. The texts and causes are of VMware's knowledge base
 * (82008, 323402, 309986, 88161, 392714), of logs that users published, and of VMware's own
 * programs.
 */
#include <errno.h>
#include <stdlib.h>

#include "parser/check/command.h"
#include "parser/document/value.h"
#include "parser/vm/vm_start.h"
#include "why_private.h"

/* ---- commands */

static int set_window(const struct why_given *given, unsigned long long gb, struct buf *ret)
{
    static const char key[] = "pciPassthru.64bitMMIOSizeGB";
    BUF_AUTO size = {0};
    BUF_AUTO lines = {0};
    int r = buf_addf(&size, "%llu", gb)
                ?: buf_addf(&lines, "pciPassthru.use64bitMMIO = \"TRUE\"\n%s = \"%s\"\n", key,
                            size.data);
    if (r != 0 || vmx_value_check(SPAN_LITERAL(key), buf_span(&size), NULL) != 0)
        return r;
    return command_merge(given->dir, &lines, ret);
}

static int mend_window(const struct why_given *given, struct span said, struct buf *ret)
{
    unsigned long long gb = vm_start_window(said);
    return gb == 0 ? 0 : set_window(given, gb, ret);
}

static int mend_reservation(const struct why_given *given, struct span said, struct buf *ret)
{
    (void)said;
    BUF_AUTO memory = {0};
    BUF_AUTO lines = {0};
    int r = vmx_dict_get(given->dict, SPAN_LITERAL("memSize"), &memory);
    if (r != 0 || vmx_value_check(SPAN_LITERAL("memSize"), buf_span(&memory), NULL) != 0)
        return r == -ENOMEM ? r : 0;
    return buf_addf(&lines, "sched.mem.min = \"%s\"\nsched.mem.pin = \"TRUE\"\n", memory.data)
               ?: command_merge(given->dir, &lines, ret);
}

static int mend_bridges(const struct why_given *given, struct span said, struct buf *ret)
{
    (void)said;
    BUF_AUTO lines = {0};
    int r = command_add_bridge(0, &lines);
    for (int n = 4; r == 0 && n < 8; n++)
        r = command_add_bridge(n, &lines);
    return r ?: command_merge(given->dir, &lines, ret);
}

static int mend_iommu(const struct why_given *given, struct span said, struct buf *ret)
{
    (void)said;
    return command_set(given->dict, given->dir, SPAN_LITERAL("vvtd.enable"), SPAN_LITERAL("FALSE"),
                       ret);
}

static int mend_nested(const struct why_given *given, struct span said, struct buf *ret)
{
    (void)said;
    return command_set(given->dict, given->dir, SPAN_LITERAL("vhv.allowPassthru"),
                       SPAN_LITERAL("TRUE"), ret);
}

/* ---- */

static const struct why_cause causes[] = {
    {"total number of pages needed (",
     "the cards need more than the 3.5 GiB below 4 GiB: 64-bit MMIO is off or too small",
     mend_window},
    {"KB of PCI MMIO", "the window for 64-bit MMIO is too small for the cards", mend_window},
    {"pciMmioError", "the window for 64-bit MMIO is too small for the cards", mend_window},
    {"Failed to add BAR memory",
     "the host's firmware places the card below 4 GiB: turn \"above 4G decoding\" on in its setup",
     NULL},
    {"Limit exceeded",
     "the host's firmware places the card below 4 GiB: turn \"above 4G decoding\" on in its setup",
     NULL},
    {"memory reservation (sched.mem.min) should be equal to memsize",
     "a VM with a passed device needs all of its memory reserved", mend_reservation},
    {"No device hints found",
     "the id of a device is not decimal (00000:101:00.0 for 0000:65:00.0), or there is no such "
     "device: see check",
     NULL},
    {"Failed to generate predicates for pciPassthru",
     "id, deviceId or vendorId of the device is missing or wrong: see check", NULL},
    {"Failed to find a suitable device for pciPassthru",
     "the id is wrong (hexadecimal?), or the device is not in passthrough: see check", NULL},
    {"systemId does not match the current system",
     "the .vmx is from another host, the card was moved, or its ids are wrong: see check", NULL},
    {"is not a passthrough device",
     "passthrough of the device is not enabled on the host, waits for a reboot, or PCIe hot-plug "
     "took it away (enablePCIEHotplug)",
     NULL},
    {"createAdapterFailedPlatformNotSupported",
     "the host cannot reset the device, or has no IOMMU for it: its BIOS, or the reset method in "
     "/etc/vmware/passthru.map",
     NULL},
    {"PCIPassthru: Failed to register device",
     "the host cannot reset the device, or has no IOMMU for it: vmkernel.log has the reason", NULL},
    {"failed to register interrupt",
     "the host has no interrupts left for the devices: pass fewer of them", NULL},
    {"noSuspend.postedInterrupts", "a VM with a passed device cannot be suspended: power it off",
     NULL},
    {"msg.pciPassthru.noMigration", "a device cannot be added to a running VM: power it off first",
     NULL},
    {"cannot be used for a virtual machine with PCI DirectPath I/O device",
     "a device cannot be added to a running VM: power it off first", NULL},
    {"IOMMU virtualization is not allowed with VGPU",
     "a vGPU and the virtual IOMMU exclude each other", mend_iommu},
    {"No PCIe slot available", "the PCI bridges are missing", mend_bridges},
    {"Unable to allocate a PCI SCSI adapter", "the PCI bridges are missing", mend_bridges},
    {"Too many PCI devices are already configured", "the PCI bridges are missing", mend_bridges},
    {"failed to reserve slot for vmxnet3", "the PCI bridges are missing", mend_bridges},
    {"Nested Hardware-Assisted Virtualization is not supported",
     "nested virtualization and a passed device exclude each other without vhv.allowPassthru",
     mend_nested},
    {"nested hardware-assisted virtualization is enabled",
     "nested virtualization and a passed device exclude each other without vhv.allowPassthru",
     mend_nested},
    {"running in a virtual machine with VHV disabled",
     "this host is a VM itself, and its own .vmx lost vhv.enable: set that there, then power it "
     "off and on",
     NULL},
    {"This host does not support AMD-V",
     "virtualization is off in the host's BIOS, or the host is a VM without vhv.enable", NULL},
    {"This host does not support Intel VT-x",
     "virtualization is off in the host's BIOS, or the host is a VM without vhv.enable", NULL},
    {"noVHVQuestion",
     "the processor cannot do nested virtualization here: its BIOS, or vhv.enable off", NULL},
    {"Virtualized AMD-V",
     "the processor cannot do nested virtualization here: its BIOS, or vhv.enable off", NULL},
    {"Virtualized Intel VT-x",
     "the processor cannot do nested virtualization here: its BIOS, or vhv.enable off", NULL},
    {"missing features", "the guest wants more of the processor than the VM shows it", NULL},
    {"sufficient memory resources to satisfy the reservation",
     "the host has not enough free memory for the reservation: power other VMs off, or give this "
     "one less",
     NULL},
    {"Admission check failed for memory resource",
     "the host has not enough free memory, or no space for the swap file", NULL},
    {"tooNewCurrentHWVersion", "virtualHW.version is too new for this host", NULL},
    {"hardware version that is too new", "virtualHW.version is too new for this host", NULL},
    {"Failed to lock the file",
     "another VM, host or backup holds the file: vmfsfilelockinfo -p FILE names it", NULL},
    {"msg.fileio.lock",
     "another VM, host or backup holds the file: vmfsfilelockinfo -p FILE names it", NULL},
    {"or one of the snapshot disks it depends on",
     "a disk is locked, missing, or its chain of snapshots is broken: the next line says which",
     NULL},
    {"cannot find the virtual disk", "a disk is not where the .vmx says", NULL},
    {"The system cannot find the file specified", "a file is not where the .vmx says", NULL},
    {"LookupAndOpen", "a file could not be opened: it is locked or missing", NULL},
    {"AIOGNRC: Failed to open", "a file is missing", NULL},
    {"not on NAS or VMFS version 3 datastore",
     "the VM lies on a volume of the host's own (OSDATA): move it to a datastore", NULL},
    {"msg.uuid.altered", "the VM asks whether it was moved or copied, and waits for the answer",
     NULL},
    {"Backdoor.OsNotFound", "the VM was powered on and found nothing to boot: disks, firmware",
     NULL},
    {"Variable already defined", "a key is there twice: see duplicate-keys in check", NULL},
    {"msg.disk.alreadyExists", "two devices have one place", NULL},
    {"cannot be performed in the current state",
     "the VM is in that state already, or in another one", NULL},
    {"another task is in progress", "the host still does something else with the VM: wait", NULL},
    {"caused an IOMMU fault",
     "the device was refused access to memory: the guest's driver, the card's firmware", NULL},
    {"is already in use", "another VM that is powered on has the device", NULL},
    {"Invalid virtual machine configuration", "the host cannot read the .vmx: see check", NULL},
    {"Module 'DevicePowerOn' power on failed", "a device: see the other lines", NULL},
    {"Module 'MonitorMode' power on failed", "the processor: see the other lines", NULL},
    {"Module 'MonitorLoop' power on failed", "memory: see the other lines", NULL},
    {"Module 'Upgrade' power on failed", "the hardware version: see the other lines", NULL},
    {"Module 'Disk' power on failed", "a disk: see the other lines", NULL},
};

const struct why_cause *why_cause_of(struct span said)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
        if (memmem(said.p, said.n, causes[i].text, strlen(causes[i].text)))
            return &causes[i];
    }
    return NULL;
}
