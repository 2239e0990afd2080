#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What waits in .vmxfs/next, while the link is cut or vmxfs is killed after any of the bytes that it
sends or receives: it is set once, or not at all and waits on.

usage: waiting.py --vmxfs PROGRAM --relay PROGRAM [--seed S] [--points N]

Each trial has a fresh mount and a fresh VM. After the fault another mount (of a killed one), or the
same one, goes on. What was set is set back on the server by then, as a person would do it: who sets
it once more has forgotten that it was done.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import threading

import lab
import relay

VMX = 'uuid.bios = "56 4d"\nmemSize = "4096"\nk = "0"\n'
FAULTS = {"cut, to the server": (relay.CUT, relay.TO_SERVER), "cut, to the client": (relay.CUT, relay.TO_CLIENT),
          "killed": (relay.STALL, relay.TO_SERVER), "killed, not knowing": (relay.STALL, relay.TO_CLIENT)}
NEVER = 1 << 40
PATIENCE_S = 60


class Vm:
    def __init__(self, root, options):
        self.options = options
        self.root = root
        self.folder = os.path.join(root, "lab/vm")
        self.vmx = os.path.join(self.folder, "vm.vmx")
        self.waiting = os.path.join(self.folder, ".vm.vmx.vmxfs-next")
        os.makedirs(self.folder)
        with open(self.vmx, "w", encoding="ascii") as f:
            f.write(VMX)
        self.mounts = 0
        self.mount = None

    def start(self):
        self.mounts += 1
        self.mount = lab.Mount(f"{self.root}/{self.mounts}", f"{self.root}/lab", self.options.vmxfs,
                               self.options.relay, "timeout=20,cache_timeout=1,max_conns=1")

    def write(self, text, flags=0):
        """As a shell's echo; nothing at all with O_TRUNC is ": > next", whose error is the second
        close's."""
        fd = os.open(f"{self.mount.path}/vm/vm.vmx/.vmxfs/next", os.O_WRONLY | flags)
        other = os.dup(fd)
        try:
            if text:
                os.write(fd, text.encode())
        finally:
            os.close(fd)
            os.close(other)

    def read(self, path):
        with open(path, encoding="ascii") as f:
            return f.read()

    def value(self, key):
        return re.search(f'(?m)^{key} = "(.*)"$', self.read(self.vmx)).group(1)

    def lines(self):
        """What waits, as the server has it: key to value."""
        if not os.path.exists(self.waiting):
            return {}
        return {key: value for _, key, value in
                re.findall(r'(?m)^(\d+)\.key = "(.*)"$\n\1\.value = "(.*)"$', self.read(self.waiting))}

    def set_back(self, key, value):
        """In place, as an editor on the host does it."""
        text = re.sub(f'(?m)^{key} = ".*"$', f'{key} = "{value}"', self.read(self.vmx))
        with open(self.vmx, "w", encoding="ascii") as f:
            f.write(text)
        os.utime(self.vmx, (1, os.stat(self.vmx).st_mtime + 10))


def told(vm, what):
    try:
        what(vm)
    except OSError as e:
        return e.errno
    return 0


# ---- what is done, and what holds then: an operation returns what is wrong

class Apply:
    name = "apply"

    def prepare(self, vm):
        vm.write('memSize = "8192"\n')

    def run(self, vm):
        vm.write("apply\n")

    def check(self, vm, errno):
        value, waits = vm.value("memSize"), os.path.exists(vm.waiting)
        if value not in ("4096", "8192"):
            yield f"memSize is {value}"
        if value == "4096" and (not waits or errno == 0):
            yield f"not set, waits: {waits}, told {errno}"
        if value == "8192":
            vm.set_back("memSize", "4096")
        if told(vm, self.run):
            yield "cannot be applied again"
        if vm.value("memSize") != ("8192" if value == "4096" else "4096"):
            yield f"was {value}, is {vm.value('memSize')}: not set once"
        if os.path.exists(vm.waiting):
            yield "waits for ever"


