/* SPDX-License-Identifier: MIT */
/*
 * What a host, or VMware Tools in the guest, writes into a .vmx without anybody asking for it. A
 * setting is here if hosts write it when a VM is registered, switched on or off, suspended, moved
 * or cloned, it follows from the host or from other settings, and nobody loses anything if it is
 * left alone when a change is taken back.
 *
 * Sources: the .vmx files of hosts before and after; VM Operator's list of what it overlooks when
 * it watches VMs (watcher.go, defaultIgnoredExtraConfigKeys); open-vm-tools, for what the guest
 * sends.
 *
 * Not here, although hosts write them too: uuid.bios (it says which VM this is), what the client
 * that creates a VM fills in (hpet0.present, powerType.*, svga.vramSize, nvram, ...),
 * ethernetN.address, snapshot.* and numa.autosize (set by hand; the snapshots themselves are in the
 * .vmsd), a disk's fileName (somebody asked for the snapshot), bios.forceSetupOnce (set by hand,
 * taken back by the host), migrate.encryptionMode (set in the client).
 */
#include "changes.h"

#include "parser/document/folded_name.h"
#include "parser/document/known_names.h"

/* As name_fold writes them. A "*" at either end stands for anything. */
static const char *const host_written[] = {
    /* at each power-on, power-off and suspend */
    "cleanshutdown",
    "softpoweroff",
    "checkpoint.vmstate",
    "checkpoint.vmstate.readonly",
    "migrate.hostlog",
    "migrate.hostlogstate",
    "migrate.migrationid",
    "sched.swap.derivedname",
    "vm.lastpowerrequesttimestamp",
    "vmxstats.filename",

    /* when it is registered, moved or cloned */
    "extendedconfigfile",
    "uuid.location",
    "vc.uuid",
    "viv.moid",
    "vm.createdate",
    "vm.genid",
    "vm.genidx",

    /* what virtual hardware gets at its first power-on, or at the next one on another host */
    "*.pcislotnumber",
    "*.redo",
    "ehci#.*", /* USB devices; those that are passed through have usb.autoConnect */
    "ethernet#.generatedaddress",
    "ethernet#.generatedaddressoffset",
    "nvme#.subnqnuuid",
    "pcipassthru#.generatedmacaddress",
    "pcipassthru#.generatedmacaddressoffset",
    "scsi#.saswwid",
    "usb#.*",
    "usb_xhci#.*",
    "vmci#.id",

    /* what the VM saw of the host's processors, memory and display */
    "cpuid.corespersocket.cookie",
    "evccompatibilitymode",
    "guestcpuid.#",
    "hostcpuid.#",
    "monitor.phys_bits_used",
    "numa.autosize.cookie",
    "numa.autosize.vcpu.maxpervirtualnode",
    "replay.filename",
    "replay.supported",
    "svga.guestbackedprimaryaware",
    "usercpuid.#",
    "vmotion.checkpoint*",
    "vmotion.svga.*",

    /* what VMware Tools are, and what they say of the guest */
    "guestinfo.appinfo",
    "guestinfo.detailed.data",
    "guestinfo.driver.*",
    "guestinfo.vmtools.*",
    "guestinfo.vmware.components.available",
    "guestos.detailed.data",
    "tools.capability.verifiedsamltoken",
    "tools.remindinstall",
    "toolsinstallmanager.*",
    "vmware.tools.internalversion",
    "vmware.tools.requiredversion",
    "vmware.tools.installstate",
    "vmware.tools.lastinstallstatus",
};

static bool matches(struct span name, struct span pattern)
{
    if (pattern.p[0] == '*')
        return span_ends_with(name, (struct span){pattern.p + 1, pattern.n - 1});
    if (pattern.p[pattern.n - 1] == '*')
        return span_starts_with(name, (struct span){pattern.p, pattern.n - 1});
    return span_eq(name, pattern);
}

bool vmx_is_written_by_host(struct span name)
{
    char folded[KNOWN_NAME_MAX];
    struct span s = {folded, name_fold(name, folded, sizeof(folded))};
    for (size_t i = 0; s.n > 0 && i < sizeof(host_written) / sizeof(host_written[0]); i++) {
        if (matches(s, span_of(host_written[i])))
            return true;
    }
    return false;
}
