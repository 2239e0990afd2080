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
#include "parser/device/passed.h"
#include "parser/document/value.h"
#include "parser/text/text.h"
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

/* Only a device that the VM has. */
static int mend_passthrough(const struct why_given *given, struct span said, struct buf *ret)
{
    PASSED_AUTO passed = {0};
    BUF_AUTO name = {0};
    struct vmx_pci device;
    if (!given->mount || !why_device_of(said, &device))
        return 0;
    int r = vmx_passed_find(given->dict, &passed)
                ?: buf_add_str(&name, ".vmxfs/host/pci/")
                ?: vmx_pci_add_address(&device, &name)
                ?: buf_add_str(&name, "/passthrough");
    bool has = false;
    for (size_t i = 0; r == 0 && !has && i < passed.n; i++)
        has = passed.items[i].has_address && vmx_pci_eq(&passed.items[i].address, &device);
    return r != 0 || !has ? r : command_echo(given->mount, buf_span(&name), SPAN_LITERAL("1"), ret);
}

/* ---- the messages */

#define NO_RESET                                                                                   \
    "the device does not come back from its reset: another reset method in "                       \
    "/etc/vmware/passthru.map, and the host's power off and on"
#define NO_INTERRUPTS "the host has no interrupts left for the devices: pass fewer of them"
#define RUNNING_VM "a device cannot be added to a running VM: power it off first"
#define NO_SUSPEND "a VM with a passed device cannot be suspended: power it off"
#define LOW_BARS                                                                                   \
    "the host's firmware places the card below 4 GiB: turn \"above 4G decoding\" on in its setup"
#define SMALL_WINDOW "the window for 64-bit MMIO is too small for the cards"
#define NO_BRIDGES "the PCI bridges are missing"
#define EXCLUDED                                                                                   \
    "nested virtualization and a passed device exclude each other without vhv.allowPassthru"
#define NO_VHV                                                                                     \
    "this host is a VM itself, and its own .vmx lost vhv.enable: set that there, then power it "   \
    "off and on"
#define NO_HV "virtualization is off in the host's BIOS, or the host is a VM without vhv.enable"
#define NO_NESTED "the processor cannot do nested virtualization here: its BIOS, or vhv.enable off"
#define NO_FEATURES "the guest wants more of the processor than the VM shows it"
#define NEW_HARDWARE "virtualHW.version is too new for this host"
#define LOCKED "another VM, host or backup holds the file: vmfsfilelockinfo -p FILE names it"
#define BROKEN_CHAIN                                                                               \
    "a disk is locked, missing, or its chain of snapshots is broken: the next line says which"
#define GONE                                                                                       \
    "passthrough of the device is not enabled on the host, waits for a reboot, or PCIe hot-plug "  \
    "took it away (enablePCIEHotplug)"
#define ASKS "the VM asks whether it was moved or copied, and waits for the answer"
#define NO_PLATFORM                                                                                \
    "the host cannot reset the device, or has no IOMMU for it: its BIOS, or the reset method in "  \
    "/etc/vmware/passthru.map"

#define IS(text_, cause_) .text = (text_), .cause = (cause_)

