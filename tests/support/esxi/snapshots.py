# SPDX-License-Identifier: MIT
"""A snapshot of a VM: what is written from then on goes into a file of its own for each disk, which
the VM has open, and the disk itself can be read."""
import os
import re

import faults
import locks
import refusals
import vmx


def take(host, vm, name):
    if refusals.passed(vm["copy"]):
        raise faults.Refused("(text not recorded: a VM with a device has no snapshots)")
    folder, stem = os.path.dirname(vm["path"]), os.path.basename(vm["path"])[:-len(".vmx")]
    number = vm["snapshots"] = vm.get("snapshots", 0) + 1
    text = vm["copy"]
    for key, disk in locks.disks_of(text):
        text = vmx.put(text, key, delta(folder, disk))
    vmx.write_file(os.path.join(folder, f"{stem}.vmsd"), "".join(
        f'{key} = "{value}"\n' for key, value in (
            (".encoding", "UTF-8"), ("snapshot.lastUID", number), ("snapshot.current", number),
            ("snapshot0.uid", number), ("snapshot0.filename", f"{stem}-Snapshot{number}.vmsn"),
            ("snapshot0.displayName", name))))
    vmx.write_file(os.path.join(folder, f"{stem}-Snapshot{number}.vmsn"), "snapshot\n")
    host.write(vm, text)


def delta(folder, disk):
    """Makes the next one of a disk; the name of its descriptor."""
    first, _, last = re.fullmatch(r"(.*?)(-(\d{6}))?\.vmdk", disk).groups()
    name = f"{first}-{int(last or 0) + 1:06d}"
    vmx.write_file(os.path.join(folder, f"{name}.vmdk"),
                   f'# Disk DescriptorFile\nversion=4\ncreateType="seSparse"\n'
                   f'parentFileNameHint="{disk}"\nRW 8 SESPARSE "{name}-sesparse.vmdk"\n')
    with open(os.path.join(folder, f"{name}-sesparse.vmdk"), "wb") as f:
        f.truncate(4096)
    return f"{name}.vmdk"
