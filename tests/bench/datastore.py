#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Generates a datastore: N VMs, powered off, of four files each (.vmx, .vmdk, .nvram, vmware.log).

usage: datastore.py [--vms N] [--keys N] [--files N] [--stores N] [--seed N] DIR

DIR must not exist. The same options give the same bytes. Every .vmx has exactly --keys settings.
More than four files are older logs. With --stores the VMs are dealt out to as many datastores
(store-00, ...) below DIR.
"""
import argparse
import itertools
import os
import random
import sys

GUESTS = ["ubuntu-64", "windows9-64", "vmkernel7", "debian11-64", "rhel8-64"]


def identity(r):
    """The 16 bytes of a UUID as VMware writes them."""
    octets = [f"{r.randrange(256):02x}" for _ in range(16)]
    return " ".join(octets[:8]) + "-" + " ".join(octets[8:])


def basics(name, r):
    yield ".encoding", "UTF-8"
    yield "config.version", "8"
    yield "virtualHW.version", r.choice(["14", "19", "20"])
    yield "displayName", name
    yield "guestOS", r.choice(GUESTS)
    yield "firmware", "efi"
    yield "memSize", str(1024 * r.randrange(1, 65))
    yield "numvcpus", str(r.randrange(1, 17))
    yield "cpuid.coresPerSocket", "1"
    yield "nvram", f"{name}.nvram"
    yield "uuid.bios", identity(r)
    yield "uuid.location", identity(r)
    yield "vc.uuid", identity(r)
    yield "vmci0.present", "TRUE"
    yield "vmci0.id", str(r.randrange(1 << 31))
    yield "sched.swap.derivedName", f"/vmfs/volumes/datastore1/{name}/{name}-{r.getrandbits(32):08x}.vswp"
    yield "sched.cpu.units", "mhz"
    yield "sched.cpu.affinity", "all"
    yield "powerType.powerOff", "default"
    yield "powerType.reset", "default"
    yield "tools.upgrade.policy", "manual"
    yield "svga.present", "TRUE"
    yield "floppy0.present", "FALSE"
    yield "hpet0.present", "TRUE"


def devices(name, r):
    yield "pciBridge0.present", "TRUE"
    for n in (4, 5, 6, 7):
        yield f"pciBridge{n}.present", "TRUE"
        yield f"pciBridge{n}.virtualDev", "pcieRootPort"
        yield f"pciBridge{n}.functions", "8"
    yield "scsi0.virtualDev", "pvscsi"
    yield "scsi0.present", "TRUE"
    for disk in range(4):
        yield f"scsi0:{disk}.present", "TRUE"
        yield f"scsi0:{disk}.deviceType", "scsi-hardDisk"
        yield f"scsi0:{disk}.fileName", f"{name}_{disk}.vmdk" if disk else f"{name}.vmdk"
        yield f"sched.scsi0:{disk}.shares", "normal"
        yield f"sched.scsi0:{disk}.throughputCap", "off"
    for card in range(3):
        yield f"ethernet{card}.present", "TRUE"
        yield f"ethernet{card}.virtualDev", "vmxnet3"
        yield f"ethernet{card}.networkName", f"VM Network {r.randrange(20)}"
        yield f"ethernet{card}.addressType", "generated"
        yield f"ethernet{card}.generatedAddress", "00:0c:29:%02x:%02x:%02x" % tuple(r.randbytes(3))
        yield f"ethernet{card}.pciSlotNumber", str(160 + 32 * card)


def fillers(r):
    number = 0
    while True:
        yield f"guestinfo.lab.note{number}", f"owner {r.randrange(1000)}, rack {r.randrange(40)}"
        number += 1


def settings(name, keys, r):
    """The first "keys" of all settings."""
    made = 0
    for source in (basics(name, r), devices(name, r), fillers(r)):
        for item in source:
            if made == keys:
                return
            made += 1
            yield item


def vmx(name, keys, r):
    return "".join(f'{key} = "{value}"\n' for key, value in settings(name, keys, r))


def descriptor(name, r):
    return (f"# Disk DescriptorFile\nversion=1\nCID={r.getrandbits(32):08x}\nparentCID=ffffffff\n"
            f'createType="vmfs"\n\nRW 83886080 VMFS "{name}-flat.vmdk"\n\n'
            'ddb.adapterType = "lsilogic"\nddb.virtualHWVersion = "19"\n')


def write(path, content):
    with open(path, "wb") as f:
        f.write(content)


def contents(name, keys, r):
    """The files of a VM, in the order in which they are left out: first come those that all have."""
    log = b"2024-01-01T00:00:00.000Z vmx: log line\n" * 100
    yield f"{name}.vmx", vmx(name, keys, r).encode()
    yield f"{name}.vmdk", descriptor(name, r).encode()
    yield f"{name}.nvram", r.randbytes(8684)
    yield "vmware.log", log
    for number in itertools.count(1):
        yield f"vmware-{number}.log", log


def write_vm(folder, name, keys, files, r):
    os.makedirs(folder)
    for file, content in itertools.islice(contents(name, keys, r), files):
        write(os.path.join(folder, file), content)


def name_of(number):
    return f"vm-{number:05d}"


def store_name(number):
    return f"store-{number:02d}"


def folder_of(number, vms, stores):
    """Where a VM is, below the root."""
    if stores == 1:
        return name_of(number)
    each = -(-vms // stores)
    return os.path.join(store_name(number // each), name_of(number))


def generate(path, vms, keys=150, files=4, stores=1, seed=1):
    """All files get a time of long ago, as most in a datastore have."""
    os.makedirs(path)
    for number in range(vms):
        folder = os.path.join(path, folder_of(number, vms, stores))
        write_vm(folder, name_of(number), keys, files, random.Random(f"{seed} {number}"))
        for entry in os.scandir(folder):
            os.utime(entry.path, (1700000000 + number, 1700000000 + number))


def least_keys():
    """A VM has at least what makes it one."""
    return len(list(basics("", random.Random(0))))


def main():
    parser = argparse.ArgumentParser(description="Generates a datastore of powered-off VMs.")
    parser.add_argument("--vms", type=int, default=500)
    parser.add_argument("--keys", type=int, default=150)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--stores", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("dir")
    args = parser.parse_args()
    if args.vms < 0 or args.keys < least_keys() or args.files < 1 or args.stores < 1:
        parser.error(f"a number is too small; a VM has at least {least_keys()} settings and one file")
    if os.path.exists(args.dir):
        sys.exit(f"datastore: {args.dir} is there already")
    generate(args.dir, args.vms, args.keys, args.files, args.stores, args.seed)


if __name__ == "__main__":
    main()