static const struct why_cause causes[] = {
    {IS("total number of pages needed (",
        "the cards need more than the 3.5 GiB below 4 GiB: 64-bit MMIO is off or too small"),
     .mend = mend_window},
    {IS("The firmware could not allocate", SMALL_WINDOW), .mend = mend_window},
    {IS("pciMmioError", SMALL_WINDOW), .mend = mend_window},
    {IS("Failed to add BAR memory", LOW_BARS)},
    {IS("Limit exceeded", LOW_BARS)},
    {IS("memory reservation (sched.mem.min) should be equal to memsize",
        "a VM with a passed device needs all of its memory reserved"),
     .mend = mend_reservation},
    {IS("AH No device hints found",
        "the id of a device is not decimal (00000:101:00.0 for 0000:65:00.0), or there is no such "
        "device: see check")},
    {IS("Failed to generate predicates for pciPassthru",
        "id, deviceId or vendorId of the device is missing or wrong: see check")},
    {IS("AH Failed to find a suitable device for pciPassthru",
        "the id is wrong (hexadecimal?), or the device is not in passthrough: see check")},
    {IS("systemId does not match the current system",
        "the .vmx is from another host, the card was moved, or its ids are wrong: see check"),
     .decimal = true},
    {IS("is not a passthrough device", GONE), .mend = mend_passthrough, .decimal = true},
    {IS(" Adapter removed",
        "PCIe hot-plug took the device away: the kernel setting enablePCIEHotplug")},
    {IS("createAdapterFailedPlatformNotSupported", NO_PLATFORM), .decimal = true},
    {IS("due to unavailable hardware or software support", NO_PLATFORM), .decimal = true},
    {IS("PCIPassthru: Failed to register device",
        "the host cannot reset the device, or has no IOMMU for it: vmkernel.log has the reason")},
    {IS("did not complete its pending transactions", NO_RESET)},
    {IS("is unresponsive after reset", NO_RESET)},
    {IS("because PCIe link to the device is down",
        "the card fell off the bus: ASPM off in the host's BIOS, enablePCIEHotplug off, "
        "pcie_aspm=off in the guest"),
     .kind = WHY_RUNNING},
    {IS("failed to register interrupt", NO_INTERRUPTS)},
    {IS("Out of interrupt vectors", NO_INTERRUPTS)},
    {IS("noSuspend.postedInterrupts", NO_SUSPEND), .kind = WHY_RUNNING},
    {IS("PCI DirectPath I/O device cannot be suspended", NO_SUSPEND), .kind = WHY_RUNNING},
    {IS("msg.pciPassthru.noMigration", RUNNING_VM), .kind = WHY_RUNNING},
    {IS("cannot be used for a virtual machine with PCI DirectPath I/O device", RUNNING_VM),
     .kind = WHY_RUNNING},
    {IS("msg.devices.hotplug.failed", RUNNING_VM), .kind = WHY_RUNNING},
    {IS("Hot-add of pciPassthru", RUNNING_VM), .kind = WHY_RUNNING},
    {IS("IOMMU virtualization is not allowed with VGPU",
        "a vGPU and the virtual IOMMU exclude each other"),
     .mend = mend_iommu},
    {IS("No PCIe slot available", NO_BRIDGES), .mend = mend_bridges},
    {IS("Unable to allocate a PCI SCSI adapter", NO_BRIDGES), .mend = mend_bridges},
    {IS("Too many PCI devices are already configured", NO_BRIDGES), .mend = mend_bridges},
    {IS("msg.pci.noslotavail", NO_BRIDGES), .mend = mend_bridges},
    {IS("msg.pvscsi.badPCI", NO_BRIDGES), .mend = mend_bridges},
    {IS("Vmxnet3 PCI: failed to reserve slot", NO_BRIDGES), .mend = mend_bridges},
    {IS("Nested Hardware-Assisted Virtualization is not supported", EXCLUDED), .mend = mend_nested},
    {IS("nested hardware-assisted virtualization is enabled", EXCLUDED), .mend = mend_nested},
    {IS("running in a virtual machine with VHV disabled", NO_VHV)},
    {IS("legacyCPU.noVHV", NO_VHV)},
    {IS("This host does not support AMD-V", NO_HV)},
    {IS("This host does not support Intel VT-x", NO_HV)},
    {IS("msg.hvuser.NoSVM", NO_HV)},
    {IS("noVHVQuestion", NO_NESTED), .kind = WHY_QUESTION},
    {IS("Virtualized AMD-V", NO_NESTED)},
    {IS("Virtualized Intel VT-x", NO_NESTED)},
    {IS("This virtual machine is missing features", NO_FEATURES)},
    {IS("guestOSMissingFeatures", NO_FEATURES)},
    {IS("sufficient memory resources to satisfy the reservation",
        "the host has not enough free memory for the reservation: power other VMs off, or give "
        "this "
        "one less")},
    {IS("Admission check failed for memory resource",
        "the host has not enough free memory, or no space for the swap file")},
    {IS("VMK_MEM_ADMIT_FAILED",
        "the host has not enough free memory, or no space for the swap file")},
    {IS("tooNewCurrentHWVersion", NEW_HARDWARE)},
    {IS("hardware version that is too new", NEW_HARDWARE)},
    {IS("Failed to lock the file", LOCKED)},
    {IS("msg.fileio.lock", LOCKED)},
    {IS("or one of the snapshot disks it depends on", BROKEN_CHAIN)},
    {IS("msg.disk.noBackEnd", BROKEN_CHAIN)},
    {IS("cannot find the virtual disk", "a disk is not where the .vmx says")},
    {IS("msg.disk.fileNotFound", "a disk is not where the .vmx says")},
    {IS("The system cannot find the file specified", "a file is not where the .vmx says")},
    {IS("File system specific implementation of LookupAndOpen",
        "a file could not be opened: it is locked or missing")},
    {IS("vob.fssvec.LookupAndOpen", "a file could not be opened: it is locked or missing")},
    {IS("AIOGNRC: Failed to open", "a file is missing")},
    {IS("not on NAS or VMFS version 3 datastore",
        "the VM lies on a volume of the host's own (OSDATA): move it to a datastore")},
    {IS("msg.uuid.altered", ASKS), .kind = WHY_QUESTION},
    {IS("have been moved or copied", ASKS), .kind = WHY_QUESTION},
    {IS("Backdoor.OsNotFound", "the VM was powered on and found nothing to boot: disks, firmware"),
     .kind = WHY_RUNNING},
    {IS("Variable already defined", "a key is there twice: see duplicate-keys in check")},
    {IS("msg.disk.alreadyExists", "two devices have one place")},
    {IS("' already exists", "two devices have one place")},
    {IS("cannot be performed in the current state",
        "the VM is in that state already, or in another one")},
    {IS("vim.fault.InvalidPowerState", "the VM is in that state already, or in another one")},
    {IS("another task is in progress", "the host still does something else with the VM: wait")},
    {IS("caused an IOMMU fault",
        "the device was refused access to memory: the guest's driver, the card's firmware"),
     .kind = WHY_RUNNING},
    {IS("is already in use", "another VM that is powered on has the device")},
    {IS("Invalid virtual machine configuration", "the host cannot read the .vmx: see check")},
    {IS("Module 'DevicePowerOn' power on failed", "a device: see the other lines"),
     .kind = WHY_STAGE},
    {IS("Module 'MonitorMode' power on failed", "the processor: see the other lines"),
     .kind = WHY_STAGE},
    {IS("Module 'MonitorLoop' power on failed", "memory: see the other lines"), .kind = WHY_STAGE},
    {IS("Module 'Upgrade' power on failed", "the hardware version: see the other lines"),
     .kind = WHY_STAGE},
    {IS("Module 'Disk' power on failed", "a disk: see the other lines"), .kind = WHY_STAGE},
};

const struct why_cause *why_cause_of(struct span said, size_t *ret_at)
{
    for (size_t i = 0; said.n > 0 && i < sizeof(causes) / sizeof(*causes); i++) {
        const char *at = memmem(said.p, said.n, causes[i].text, strlen(causes[i].text));
        if (at && ret_at)
            *ret_at = (size_t)(at - said.p);
        if (at)
            return &causes[i];
    }
    return NULL;
}

bool why_device_of(struct span said, struct vmx_pci *ret)
{
    struct span word;
    bool is = false;
    while (!is && text_word(&said, &word)) {
        while (word.n > 0 && memchr(".,", word.p[word.n - 1], 2))
            word.n--;
        is = vmx_pci_parse_id(word, ret);
    }
    return is;
}