class Add:
    name = "add"

    def prepare(self, vm):
        vm.write('k = "1"\n')

    def run(self, vm):
        vm.write('memSize = "8192"\n')

    def check(self, vm, errno):
        lines = vm.lines()
        if lines.get("k") != "1":
            yield f"what waited before is lost: {lines}"
        if errno == 0 and lines.get("memSize") != "8192":
            yield f"what was taken is lost: {lines}"
        if told(vm, Apply().run):
            yield "cannot be applied"
        if vm.value("k") != "1" or vm.value("memSize") != lines.get("memSize", "4096"):
            yield f"k is {vm.value('k')}, memSize {vm.value('memSize')}; waited: {lines}"


class Drop:
    name = "drop"

    def prepare(self, vm):
        vm.write('memSize = "8192"\n')

    def run(self, vm):
        vm.write("", os.O_TRUNC)

    def check(self, vm, errno):
        waits = os.path.exists(vm.waiting)
        if waits and errno == 0:
            yield "not dropped"
        if told(vm, Apply().run):
            yield "cannot be applied"
        if vm.value("memSize") != ("8192" if waits else "4096"):
            yield f"memSize is {vm.value('memSize')}, waited: {waits}"


# ---- trials

def measure(vm, operation):
    """How many bytes pass, each way."""
    vm.start()
    operation.prepare(vm)
    vm.mount.plan.arm(relay.CUT, relay.TO_SERVER, after=NEVER)
    operation.run(vm)
    passed = [vm.mount.plan.passed(way) for way in (relay.TO_SERVER, relay.TO_CLIENT)]
    vm.mount.end()
    return passed


def trial(vm, operation, fault, after):
    """Returns whether the fault came, and what is wrong."""
    kind, direction = FAULTS[fault]
    vm.start()
    operation.prepare(vm)
    result = []
    vm.mount.plan.arm(kind, direction, after=after)
    thread = threading.Thread(target=lambda: result.append(told(vm, operation.run)))
    thread.start()
    if kind == relay.STALL:
        lab.wait_until(lambda: vm.mount.plan.word("fired") or not thread.is_alive(), PATIENCE_S)
        fired = vm.mount.plan.word("fired")
        vm.mount.kill()
        thread.join()
        vm.mount.plan.release()
        lab.wait_until(lambda: vm.mount.plan.word("open") == 0, PATIENCE_S)
        vm.start()
    else:
        thread.join()
        fired = vm.mount.plan.word("fired")
        if not vm.mount.settle():
            return fired, [f"does not come back: {vm.mount.said()}"]
    wrong = list(operation.check(vm, result[0]))
    with open(f"{vm.mount.path}/vm/vm.vmx/more", "w", encoding="ascii") as f:
        f.write("1\n")  # the next change clears away what a dead one left
    if not lab.wait_until(lambda: os.listdir(vm.folder) == ["vm.vmx"], PATIENCE_S):
        wrong.append(f"left over: {os.listdir(vm.folder)}")
    if vm.mount.end() != 0:
        wrong.append(f"the mount ended: {vm.mount.said()}")
    return fired, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vmxfs", required=True)
    parser.add_argument("--relay", required=True)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--points", type=int, default=12, help="of each fault in each operation")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    broken = came = n = 0
    with tempfile.TemporaryDirectory() as root:
        for operation in (Apply(), Add(), Drop()):
            passed = measure(Vm(f"{root}/{operation.name}", options), operation)
            for fault, (_, direction) in FAULTS.items():
                step = passed[direction] / options.points
                for i in range(options.points):
                    after = int(step * (i + rng.random()))
                    n += 1
                    fired, wrong = trial(Vm(f"{root}/{n}", options), operation, fault, after)
                    came += bool(fired)
                    broken += bool(wrong)
                    for text in wrong:
                        print(f"{operation.name}, {fault} after {after} of {passed[direction]} bytes: {text}",
                              flush=True)
    print(f"{n} trials, {came} faults, {broken} broken")
    return broken > 0 or came < n / 2


if __name__ == "__main__":
    sys.exit(main())
