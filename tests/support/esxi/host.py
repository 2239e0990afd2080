# SPDX-License-Identifier: MIT
"""A pretended ESXi host: what it remembers between two commands, and how VMs live on it.

Everything is below one folder, DIR: vmfs/volumes (the datastores), bin (the host's commands, links
to the programs beside this file), commands (one line for each command that ran) and state.json.

What matters is what hostd does with a .vmx: it keeps a copy from when the VM was registered or
last reloaded, starts the VM from that copy, and writes that copy back. Whatever was written into
the file without a reload is lost then.
"""
import fcntl
import json
import os
import re
import signal
import sys
import time

import devices
import vmx

SHUTDOWN_SECONDS = 1.0
BUILDS = {"8.0.1": 21495797, "7.0.3": 20328353, "6.5.0": 14320405}
UUIDS = {False: "5aec7ae7-7d90-8511-435a-d094660b7768",
         True: "64b1c0de-2f4a-77d3-9e10-005056a1b2c3"}


class Refused(Exception):
    """What a command says on standard error before it fails."""


class Host:
    """The state, from opening it until it is closed: other commands wait meanwhile."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.volumes = os.path.join(self.root, "vmfs/volumes")
        self.state = {}

    def __enter__(self):
        self._lock = open(os.path.join(self.root, "state.lock"), "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._loaded = vmx.read_file(self._state_path()) or "{}"
        self.state = json.loads(self._loaded)
        return self

    def __exit__(self, kind, value, trace):
        text = json.dumps(self.state, indent=1)
        if text != self._loaded:
            vmx.write_file(self._state_path(), text)
        self._lock.close()

    def _state_path(self):
        return os.path.join(self.root, "state.json")

    def install(self, kind, nested, version, build):
        self.state = {"kind": kind, "nested": nested, "version": version,
                      "build": build or BUILDS[version], "uuid": UUIDS[nested], "world": 2098000,
                      "configured": [], "current": [], "vms": {}, "locked": []}

    # Devices

    def pci(self):
        return devices.of_host(self.state["kind"], self.state["nested"])

    def is_old(self):
        """Before 7.0: other owners, and no way to switch passthrough by a command."""
        return int(self.state["version"].split(".")[0]) < 7

    def switch(self, address, enable, now):
        device = next((d for d in self.pci() if d.address == address), None)
        if device is None:
            raise Refused(f"Unable to find a device with ID {address}.")
        if not device.capable:
            raise Refused(f"Device {address} is not capable of passthrough.")
        configured = self.state["configured"]
        if (address in configured) == enable:
            owner = "passthru" if enable else "vmkernel"
            raise Refused(f"Device owner is already configured to {owner}.")
        if enable:
            configured.append(address)
        else:
            configured.remove(address)
        if now:
            self.state["current"] = list(configured)

    # VMs

    def resolve(self, path):
        """A path without links, as the host itself says it."""
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))

    def datastore(self, path):
        """The name of the datastore of a resolved path, and what follows it."""
        uuid, _, rest = os.path.relpath(path, self.volumes).partition("/")
        for name in sorted(os.listdir(self.volumes)):
            link = os.path.join(self.volumes, name)
            if os.path.islink(link) and os.readlink(link).rstrip("/").split("/")[-1] == uuid:
                return name, rest
        return uuid, rest

    def register(self, path, number=None):
        path = self.resolve(path)
        vms = self.state["vms"]
        for held, vm in vms.items():
            if vm["path"] == path:
                raise Refused('(vim.fault.AlreadyExists) {\n   faultCause = (vmodl.MethodFault) null, '
                              f'\n   faultMessage = <unset>, \n   name = "{held}", \n   msg = "The '
                              f"specified key, name, or identifier '{held}' already exists.\"\n}}")
        number = number or str(max(map(int, vms), default=0) + 1)
        vms[number] = {"path": path, "power": "off", "copy": None}
        self.load(vms[number])
        return number

    def unregister(self, vm):
        """The files stay. What is invalid can go, too."""
        expect(vm, "off", "suspended")
        self.state["vms"] = {n: v for n, v in self.state["vms"].items() if v is not vm}

    def load(self, vm):
        vm["copy"] = vmx.read_file(vm["path"])

    def vm(self, number):
        vm = self.state["vms"].get(number)
        if vm is None:
            raise Refused('(vim.fault.NotFound) {\n   faultCause = (vmodl.MethodFault) null, \n'
                          '   faultMessage = <unset>\n   msg = "Unable to find a VM corresponding '
                          f'to "{number}""\n}}')
        return vm

    def vm_named(self, name):
        """By id or name: for who plays the administrator."""
        for number, vm in self.state["vms"].items():
            if name in (number, vmx.get(vm["copy"] or "", "displayName")):
                return vm
        raise Refused(f"no VM {name}")

    def running(self):
        return [vm for vm in self.state["vms"].values() if vm["power"] == "on"]

    # Power

    def power_on(self, vm):
        expect(vm, "off", "suspended")
        text = vm["copy"]
        if text is None:
            raise Refused("Invalid virtual machine configuration.")
        if vm["path"] in self.state["locked"]:
            raise Refused("Failed to lock the file")
        refusal = refusal_of(self, text)
        log = os.path.join(os.path.dirname(vm["path"]), "vmware.log")
        if refusal:
            self._log(log, [refusal, "Msg_Post: Error",
                            "[msg.moduletable.powerOnFailed] Module 'DevicePowerOn' power on failed.",
                            "[msg.vmx.poweron.failed] Failed to start the virtual machine.",
                            "-" * 40, "Module 'DevicePowerOn' power on failed."])
            raise Refused(refusal)
        stem = vm["path"][:-len(".vmx")]
        hashed = f"{abs(hash_of(vm['path'])) & 0xffffffff:08x}"
        vm["swap"] = f"{stem}-{hashed}.vswp"
        text = vmx.put(text, "sched.swap.derivedName", vm["swap"])
        text = vmx.put(text, "cleanShutdown", "FALSE")
        if vmx.get(text, "checkpoint.vmState"):
            text = vmx.put(text, "checkpoint.vmState", "")
        for n, _ in passed(text):
            if not vmx.get(text, f"pciPassthru{n}.pciSlotNumber"):
                text = vmx.put(text, f"pciPassthru{n}.pciSlotNumber", str(32 + n))
        self._write(vm, text)
        touch(vm["path"] + ".lck", 0o600)
        touch(vm["swap"], 0o600)
        self._log(log, [f"Powering on guestOS '{vmx.get(text, 'guestOS')}'",
                        "Transitioned vmx/execState/val to poweredOn"])
        self.state["world"] += 7
        vm.update(power="on", memory=vmx.get(text, "memSize"), world=self.state["world"])

    def _log(self, path, lines):
        """A log of its own for each power-on, in the form of the release; the one before is kept."""
        form = {6: "{}| vmx| I125: {}", 7: "{}| vmx| | I005: {}"}.get(
            int(self.state["version"].split(".")[0]), "{} In(05) vmx - {}")
        if os.path.exists(path):
            number = 1
            while os.path.exists(path[:-len(".log")] + f"-{number}.log"):
                number += 1
            os.rename(path, path[:-len(".log")] + f"-{number}.log")
        first = (f"Log for VMware ESX pid=1 version={self.state['version']} "
                 f"build=build-{self.state['build']} option=Release")
        vmx.write_file(path, "".join(form.format(stamp(), line) + "\n" for line in [first, *lines]))

    def power_off(self, vm):
        expect(vm, "on", "suspended")
        text = vmx.put(vm["copy"], "cleanShutdown", "TRUE")
        if vmx.get(text, "checkpoint.vmState"):
            text = vmx.put(text, "checkpoint.vmState", "")
        self._stop(vm, text, "off")

    def suspend(self, vm):
        expect(vm, "on")
        if passed(vm["copy"]):
            raise Refused("The virtual machine cannot be suspended: it has a passthrough device.")
        state = os.path.basename(vm["swap"])[:-len(".vswp")] + ".vmss"
        self._stop(vm, vmx.put(vm["copy"], "checkpoint.vmState", state), "suspended")

    def _stop(self, vm, text, power):
        self._write(vm, text)
        for path in (vm["path"] + ".lck", vm.get("swap")):
            if path and os.path.exists(path):
                os.unlink(path)
        vm["power"] = power

    def _write(self, vm, text):
        before = vmx.read_file(vm["path"])
        if before is not None:
            vmx.write_file(vm["path"] + "~", before)
        vmx.write_file(vm["path"], text)
        vm["copy"] = text

    def reload(self, vm):
        self.load(vm)
        if vm["power"] == "on" and vm["copy"]:
            # What a running host was seen to do: the device is gone.
            vm["copy"] = vmx.drop(vm["copy"], r"pciPassthru\d+\..*")

    def client_edit(self, vm, key, value):
        """An edit in the host client: of hostd's copy, without a look at the file."""
        text = vmx.drop(vmx.put(vm["copy"], key, value), r"vhv\.enable")
        self._write(vm, text)

    def reboot(self):
        for vm in self.state["vms"].values():
            if vm["power"] == "on":
                self.power_off(vm)
            self.load(vm)
        self.state["current"] = list(self.state["configured"])


