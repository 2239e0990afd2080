#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All kinds of use at once (soak.py) while the link fails every second: memory and descriptors stay
what they were, nothing is torn and nothing is left over.

usage: mixed.py --vmxfs PROGRAM --relay PROGRAM --minutes M [--seed S] [--record FILE]

The first fifth of the time takes what is taken once. vmxfs must be built without sanitizers, which
keep what was freed.
"""

import os
import random
import re
import shutil
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

SOAK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "soak.py")
VMS, KEYS = 6, 20
TIMEOUT_S = 3
GROWTH_KIB = 16 * 1024
LITTER_PATIENCE_S = RETURN_S = 150
FAULTS = (relay.CUT, relay.KILL, relay.STALL, relay.DELAY, relay.LATE)


def make_vms(server):
    for i in range(VMS):
        os.makedirs(f"{server}/vm{i}")
        with open(f"{server}/vm{i}/vm{i}.vmx", "w", encoding="ascii") as f:
            f.write('.encoding = "UTF-8"\nconfig.version = "8"\nvirtualHW.version = "19"\n'
                    f'displayName = "vm{i}"\nguestOS = "vmkernel8"\nfirmware = "efi"\nmemSize = "16384"\n'
                    'numvcpus = "4"\n' + "".join(f'k{k} = "0"\n' for k in range(1, KEYS + 1)))


class Faults:
    """Lets the link fail until it is told to stop."""

    def __init__(self, plan, seed):
        self.plan, self.rng = plan, random.Random(seed)
        self.count = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(self.rng.uniform(0.1, 1.5)):
            self.plan.arm(self.rng.choice(FAULTS), self.rng.randrange(2), self.rng.randrange(4096),
                          delay_ms=self.rng.randrange(1000))
            self.over.wait(self.rng.uniform(0, 1.2 * TIMEOUT_S) if self.rng.random() < 0.2 else 0.3)
            self.plan.disarm()
            self.plan.release()
            self.count += self.plan.word("fired")

    def stop(self):
        self.over.set()
        self.thread.join()
        return self.count


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def use(mount, seconds, seed, wrong):
    """Returns how many faults there were."""
    faults = Faults(mount.plan, seed)
    with subprocess.Popen([sys.executable, "-B", SOAK, mount.path, mount.server, str(seconds), "faults"],
                          stdout=subprocess.PIPE, text=True) as soak:
        # The end of the use checks that the mount shows what the server has: no faults then.
        time.sleep(seconds)
        count = faults.stop()
        mount.settle()
        said = soak.communicate()[0]
    if soak.returncode != 0:
        wrong.append(said)
    return count


def check_files(mount, wrong):
    for i in range(VMS):
        with open(f"{mount.server}/vm{i}/vm{i}.vmx", encoding="ascii") as f:
            text = f.read()
        keys = [line.split(" = ")[0].lower() for line in text.splitlines()]
        if not all(re.fullmatch('[^ =]+ = "[^"]*"', line) for line in text.splitlines()) or \
                len(keys) != len(set(keys)):
            wrong.append(f"torn: {text}")
        path = f"{mount.path}/vm{i}/vm{i}.vmx/k1"
        if not lab.wait_until(lambda p=path: operations.tell(operations.write, p, "the end\n") == 0, RETURN_S):
            wrong.append(f"vm{i}.vmx cannot be changed any more")
        with open(f"{mount.path}/vm{i}/vm{i}.vmx/.vmxfs/raw", encoding="ascii") as shown, \
                open(f"{mount.server}/vm{i}/vm{i}.vmx", encoding="ascii") as stored:
            if shown.read() != stored.read():
                wrong.append(f"vm{i}: the mount shows another text than the server has")
    if not lab.wait_until(lambda: not litter(mount.server), LITTER_PATIENCE_S):
        wrong.append(f"left over: {litter(mount.server)}")


def litter(server):
    """Beside a .vmx that was changed since. What a cut left of others (soak.py makes and removes them)
    goes with the next change of the same name."""
    return [name for i in range(VMS) for name in os.listdir(f"{server}/vm{i}")
            if lab.LITTER.match(name) and not name.startswith(".new")]


def run(options, mount, wrong):
    """Returns the counts."""
    seconds = options.minutes * 60
    faults = use(mount, seconds / 5, f"{options.seed}/warm", wrong)
    pid = mount.process.pid
    fds, before = descriptors(pid), resident_kib(pid)
    faults += use(mount, seconds * 4 / 5, options.seed, wrong)
    if not lab.wait_until(lambda: descriptors(pid) <= fds, RETURN_S):
        wrong.append(f"descriptors: {fds}, then {descriptors(pid)}")
    after = resident_kib(pid)
    if after > before + GROWTH_KIB:
        wrong.append(f"resident: {before} KiB, then {after} KiB")
    counts = {"minutes": options.minutes, "faults": faults, "before": before, "after": after, "fds before": fds,
              "fds after": descriptors(pid)}
    check_files(mount, wrong)
    return counts


def main():
    options = cases.parse(__doc__, workers=1)
    root = tempfile.mkdtemp(prefix="vmxfs-mixed.")
    server = os.path.join(root, "lab")
    make_vms(server)
    wrong = []
    with lab.Mount(os.path.join(root, "mount"), server, options.vmxfs, options.relay,
                   f"timeout={TIMEOUT_S},cache_timeout=1") as mount:
        counts = run(options, mount, wrong)
        status = mount.end()
    if status != 0:
        wrong.append(f"vmxfs ended with {status}: {mount.said()}")
    counts["broken"] = len(wrong)
    shutil.rmtree(root, ignore_errors=True)
    run_counts = {"kind": "mixed", "counts": counts}
    tally.record(options.record, run_counts)
    print(tally.mixed_table([run_counts]))
    for text in wrong:
        print(f"broken: seed {options.seed}: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
