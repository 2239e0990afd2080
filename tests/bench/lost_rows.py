# SPDX-License-Identifier: MIT
"""The benchmark of the first use after a lost link, where the server is within reach again. It is a
function of a Bench that gives rows."""
import os
import subprocess
import time

from datastore import name_of
from lab import Failure, wait_for
from rows import faster, times
from table import Row

# The attempts come after 0, 0.2, 0.6, 1.4, 3 and 6.2 s: the second outage ends just after one.
OUTAGES_S = (0, 3.2, 5)
# What is read where a VM's memSize is wanted.
USES = {"vmxfs": "cat {0}/{0}.vmx/memSize", "sshfs -o reconnect": "cat {0}/{0}.vmx"}
SSHFS_NOTICES_S = 0.5
ALONE = ("prefetch=off",)  # so that what is used has not been read ahead


def read_status(mount):
    with open(os.path.join(mount.path, ".vmxfs/status"), encoding="utf-8") as f:
        return f.read()


def notice(kind, mount):
    """Until the loss is noticed. vmxfs says so, and connects again by itself meanwhile; sshfs does when
    it is used, and says nothing."""
    if kind != "vmxfs":
        time.sleep(SSHFS_NOTICES_S)
    elif not wait_for(lambda: "\nlink-lost: " in read_status(mount), 20):
        raise Failure("vmxfs did not notice that the link was lost")


def after_loss(bench, kind, outage_s):
    """The link is cut while nobody uses it, and the use comes as soon as it could be there again."""
    def measure():
        with bench.lab.mount(kind, bench.rtt_ms, bench.lab.store(bench.vms),
                             *(ALONE if kind == "vmxfs" else ())) as mount:
            mount.run(USES[kind].format(name_of(0)))
            if outage_s > 0:
                bench.lab.interrupt(bench.rtt_ms, outage_s)
            else:
                bench.lab.cut(bench.rtt_ms)
            notice(kind, mount)
            return mount.run(USES[kind].format(name_of(1)))
    return measure


def fresh(bench):
    """A mount from its start on, and the same use. It reads the configuration, connects and logs in as
    one does that lost its link, and mounts besides: who is slower than this has waited for something else."""
    def measure():
        start = time.monotonic()
        with bench.lab.mount("vmxfs", bench.rtt_ms, bench.lab.store(bench.vms), *ALONE) as mount:
            mount.run(USES["vmxfs"].format(name_of(1)))
            return time.monotonic() - start
    return measure


def ssh(bench):
    """A connection alone, by a program that does nothing with it."""
    def measure():
        start = time.monotonic()
        subprocess.run(bench.lab.ssh(bench.rtt_ms, "true"), env=bench.lab.environment, check=True,
                       stdin=subprocess.DEVNULL)
        return time.monotonic() - start
    return measure


def first_use(bench):
    kinds = [kind for kind in USES if bench.has(kind.split()[0])]
    sides = {"fresh": fresh(bench), "ssh": ssh(bench)}
    for outage_s in OUTAGES_S:
        for kind in kinds:
            sides[kind, outage_s] = after_loss(bench, kind, outage_s)
    got = bench.in_turn(sides)
    for outage_s in OUTAGES_S:
        ours = got["vmxfs", outage_s]
        away = f"after {outage_s:g} s" if outage_s else "at once"
        work = f"first use after a lost link, a cold key, server there again {away}, {bench.rtt_ms:g} ms"
        yield Row(work, str(ours), f"fresh mount and use {got['fresh']}", times(got["fresh"], ours), "1x",
                  faster(ours, got["fresh"]) >= 1)
        yield Row(work, str(ours), f"ssh HOST true {got['ssh']}", times(got["ssh"], ours))
        for kind in kinds[1:]:
            yield Row(work, str(ours), f"{kind}, cat {got[kind, outage_s]}", times(got[kind, outage_s], ours))
