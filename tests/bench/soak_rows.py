# SPDX-License-Identifier: MIT
"""The soak: hours of use in minutes, in all ways at once, and edits on the server's side meanwhile.
tests/fault/soak.bats is the short version."""
import os
import subprocess
import sys
import time

import lab
from lab import Failure
from table import Row, mib

SOAK = os.path.join(lab.ROOT, "tests", "fault", "soak.py")
VMS = 6 # that soak.py writes to
READ_ALL = "cat vm-*/*.vmx/memSize"
IDLE_S = 3 # the kernel closes what was open a little later


def add_vms(path):
    for n in range(VMS):
        os.mkdir(f"{path}/vm{n}")
        with open(f"{path}/vm{n}/vm{n}.vmx", "w", encoding="ascii") as f:
            f.write(f'.encoding = "UTF-8"\ndisplayName = "vm{n}"\nfirmware = "efi"\nmemSize = "16384"\n')
            f.writelines(f'k{k} = "0"\n' for k in range(1, 21))


def watch(mount, work, vms, seconds):
    """Reads all VMs every second while others work. Gives (time left, memory, descriptors)."""
    end = time.monotonic() + seconds
    while work.poll() is None:
        mount.run(READ_ALL, vms)
        yield max(0, end - time.monotonic()), mount.resident(), mount.descriptors()
        time.sleep(1)


def soak(bench):
    """The sixth tenth of the time, when all that is kept has come to be, against the last."""
    vms, seconds = min(100, bench.vms), bench.soak_s
    path = bench.lab.renew(vms, "soak")
    add_vms(path)
    with bench.lab.mount("vmxfs", 0, path) as mount:
        work = subprocess.Popen([sys.executable, "-B", SOAK, mount.path, path, str(seconds)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            marks = list(watch(mount, work, vms, seconds))
            said = work.communicate()[0]
        finally:
            lab.end(work)
        time.sleep(IDLE_S)
        idle = mount.descriptors()
    calls = dict(line.rsplit(": ", 1) for line in said.splitlines() if line.rsplit(": ", 1)[-1].isdigit())
    if work.returncode != 0 or not calls:
        raise Failure("soak.py: " + "; ".join(line for line in said.splitlines() if " times " in line))
    tenths = [[size for left, size, _ in marks if 9 - n <= left * 10 / seconds <= 10 - n] for n in range(10)]
    print("soak: resident by tenths of the time:", ", ".join(mib(max(sizes, default=0)) for sizes in tenths))
    early = [mark for mark in marks if 0.4 * seconds <= mark[0] <= 0.5 * seconds] or marks[:1]
    late = [mark for mark in marks if mark[0] <= 0.1 * seconds] or marks[-1:]
    before, after = (max(size for _, size, _ in part) for part in (early, late))
    open_before = max(number for _, _, number in early)
    work = f"soak of {seconds} s"
    yield Row(f"{work}: resident memory", f"{mib(before)}, then {mib(after)}", target="flat (5 %)",
              met=after <= before * 1.05)
    yield Row(f"{work}: open descriptors", f"{open_before}, then {idle}", target="no more", met=idle <= open_before)
    yield Row(f"{work}: calls and server-side edits", f"{sum(map(int, calls.values()))} calls in {len(calls)} ways, "
              f"{calls['foreign_edits']} edits", target="none fails, all are seen", met=True)
