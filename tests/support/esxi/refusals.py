# SPDX-License-Identifier: MIT
"""What stands in the way of a power-on, and with which words it is told."""
import re

import faults
import vmx


class Refusal:
    """short: one line, as the quick host says it. found: (key, arguments, text) as a real one
    tells, the most special first. log: lines of vmware.log alone. module: the stage that failed."""

    def __init__(self, short, found, log=(), module="DevicePowerOn"):
        self.short, self.found, self.log, self.module = short, found, list(log), module

    def fault(self):
        fault = faults.power_on([*self.found, faults.stage(self.module)])
        fault.kept["short"] = self.short
        return fault


# The keys of some messages are not recorded; their texts are.
UNRECORDED = "msg.unrecorded"


def passed(text):
    """The numbers and ids of a VM's passthrough devices."""
    found = []
    for n in range(16):
        if vmx.is_true(text, f"pciPassthru{n}.present"):
            found.append((n, vmx.get(text, f"pciPassthru{n}.id") or ""))
    return found


def of_vm(host, vm):
    """Why a VM cannot be powered on, or None."""
    text = vm["copy"]
    if text is None:
        line = "Invalid virtual machine configuration."
        return Refusal(line, [(UNRECORDED, [], line)])
    if vm["path"] in host.state["locked"]:
        line = "Failed to lock the file"
        return Refusal(line, [("msg.fileio.lock", [], line)], module="Disk")
    if vm.get("fails"):
        return staged(vm["fails"])
    return of_devices(host, text) if passed(text) else None


def of_devices(host, text):
    memory = vmx.get(text, "memSize")
    if vmx.get(text, "sched.mem.min") != memory:
        line = ("Invalid memory setting: memory reservation (sched.mem.min) should be equal to "
                f"memsize({memory}).")
        return Refusal(line, [(UNRECORDED, [], line)])
    if vmx.is_true(text, "vhv.enable") and not vmx.is_true(text, "vhv.allowPassthru"):
        line = ("PCI passthrough devices cannot be used when nested hardware-assisted "
                "virtualization is enabled.")
        return Refusal(line, [(UNRECORDED, [], line)])
    if not all(vmx.is_true(text, f"pciBridge{n}.present") for n in (0, 4, 5, 6, 7)):
        return Refusal("No PCIe slot available for SCSI0", [
            ("msg.pci.noslotavail", [],
             "No PCIe slot available for SCSI0. Remove SCSI0 and try again."),
            ("msg.pvscsi.badPCI", [], "Unable to allocate a PCI SCSI adapter. Too many PCI devices "
             "are already configured.")])
    functions = passed(text)
    return next(filter(None, (of_function(host, text, n, name) for n, name in functions)),
                None) or of_mmio(host, text, functions)


def of_function(host, text, n, name):
    address = address_of(name)
    short = f"Device {name} is not a passthrough device."
    if address is None or not any(d.address == address for d in host.pci()):
        return Refusal(short, [
            (UNRECORDED, [], "AH No device hints found"),
            (UNRECORDED, [], f"Failed to generate predicates for pciPassthru{n}---invalid VM "
             "configuration")], ["AH No device hints found"])
    bus, slot, function = re.match(r"\d+:(\d+):(\d+)\.(\d)", name).groups()
    spoken = f"{int(bus)}:{int(slot)}.{function}"
    if address not in host.state["current"]:
        return Refusal(short, [(UNRECORDED, [], f"Device {spoken} is not a passthrough device")])
    device = next(d for d in host.pci() if d.address == address)
    if vmx.get(text, f"pciPassthru{n}.systemId") != host.state["uuid"] or \
            int(vmx.get(text, f"pciPassthru{n}.deviceId") or "0", 0) != device.device:
        return Refusal(
            f"PCI passthrough device pciPassthru{n}: the systemId does not match the current "
            "system, or the deviceId and the vendorId do not match the device currently at "
            f"{name}.",
            [(UNRECORDED, [], "The systemId does not match the current system or the deviceId, and "
              f"the vendorId does not match the device currently at {spoken}.")])
    for vm in host.running():
        if address in [address_of(other) for _, other in passed(vm["copy"])]:
            line = f"Device {name} is already in use."
            return Refusal(line, [(UNRECORDED, [], line)])
    return None


def of_mmio(host, text, functions):
    """Pages of 4 KiB; all devices together have 3.5 GiB below 4 GiB. Only the log has the sum."""
    if vmx.is_true(text, "pciPassthru.use64bitMMIO"):
        return None
    addresses = [address_of(name) for _, name in functions]
    pages = sum(d.pages for d in host.pci() if d.address in addresses)
    if pages <= 917504:
        return None
    line = f"PCIPassthru: total number of pages needed ({pages}) exceeds limit (917504), failing"
    return Refusal(line, [], [line])


def staged(kept):
    """What the administrator wants to go wrong at the next power-on."""
    return Refusal(kept["found"][0][2] if kept["found"] else kept["log"][0], kept["found"],
                   kept["log"], kept["module"])


def address_of(name):
    """0000:65:00.0 of 00000:101:00.0, which is decimal; None of anything else."""
    match = re.fullmatch(r"(\d{5}):(\d{3}):(\d\d)\.(\d)", name)
    return "%04x:%02x:%02x.%x" % tuple(map(int, match.groups())) if match else None
