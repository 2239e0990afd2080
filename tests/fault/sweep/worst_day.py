#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Everything fails at once: two people work on one datastore through mounts of their own, while links
are cut and stall, the server's processes are killed, its disk is full and its clock is set back by an
hour. Prints what was acknowledged and what the server has; exits with 1 where that differs.

usage: worst_day.py --vmxfs PROGRAM --relay PROGRAM [--minutes M] [--seed S]

The datastore is a small tmpfs, so this needs root. The server's clock is that of the files which it
writes (tests/support/clock-back.c).
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

import cases
import lab
import operations
import relay
import tally

DISK_MIB = 16
CLOCK_BACK_S = 3600
TIMEOUT_S = 4
SHOWN_S = 30
RETURN_S = 150  # a lock that nobody knows is broken after a minute
FAULTS = {"cuts": relay.CUT, "server's processes killed": relay.KILL, "stalls": relay.STALL,
          "late deliveries": relay.LATE}
FILE_SIZE = 4096


class Work:
    """What one person does, again and again, and which of it was acknowledged."""

    def __init__(self, what, do, pause_s):
        self.what, self.do, self.pause_s = what, do, pause_s
        self.asked = 0
        self.acknowledged = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(self.pause_s):
            self.asked += 1
            if operations.tell(self.do, self.asked) == 0:
                self.acknowledged.append(self.asked)