def expect(vm, *powers):
    said = {"on": "Powered on", "off": "Powered off", "suspended": "Suspended"}[vm["power"]]
    if vm["power"] not in powers:
        raise Refused("The attempted operation cannot be performed in the current state "
                      f"({said}).")


def passed(text):
    """The numbers and ids of a VM's passthrough devices."""
    found = []
    for n in range(16):
        if vmx.is_true(text, f"pciPassthru{n}.present"):
            found.append((n, vmx.get(text, f"pciPassthru{n}.id") or ""))
    return found


def refusal_of(host, text):
    """Why a VM cannot be powered on, or None."""
    functions = passed(text)
    if not functions:
        return None
    memory = vmx.get(text, "memSize")
    if vmx.get(text, "sched.mem.min") != memory:
        return ("Invalid memory setting: memory reservation (sched.mem.min) should be equal to "
                f"memsize({memory}).")
    if vmx.is_true(text, "vhv.enable") and not vmx.is_true(text, "vhv.allowPassthru"):
        return ("PCI passthrough devices cannot be used when nested hardware-assisted "
                "virtualization is enabled.")
    if not all(vmx.is_true(text, f"pciBridge{n}.present") for n in (0, 4, 5, 6, 7)):
        return "No PCIe slot available for SCSI0"
    return next(filter(None, (function_refusal(host, text, n, name) for n, name in functions)),
                None) or mmio_refusal(host, text, functions)


