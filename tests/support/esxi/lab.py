# SPDX-License-Identifier: MIT
"""The datastores and VMs that a fresh test host has.

    id  name             where                    what
     1  nested-esxi      datastore1               the outer VM of a double passthrough (not on a
                                                  nested host)
     2  gpu-guest        datastore1               a guest that is to get a GPU, the inner VM
     6                   datastore1               registered, but its files are gone
    10  build [gpu] box  data [2]                 spaces and brackets; two lines of annotation
    11  db-01            datastore1               powered on
        orphan           datastore1               not registered
"""
import os
import shutil

import power
import questions
import tasks

DATASTORES = {"datastore1": "5f1e2d3c-4b5a6978-1234-001122334455",
              "data [2]": "60aa11bb-22cc33dd-5566-001122334455"}


def settings(name, number, guest, memory, cpus, location):
    uuid = f"56 4d 1f 0a 7c 22 90 5e-b1 83 6a d4 00 c1 9e {number:02x}"
    yield from ((".encoding", "UTF-8"), ("config.version", "8"), ("virtualHW.version", "19"),
                ("displayName", name), ("guestOS", guest), ("firmware", "efi"),
                ("nvram", f"{name}.nvram"), ("memSize", memory), ("numvcpus", cpus),
                ("cpuid.coresPerSocket", "1"), ("pciBridge0.present", "TRUE"))
    for n in range(4, 8):
        yield from ((f"pciBridge{n}.present", "TRUE"), (f"pciBridge{n}.virtualDev", "pcieRootPort"),
                    (f"pciBridge{n}.functions", "8"))
    yield from (("svga.present", "TRUE"), ("vmci0.present", "TRUE"), ("hpet0.present", "TRUE"),
                ("scsi0.present", "TRUE"), ("scsi0.virtualDev", "pvscsi"),
                ("scsi0:0.present", "TRUE"), ("scsi0:0.deviceType", "scsi-hardDisk"),
                ("scsi0:0.fileName", f"{name}.vmdk"), ("ethernet0.present", "TRUE"),
                ("ethernet0.virtualDev", "vmxnet3"), ("ethernet0.networkName", "VM Network"),
                ("ethernet0.addressType", "generated"),
                ("uuid.bios", uuid), ("uuid.location", location),
                ("sched.cpu.units", "mhz"), ("sched.mem.min", "0"), ("sched.mem.shares", "normal"),
                ("tools.syncTime", "FALSE"), ("cleanShutdown", "TRUE"), ("softPowerOff", "FALSE"))


def make_vm(host, datastore, name, number=0, guest="ubuntu-64", memory="4096", cpus="2", extra=()):
    """Returns the path of its .vmx."""
    folder = os.path.join(host.volumes, DATASTORES[datastore], name)
    os.makedirs(folder)
    path = os.path.join(folder, f"{name}.vmx")
    location = questions.home_of(host, path)
    with open(path, "w") as f:
        for key, value in (*settings(name, number, guest, memory, cpus, location), *extra):
            f.write(f'{key} = "{value}"\n')
    os.chmod(path, 0o755)
    with open(os.path.join(folder, f"{name}.vmdk"), "w") as f:
        f.write("# Disk DescriptorFile\nversion=4\ncreateType=\"vmfs\"\n")
        if host.state["hard"]:
            f.write(f'RW 8 VMFS "{name}-flat.vmdk"\n')
    if host.state["hard"]:
        with open(os.path.join(folder, f"{name}-flat.vmdk"), "wb") as f:
            f.truncate(4096)
    return path


def make(host, empty):
    for name, uuid in DATASTORES.items():
        os.makedirs(os.path.join(host.volumes, uuid))
        os.symlink(uuid, os.path.join(host.volumes, name))
    if empty:
        return
    if not host.state["nested"]:
        host.register(make_vm(host, "datastore1", "nested-esxi", 1, "vmkernel8", "16384", "4"), "1")
    host.register(make_vm(host, "datastore1", "gpu-guest", 2, memory="8192", cpus="4"), "2")
    gone = make_vm(host, "datastore1", "gone", 6)
    host.register(gone, "6")
    shutil.rmtree(os.path.dirname(gone))
    host.load(host.vm("6"))
    host.register(make_vm(host, "data [2]", "build [gpu] box", 10, "windows2019srv-64", extra=[
        ("annotation", "Builds the drivers.|0A2 cards, see [data] rack 4.vmx")]), "10")
    host.register(make_vm(host, "datastore1", "db-01", 11, "debian11-64"), "11")
    power.begin(host, "11")
    tasks.forget(host, 0)
    make_vm(host, "datastore1", "orphan", 12)