class Person:
    """Works through a mount. name: in every name that this person gives."""

    def __init__(self, name, mount):
        self.name, self.mount = name, mount
        self.works = [Work("settings made", self.make_setting, 0.05), Work("values set", self.set_value, 0.05),
                      Work("plain files written", self.write_file, 0.1), Work("VMs made and moved", self.make_vm, 0.2)]

    def key(self, key):
        return f"{self.mount.path}/vm/vm.vmx/{key}"

    def make_setting(self, number):
        operations.write(self.key(f"{self.name}.n{number}"), f"{number}\n")

    def set_value(self, number):
        operations.write(self.key(f"{self.name}.count"), f"{number}\n")

    def write_file(self, number):
        fd = os.open(f"{self.mount.path}/{self.name}-file{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.write(fd, self.content(number))
            os.fsync(fd)
        finally:
            os.close(fd)

    def content(self, number):
        return f"{self.name} {number:09}\n".encode().ljust(FILE_SIZE, b".")

    def make_vm(self, number):
        folder = f"{self.mount.path}/{self.name}-vm{number}"
        os.mkdir(folder)
        os.mkdir(f"{folder}/new.vmx")
        operations.write(f"{folder}/new.vmx/memSize", "4096\n")
        os.rename(f"{folder}/new.vmx", f"{folder}/moved.vmx")

    def has(self, what, number, text):
        """Whether the server has it."""
        server = f"{self.mount.server}/{self.name}"
        if what == "settings made":
            return f'\n{self.name}.n{number} = "{number}"\n' in text
        if what == "plain files written":
            return read(f"{server}-file{number}") == self.content(number)
        if what == "VMs made and moved":
            return b'memSize = "4096"\n' in read(f"{server}-vm{number}/moved.vmx")
        return number <= int(re.search(f'\n{self.name}.count = "(.*)"\n', text).group(1))


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


class Day:
    """What happens to the server meanwhile."""

    def __init__(self, options, mounts, server, clock):
        self.rng = random.Random(options.seed)
        self.mounts, self.disk, self.clock = mounts, f"{server}/filler", clock
        self.counts = dict.fromkeys(FAULTS, 0)
        self.end = time.monotonic() + options.minutes * 60

    def run(self):
        """Faults all the time; for a third of it the disk is full, for another the clock is wrong, and
        these overlap."""
        start, length = time.monotonic(), self.end - time.monotonic()
        stages = [(0.2, self.fill_disk), (0.4, self.set_clock_back), (0.55, self.empty_disk),
                  (0.75, self.set_clock_right), (0.8, self.fill_disk), (0.9, self.empty_disk)]
        while time.monotonic() < self.end:
            while stages and time.monotonic() >= start + stages[0][0] * length:
                stages.pop(0)[1]()
            self.fail_once()
        for _, stage in stages:
            stage()

    def check_clock(self):
        """That it can be set at all."""
        probe = f"{self.mounts[0].path}/probe"
        self.set_clock(-CLOCK_BACK_S)
        operations.write(probe, "probe\n")
        if os.stat(probe).st_mtime > time.time() - CLOCK_BACK_S / 2:
            raise lab.Failure("the server's clock cannot be set")
        os.unlink(probe)
        self.set_clock(0)

    def fail_once(self):
        name = self.rng.choice(list(FAULTS))
        plan = self.rng.choice(self.mounts).plan
        plan.arm(FAULTS[name], self.rng.randrange(2), self.rng.randrange(3000))
        time.sleep(self.rng.uniform(0.1, 0.6) if name != "stalls" else self.rng.uniform(0.1, 1.5 * TIMEOUT_S))
        plan.disarm()
        self.counts[name] += plan.word("fired")
        plan.release()
        time.sleep(self.rng.uniform(0, 0.2))

    def fill_disk(self):
        print("the disk is full", flush=True)
        with open(self.disk, "ab", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(FILE_SIZE))
            except OSError:
                pass

    def empty_disk(self):
        print("the disk has room again", flush=True)
        os.unlink(self.disk)

    def set_clock_back(self):
        print(f"the server's clock is set back by {CLOCK_BACK_S} s", flush=True)
        self.set_clock(-CLOCK_BACK_S)

    def set_clock_right(self):
        print("the server's clock is right again", flush=True)
        self.set_clock(0)

    def set_clock(self, seconds):
        with open(self.clock + ".new", "w", encoding="ascii") as f:
            f.write(f"{seconds}\n")
        os.rename(self.clock + ".new", self.clock)


def work_all_day(people, day):
    works = [work for person in people for work in person.works]
    day.check_clock()
    for work in works:
        work.thread.start()
    day.run()
    for work in works:
        work.over.set()
    for work in works:
        work.thread.join()


def returns(person, value):
    """The mount works again, and a change of it is made."""
    path = person.key("numvcpus")
    return person.mount.settle() and lab.wait_until(
        lambda: operations.tell(operations.write, path, f"{value}\n") == 0, RETURN_S)


def compare(people, server):
    """Prints the table. Returns what is wrong."""
    wrong = []
    text = read(f"{server}/vm/vm.vmx").decode()
    lines = [("", "asked", "acknowledged", "kept"), ("---",) * 4]
    for first, second in zip(people[0].works, people[1].works):
        kept = 0
        for person, work in ((people[0], first), (people[1], second)):
            lost = [number for number in work.acknowledged if not person.has(work.what, number, text)]
            kept += len(work.acknowledged) - len(lost)
            if lost:
                wrong.append(f"{person.name}: {work.what}: lost {lost}")
            if not work.acknowledged:
                wrong.append(f"{person.name}: {work.what}: nothing was acknowledged")
        lines.append((first.what, first.asked + second.asked, len(first.acknowledged) + len(second.acknowledged), kept))
    print("\n".join(tally.line(cells) for cells in lines))
    return wrong + check_text(text, people)


def check_text(text, people):
    wrong = []
    keys = [line.split(" = ")[0].lower() for line in text.splitlines() if not line.startswith("#")]
    if len(keys) != len(set(keys)) or not all(line.startswith("#") or re.fullmatch('[^ =]+ = "[^"]*"', line)
                                              for line in text.splitlines()):
        wrong.append(f"torn: {text}")
    for person in people:
        if not lab.wait_until(lambda p=person: read(p.key(".vmxfs/raw")).decode() == text, SHOWN_S):
            wrong.append(f"{person.name}: the mount shows another text than the server has")
    return wrong


def run(options, root, server):
    clock = os.path.join(root, "clock")
    preload = os.path.join(os.path.dirname(options.relay), "clock-back.so")
    command = ("/usr/bin/env", f"LD_PRELOAD={preload}", f"SERVER_CLOCK={clock}", lab.SFTP_SERVER)
    os.makedirs(f"{server}/vm")
    with open(f"{server}/vm/vm.vmx", "w", encoding="ascii") as f:
        f.write(operations.BASE)
    people = [Person(name, lab.Mount(os.path.join(root, name), server, options.vmxfs, options.relay,
                                     f"timeout={TIMEOUT_S},cache_timeout=1", command)) for name in ("ann", "bob")]
    day = Day(options, [person.mount for person in people], server, clock)
    work_all_day(people, day)
    wrong = [f"{person.name} cannot change anything any more" for i, person in enumerate(people)
             if not returns(person, 2 + 2 * i)]
    print("; ".join(f"{name}: {count}" for name, count in day.counts.items()))
    wrong += compare(people, server)
    if not lab.wait_until(lambda: os.listdir(f"{server}/vm") == ["vm.vmx"], RETURN_S):
        wrong.append(f"left over: {os.listdir(f'{server}/vm')}")
    for person in people:
        if person.mount.end() != 0:
            wrong.append(f"{person.name}: vmxfs ended: {person.mount.said()}")
    return wrong


def main():
    options = cases.parse(__doc__, workers=2)
    options.minutes = options.minutes or 1
    root = tempfile.mkdtemp(prefix="vmxfs-worst-day.")
    server = os.path.join(root, "lab")
    os.mkdir(server)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "none", server], check=True)
    print(f"seed {options.seed}", flush=True)
    try:
        wrong = run(options, root, server)
    finally:
        subprocess.run(["umount", "-l", server], check=True)
    for line in wrong:
        print(f"broken: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