def function_refusal(host, text, n, name):
    address = address_of(name)
    if address is None or address not in host.state["current"]:
        return f"Device {name} is not a passthrough device."
    device = next(d for d in host.pci() if d.address == address)
    if vmx.get(text, f"pciPassthru{n}.systemId") != host.state["uuid"] or \
            int(vmx.get(text, f"pciPassthru{n}.deviceId") or "0", 0) != device.device:
        return (f"PCI passthrough device pciPassthru{n}: the systemId does not match the current "
                "system, or the deviceId and the vendorId do not match the device currently at "
                f"{name}.")
    for vm in host.running():
        if address in [address_of(other) for _, other in passed(vm["copy"])]:
            return f"Device {name} is already in use."
    return None


def mmio_refusal(host, text, functions):
    """Pages of 4 KiB; all devices together have 3.5 GiB below 4 GiB."""
    if vmx.is_true(text, "pciPassthru.use64bitMMIO"):
        return None
    addresses = [address_of(name) for _, name in functions]
    pages = sum(d.pages for d in host.pci() if d.address in addresses)
    if pages <= 917504:
        return None
    return f"PCIPassthru: total number of pages needed ({pages}) exceeds limit (917504), failing"


def address_of(name):
    """0000:65:00.0 of 00000:101:00.0, which is decimal; None of anything else."""
    match = re.fullmatch(r"(\d{5}):(\d{3}):(\d\d)\.(\d)", name)
    return "%04x:%02x:%02x.%x" % tuple(map(int, match.groups())) if match else None


def hash_of(text):
    value = 5381
    for byte in os.fsencode(text):
        value = (value * 33 + byte) & 0xffffffff
    return value


def stamp():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def touch(path, mode):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, mode))


def main(run):
    """Runs one of the host's commands: run(host, words) prints, or raises Refused."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    program = os.path.abspath(sys.argv[0])
    root = os.path.dirname(os.path.dirname(program))
    if not os.path.exists(os.path.join(root, "state.json")):
        sys.exit(f"{program}: not in the bin of a test host")
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.stderr.reconfigure(encoding="utf-8", errors="surrogateescape")
    words = [os.path.basename(program)] + sys.argv[1:]
    line = " ".join(w if re.fullmatch(r"[\w./:=@%+,-]+", w) else repr(w) for w in words) + "\n"
    with open(os.path.join(root, "commands"), "a", errors="surrogateescape") as log:
        log.write(line)
    with Host(root) as host:
        try:
            run(host, sys.argv[1:])
        except Refused as refused:
            sys.stdout.flush()
            print(refused, file=sys.stderr)
            return 1
    return 0
