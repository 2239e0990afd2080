# SPDX-License-Identifier: MIT
"""A pretended ESXi host: what it remembers between two commands, and how VMs live on it.

Everything is below one folder, DIR: vmfs/volumes (the datastores), bin (the host's commands, links
to the programs beside this file), commands (one line for each command that ran) and state.json.

What matters is what hostd does with a .vmx: it keeps a copy from when the VM was registered or
last reloaded, starts the VM from that copy, and writes that copy back. Whatever was written into
the file without a reload is lost then.
"""
import copy
import fcntl
import json
import os
import re
import signal
import sys
import time

import devices
import inventory
import locks
import vmx
from faults import Refused, busy, exists, not_found, wrong_state

BUILDS = {"9.0.1": 24957456, "9.0.0": 24755229, "8.0.1": 21495797, "7.0.3": 20328353, "6.5.0": 14320405,
          "6.0.0": 5050593}
# What a host has until it is told otherwise; slow is a power-on's and a shutdown's seconds.
FRESH = {"configured": [], "current": [], "vms": {}, "locked": [], "hard": False, "stores": {},
         "locks": {}, "hostd": True, "maintenance": False,
         "slow": [0.0, 1.0], "world": 2098000, "task": 3071, "tasks": {}, "workers": []}
UUIDS = {False: "5aec7ae7-7d90-8511-435a-d094660b7768",
         True: "64b1c0de-2f4a-77d3-9e10-005056a1b2c3"}


class Host:
    """The state, from opening it until it is closed: other commands wait meanwhile."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.volumes = os.path.join(self.root, "vmfs/volumes")
        self.state = {}

    def __enter__(self):
        self._lock = open(os.path.join(self.root, "state.lock"), "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._loaded = vmx.read_file(self.state_path()) or "{}"
        self.state = json.loads(self._loaded)
        if self.state:
            self.state = {**copy.deepcopy(FRESH), **self.state}
        return self

    def __exit__(self, kind, value, trace):
        text = json.dumps(self.state, indent=1)
        if text != self._loaded:
            vmx.write_file(self.state_path(), text)
            inventory.write(self)
        self._lock.close()

    def state_path(self):
        return os.path.join(self.root, "state.json")

    def install(self, kind, nested, version, build, hard):
        self.state = {**copy.deepcopy(FRESH), "kind": kind, "nested": nested, "version": version,
                      "hard": hard, "build": build or BUILDS[version], "uuid": UUIDS[nested]}

    def expect_hostd(self, needed=True):
        """What is said without it is not recorded: no test may look for these words."""
        if needed and not self.state["hostd"]:
            raise Refused("(text not recorded: hostd does not answer)")

    def tells_all(self):
        """Whether a failed command has a fault's text, as real hosts since 7.0 have. The quick host
        has one line instead."""
        return self.state["hard"] or int(self.state["version"].split(".")[0]) >= 9

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
                raise exists(held)
        number = number or str(max(map(int, vms), default=0) + 1)
        vms[number] = {"path": path, "power": "off", "copy": None}
        self.load(vms[number])
        return number

    def unregister(self, vm):
        """The files stay. What is invalid can go, too."""
        if vm["power"] == "on":
            raise wrong_state(vm["power"], "off", self.state["version"])
        if vm.get("task"):
            raise busy()
        self.state["vms"] = {n: v for n, v in self.state["vms"].items() if v is not vm}

    def load(self, vm):
        vm["copy"] = vmx.read_file(vm["path"])

    def vm(self, named):
        """By id, or by the path of the .vmx."""
        vms = self.state["vms"]
        path = self.resolve(named) if named.startswith("/") else None
        vm = vms.get(named) or next((v for v in vms.values() if v["path"] == path), None)
        if vm is None:
            raise not_found(named)
        return vm

    def number_of(self, vm):
        return next(n for n, v in self.state["vms"].items() if v is vm)

    def name_of(self, vm):
        return vmx.get(vm["copy"] or "", "displayName") or "" if vm else ""

    def vm_named(self, name):
        """By id or name: for who plays the administrator."""
        for number, vm in self.state["vms"].items():
            if name in (number, vmx.get(vm["copy"] or "", "displayName")):
                return vm
        raise Refused(f"no VM {name}")

    def running(self):
        return [vm for vm in self.state["vms"].values() if vm["power"] == "on"]

    # Files

    def write(self, vm, text):
        """Over the .vmx, which is kept as NAME.vmx~ as it was. Since 9.0.1 settings that begin with
        "vmx." are lost if hostd does not know them."""
        if tuple(map(int, self.state["version"].split("."))) >= (9, 0, 1):
            text = vmx.drop(text, r"vmx\.[^\s=]*")
        before = vmx.read_file(vm["path"])
        if before is not None:
            vmx.write_file(vm["path"] + "~", before)
        vmx.write_file(vm["path"], text)
        vm["copy"] = text

    def touch(self, path, mode):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, mode))

    def remove_traces(self, vm):
        """What is beside a .vmx for as long as the VM runs here."""
        if vm["path"] in self.state["locked"]:
            return
        paths = vm.pop("locks", [])
        if vm.get("swap"):
            paths += [vm["swap"], locks.swap_of_vmx(vm)]
        for path in filter(os.path.exists, paths):
            os.unlink(path)

    def reload(self, vm):
        self.load(vm)
        if vm["power"] == "on" and vm["copy"]:
            # What a running host was seen to do: the device is gone.
            vm["copy"] = vmx.drop(vm["copy"], r"pciPassthru\d+\..*")

    def client_edit(self, vm, key, value):
        """An edit in the host client: of hostd's copy, without a look at the file."""
        self.write(vm, vmx.drop(vmx.put(vm["copy"], key, value), r"vhv\.enable"))


def main(run, of_hostd=False):
    """Runs one of the host's commands: run(host, words) prints, or raises Refused. What it returns,
    if it does, is called without the state, and may do so, too. Who needs hostd can be slow, and
    fails while that is down."""
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
    version = None
    try:
        with Host(root) as host:
            version, seconds = host.state["version"], host.state.get(f"slow-{words[0]}", 0.0)
        time.sleep(seconds)
        with Host(root) as host:
            host.expect_hostd(of_hostd)
            later = run(host, sys.argv[1:])
        if later:
            later()
    except Refused as refused:
        sys.stdout.flush()
        print(refused.told(version), file=sys.stderr)
        return 1
    return 0
