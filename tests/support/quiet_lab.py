#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Generates a lab in which nothing is wrong: 500 ordinary VMs, and 20 that are passed devices of the
pretended host (esxi/devices.py), set up right by hand. Each is a folder with a .vmx.

usage: quiet_lab.py DIR

The VMs are of all the kinds that people have: hardware versions 4 to 21, made by ESXi, Workstation
and Fusion, BIOS and EFI, with snapshots, hot-add, CD-ROMs, several disks, nested virtualization.
"""
import os
import sys

UUID = "5aec7ae7-7d90-8511-435a-d094660b7768"
SYSTEM = [("systemId", UUID)]

ESXI_GUESTS = ["ubuntu-64", "windows9-64", "windows2019srv-64", "windows7srv-64", "winXPPro", "dos",
               "debian11-64", "rhel8-64", "centos7-64", "sles15-64", "freebsd12-64", "other",
               "other3xlinux-64", "solaris11-64", "darwin18-64", "vmkernel7", "vmkernel65",
               "amazonlinux2-64", "photon-64", "oraclelinux8-64", "netware6", "winNetStandard"]
HOSTED_GUESTS = ["ubuntu", "windows7-64", "winxphome", "otherlinux", "other26xlinux-64",
                 "fedora-64", "darwin16-64", "windows11-64", "rhel6-64", "opensuse"]


def text(settings, newline="\n", head=""):
    return head + "".join(f'{key} = "{value}"{newline}' for key, value in settings)


def identity(n):
    octets = [f"{(n * 37 + i * 11) % 256:02x}" for i in range(16)]
    return " ".join(octets[:8]) + "-" + " ".join(octets[8:])


def basics(name, n, version, guest):
    yield "config.version", "8"
    yield "virtualHW.version", version
    yield "displayName", name
    yield "guestOS", guest
    yield "memSize", (256, 512, 1024, 2048, 4096, 8192, 16384, 131072)[n % 8]
    if n % 3:
        yield "numvcpus", 1 + n % 16
    if n % 4 == 0:
        yield "cpuid.coresPerSocket", (1, 2, 4)[n % 3]
    if n % 5 < 2 and version > 7:
        yield "firmware", ("efi", "bios")[n % 2]
    yield "uuid.bios", identity(n)
    yield "uuid.location", identity(n + 1)
    yield "nvram", f"{name}.nvram"
    yield "extendedConfigFile", f"{name}.vmxf"
    yield "powerType.powerOff", ("soft", "default", "hard")[n % 3]
    yield "toolScripts.afterPowerOn", "TRUE"
    yield "cleanShutdown", "TRUE"
    yield "softPowerOff", ("FALSE", "TRUE")[n % 2]


def bridges():
    yield "pciBridge0.present", "TRUE"
    for n in range(4, 8):
        yield f"pciBridge{n}.present", "TRUE"
        yield f"pciBridge{n}.virtualDev", "pcieRootPort"
        yield f"pciBridge{n}.functions", "8"


def disks(name, n, adapter):
    """Every third VM has a snapshot; some have several disks."""
    delta = f"-{n % 7 + 1:06d}" if n % 3 == 0 else ""
    yield f"{adapter}0.present", "TRUE"
    if adapter == "scsi":
        yield "scsi0.virtualDev", ("lsilogic", "pvscsi", "lsisas1068", "buslogic")[n % 4]
    for disk in range(1 + n % 4):
        tail = f"_{disk}" if disk else ""
        yield f"{adapter}0:{disk}.present", "TRUE"
        yield f"{adapter}0:{disk}.deviceType", f"{adapter}-hardDisk"
        yield f"{adapter}0:{disk}.fileName", f"{name}{tail}{delta}.vmdk"
        yield f"sched.{adapter}0:{disk}.shares", "normal"
    if delta:
        yield f"{adapter}0:0.redo", ""


def cdrom(n):
    if n % 3 == 0:
        yield "ide1:0.present", "TRUE"
        yield "ide1:0.deviceType", "atapi-cdrom"
        yield "ide1:0.fileName", ("emptyBackingString", "/vmfs/volumes/datastore1/iso/inst [1].iso")[
            n % 2]
        yield "ide1:0.startConnected", "FALSE"
        yield "ide1:0.clientDevice", "TRUE"
    elif n % 3 == 1:
        yield "sata0.present", "TRUE"
        yield "sata0:0.present", "TRUE"
        yield "sata0:0.deviceType", "cdrom-image"
        yield "sata0:0.fileName", "/usr/lib/vmware/isoimages/linux.iso"
    if n % 7 == 0:
        yield "floppy0.present", "TRUE"
        yield "floppy0.startConnected", "FALSE"
        yield "floppy0.fileName", "/dev/fd0"
    else:
        yield "floppy0.present", "FALSE"


def network(n):
    for card in range(n % 4):
        yield f"ethernet{card}.present", "TRUE"
        yield f"ethernet{card}.virtualDev", ("vmxnet3", "e1000", "e1000e", "vlance")[n % 4]
        yield f"ethernet{card}.networkName", ("VM Network", "dvs 12", "lab/17 – Büro")[n % 3]
        yield f"ethernet{card}.addressType", ("generated", "vpx", "static")[n % 3]
        key = ("generatedAddress", "generatedAddress", "address")[n % 3]
        yield f"ethernet{card}.{key}", f"00:50:56:{n % 64:02x}:{n % 256:02x}:{card:02x}"
        yield f"ethernet{card}.pciSlotNumber", ("160", "33", "-1")[n % 3]


def extras(name, n):
    """What only some of them have."""
    if n % 2:
        yield "mem.hotadd", "TRUE"
        yield "vcpu.hotadd", "TRUE"
    if n % 5 == 0:
        yield "svga.vramSize", "8388608"
        yield "svga.autodetect", "TRUE"
        yield "usb.present", "TRUE"
        yield "usb_xhci.present", "TRUE"
    if n % 6 == 0: # nested virtualization, and Windows with a virtual IOMMU
        yield "vhv.enable", "TRUE"
    if n % 12 == 0:
        yield "vvtd.enable", "TRUE"
        yield "windows.vbs.enabled", "TRUE"
        yield "uefi.secureBoot.enabled", "TRUE"
    if n % 8 == 0:
        yield "sched.mem.min", ("0", "512")[n % 16 // 8]
        yield "sched.mem.shares", "normal"
        yield "sched.cpu.min", "0"
        yield "sched.cpu.affinity", "all"
    if n % 9 == 0:
        yield "annotation", "owner: Ina|0A|22do not touch|22"
        yield "guestinfo.metadata", "aW5zdGFuY2U6IDE="
        yield "RemoteDisplay.vnc.enabled", "TRUE"
        yield "RemoteDisplay.vnc.port", "5901"
    if n % 10 == 0:
        yield "checkpoint.vmState", ""
        yield "migrate.hostLog", f"./{name}.hlog"
        yield "numa.autosize.cookie", "20011"
        yield "numa.autosize.vcpu.maxPerVirtualNode", "2"
    if n % 11 == 0: # a device that was taken away
        yield "pciPassthru0.present", "FALSE"
        yield "pciPassthru0.id", "00000:130:00.0"
    if n % 13 == 0:
        yield "hypervisor.cpuid.v0", "FALSE"
        yield "svga.present", "TRUE"


def esxi(name, n):
    version = (7, 8, 9, 10, 11, 13, 14, 15, 17, 18, 19, 20, 21, 4)[n % 14]
    yield ".encoding", ("UTF-8", "windows-1252")[n % 20 == 19]
    yield from basics(name, n, version, ESXI_GUESTS[n % len(ESXI_GUESTS)])
    if version > 7:
        yield from bridges()
        yield "vmci0.present", "TRUE"
        yield "hpet0.present", "TRUE"
    yield from disks(name, n, "nvme" if version > 12 and n % 17 == 0 else "scsi")
    yield from cdrom(n)
    yield from network(n)
    yield from extras(name, n)
    yield "sched.swap.derivedName", f"/vmfs/volumes/datastore1/{name}/{name}-1a2b3c4d.vswp"
    yield "vc.uuid", identity(n + 2)


def hosted(name, n):
    """Workstation, Player and Fusion."""
    version = (6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 19, 20)[n % 12]
    yield ".encoding", ("windows-1252", "UTF-8")[n % 2]
    yield from basics(name, n, version, HOSTED_GUESTS[n % len(HOSTED_GUESTS)])
    if version > 7:
        yield from bridges()
    yield from disks(name, n, ("scsi", "sata", "ide")[n % 3])
    yield "ethernet0.present", "TRUE"
    yield "ethernet0.connectionType", ("nat", "bridged", "hostonly")[n % 3]
    yield "ethernet0.addressType", "generated"
    yield "ethernet0.generatedAddress", f"00:0c:29:{n % 256:02x}:00:01"
    yield "sound.present", "TRUE"
    yield "sound.virtualDev", ("hdaudio", "es1371")[n % 2]
    yield "sound.fileName", "-1"
    yield "mks.enable3d", "TRUE"
    yield "isolation.tools.hgfs.disable", "FALSE"
    yield "sharedFolder.maxNum", "0"
    yield "monitor.phys_bits_used", "43"
    yield from extras(name, n)


def ordinary():
    for n in range(380):
        name = f"vm-{n:03d}"
        yield name, text(esxi(name, n)).encode("cp1252" if n % 20 == 19 else "utf-8"), None
    for n in range(120):
        name = f"Arbeitsplatz {n:03d}" if n % 4 == 0 else f"ws-{n:03d}"
        dos = n % 3 == 0
        yield name, text(hosted(name, n), "\r\n" if dos else "\n",
                         "" if dos else "#!/usr/bin/vmware\n").encode(), None


def block(n, address, vendor, device, more):
    yield f"pciPassthru{n}.id", address
    yield f"pciPassthru{n}.deviceId", device
    yield f"pciPassthru{n}.vendorId", vendor
    for key, value in more:
        yield f"pciPassthru{n}.{key}", value
    yield f"pciPassthru{n}.present", "TRUE"
    yield f"pciPassthru{n}.pciSlotNumber", str(192 + 32 * n)


def given(name, n, firmware, functions, more=()):
    """A VM with devices, as a person sets it up who knows what they need."""
    yield ".encoding", "UTF-8"
    yield "config.version", "8"
    yield "virtualHW.version", (14, 19, 20)[n % 3]
    yield "displayName", name
    yield "guestOS", ESXI_GUESTS[n % 5]
    yield "firmware", firmware
    yield "memSize", "16384"
    yield "numvcpus", "8"
    yield "sched.mem.min", "16384"
    yield "sched.mem.minSize", "16384"
    yield "sched.mem.pin", "TRUE"
    yield "scsi0.present", "TRUE"
    yield "scsi0.virtualDev", "pvscsi"
    yield "scsi0:0.present", "TRUE"
    yield "scsi0:0.deviceType", "scsi-hardDisk"
    yield "scsi0:0.fileName", f"{name}.vmdk"
    yield from bridges()
    for at, function in enumerate(functions):
        yield from block(at, *function)
    yield from more


WIDE = (("pciPassthru.use64bitMMIO", "TRUE"), ("pciPassthru.64bitMMIOSizeGB", "32"))
P600 = [("00000:066:00.0", "0x10de", "0x1cb2", SYSTEM), ("00000:066:00.1", "0x10de", "0x0fb9", SYSTEM)]
ARC = [("00000:134:00.0", "0x8086", "0x5690", SYSTEM), ("00000:135:00.0", "0x8086", "0x4f92", SYSTEM)]
RADEON = [("00000:195:00.0", "0x1002", "0x73bf", SYSTEM),
          ("00000:195:00.1", "0x1002", "0xab28", SYSTEM)]
HBA = [("00000:004:00.0", "0x1000", "0x5d", SYSTEM)]
# An SR-IOV adapter's function: the host chooses it among those of the physical one.
FUNCTION = [("00000:003:00.0", "0x0", "0x0", [
    ("systemId", "BYPASS"), ("pfId", "00000:003:00.0"), ("MACAddressType", "static"),
    ("MACAddress", "00:50:56:00:10:01"), ("networkName", "VM Network")])]


def log(address):
    def line(said):
        return f"2026-03-01T10:00:01.123Z| vmx| | I005: {said}\n"
    return (line("Log for VMware ESX pid=1 version=7.0.3 build=build-20328353 option=Release") +
            line(f"PCIPassthru: Device {address} barIndex 1 type 3 realaddr 0x3b800000000 "
                 "size 268435456 flags 12") +
            line("Transitioned vmx/execState/val to poweredOn"))


def right():
    for n in range(6):
        yield f"hba-{n}", text(given(f"hba-{n}", n, ("bios", "efi")[n % 2], HBA)).encode(), None
    for n in range(6):
        yield f"sriov-{n}", text(given(f"sriov-{n}", n, ("bios", "efi")[n % 2], FUNCTION)).encode(), \
            None
    cards = [(P600, (), "0000:42:00.0"), (ARC, WIDE, "0000:86:00.0"), (RADEON, WIDE, "0000:c3:00.0")]
    for n in range(8):
        functions, more, address = cards[n % 3]
        yield f"gpu-{n}", text(given(f"gpu-{n}", n, "efi", functions, more)).encode(), \
            log(address) if n > 2 else None


def main():
    root, = sys.argv[1:]
    for name, settings, started in [*ordinary(), *right()]:
        folder = os.path.join(root, name)
        os.makedirs(folder)
        with open(os.path.join(folder, f"{name}.vmx"), "wb") as f:
            f.write(settings)
        if started:
            with open(os.path.join(folder, "vmware.log"), "w", encoding="utf-8") as f:
                f.write(started)


if __name__ == "__main__":
    main()
