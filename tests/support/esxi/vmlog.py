# SPDX-License-Identifier: MIT
"""vmware.log, in the form of the release."""
import os
import time

import faults
import refusals
import vmx

# Since 7.0 a line says to which operation it belongs, if it does to one; whoever works with a shell
# has operations of this name.
FORMS = ((7, "{time}| vmx| I125: {text}\n", ""), (8, "{time}| vmx| {op}| I005: {text}\n", ""),
         (99, "{time} In(05) vmx {op} {text}\n", "-"))
BAR_32, BAR_64 = 0xC0000000, 0x3B800000000
OPERATION = "vim-cmd-09-a45d"


def path_of(vm):
    return os.path.join(os.path.dirname(vm["path"]), "vmware.log")


def begin(host, vm):
    """Each power-on has a log of its own; the one before is kept under a number."""
    path = path_of(vm)
    if os.path.exists(path):
        n = 1
        while os.path.exists(f"{path[:-len('.log')]}-{n}.log"):
            n += 1
        os.rename(path, f"{path[:-len('.log')]}-{n}.log")
    vmx.write_file(path, "")
    add(host, vm, [f"Log for VMware ESX pid=1 version={host.state['version']} "
                   f"build=build-{host.state['build']} option=Release"])


def add(host, vm, lines, operation=False):
    major = faults.number(host.state["version"])[0]
    _, form, none = next(one for one in FORMS if major < one[0])
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    with open(path_of(vm), "a", encoding="utf-8", errors="surrogateescape") as f:
        f.writelines(form.format(time=now, op=OPERATION if operation else none, text=line)
                     for line in lines)


def devices(host, vm):
    """The windows of the devices that a VM has, which nothing else tells."""
    functions = refusals.passed(vm["copy"])
    if not functions:
        return
    for _, name in functions:
        address = refusals.address_of(name)
        device = next(d for d in host.pci() if d.address == address)
        size = 1 << max(device.pages.bit_length() + 11, 12)
        add(host, vm, [f"PCIPassthru: Device {address} barIndex {n} type {kind} realaddr "
                       f"0x{start:x} size {bytes_} flags {flags}"
                       for n, kind, start, bytes_, flags in
                       ((0, 2, BAR_32, 4096, 0), (1, 3, BAR_64, size, 12))])
    add(host, vm, ["PCIPassthru: successfully created the IOMMU mappings"])


def post(host, vm, kind, found):
    """What hostd is told of, too: a line for each message."""
    lines = [f"[{key}] {line}" for key, _, text in found
             for line in text.rstrip("\n").split("\n")]
    add(host, vm, [f"Msg_Post: {kind}", *lines, "-" * 40], host.state["hard"])


def failed(host, vm, refusal):
    add(host, vm, refusal.log)
    post(host, vm, "Error", [*refusal.found, faults.stage(refusal.module), faults.NOT_STARTED])
    add(host, vm, [f"Module '{refusal.module}' power on failed."])
