# SPDX-License-Identifier: MIT
"""The benchmark of small calls beside a bulk copy: what a stat and a cold key cost while dd reads or
writes a large file in the same mount, or cp makes another one of it there."""
import os
import statistics
import subprocess
import sys
import time

import lab
from datastore import name_of
from lab import Failure
from table import Row

SAMPLER = os.path.join(lab.HERE, "sample.py")
PAUSE_S = 0.02
COPY_STARTS_S = 0.3 # until its window is full
ALONE = 40          # calls of each kind
LEAST = 5           # beside a copy that is no trial
EXTRA_RTT = 2
MIB = 1 << 20
DD = ("dd", "bs=1M", "status=none")
# What is read where a VM's memSize is wanted.
KEY_FILE = {"vmxfs": "{0}/{0}.vmx/memSize", "sshfs": "{0}/{0}.vmx"}


def paths(kind, vms):
    """Each VM is asked for once: of one its folder's attributes, of the next its memSize."""
    for n in range(0, vms - 1, 2):
        yield name_of(n)
        yield KEY_FILE[kind].format(name_of(n + 1))


def sampler(mount, wanted):
    return subprocess.Popen([sys.executable, "-I", "-S", SAMPLER, str(PAUSE_S), *wanted], cwd=mount.path,
                            env=mount.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def collect(process):
    """kind of call -> seconds, from what a sampler printed."""
    try:
        out, err = process.communicate(timeout=lab.COMMAND_TIMEOUT_S)
    finally:
        lab.end(process)
    if err:
        raise Failure(f"sample.py: {err.strip()[-300:]}")
    took = {"stat": [], "read": []}
    for line in out.splitlines():
        call, seconds = line.split()
        took[call].append(float(seconds))
    return took


def alone(bench, kind, path):
    with bench.lab.mount(kind, bench.rtt_ms, path) as mount:
        return collect(sampler(mount, list(paths(kind, bench.vms))[:2 * ALONE]))


def beside(bench, kind, path, command):
    """Ends with the copy: the call that is then under way does not count."""
    with bench.lab.mount(kind, bench.rtt_ms, path) as mount:
        copy = subprocess.Popen(command, cwd=mount.path, env=mount.environment, stdin=subprocess.DEVNULL)
        try:
            time.sleep(COPY_STARTS_S)
            process = sampler(mount, paths(kind, bench.vms))
            while copy.poll() is None and process.poll() is None:
                time.sleep(0.005)
            under_way = copy.poll() is None
            if not under_way:
                process.terminate()
            took = collect(process)
            if copy.wait(lab.COMMAND_TIMEOUT_S) != 0:
                raise Failure(f"{kind}: {' '.join(command)} failed")
        finally:
            lab.end(copy)
    least = min(LEAST, bench.vms // 4) if not bench.smoke else 0
    if min(len(took["stat"]), len(took["read"])) < least:
        raise Failure(f"{kind}: the copy was over after {len(took['stat'])} calls")
    return took


def make_source(bench, path):
    source = os.path.join(bench.lab.folder("beside"), "source")
    if not os.path.exists(source):
        with open(source, "wb") as f:
            for _ in range(bench.beside_mib):
                f.write(os.urandom(MIB))
        os.link(source, os.path.join(path, "bulk-source"))
    return source


def check_copy(kind, source, copy):
    if subprocess.run(["cmp", source, copy], check=False).returncode != 0:
        raise Failure(f"{kind}: the copy on the server differs")
    os.remove(copy)


def cell(rtt_ms, before, during):
    if not during:
        return "-"
    return (f"{statistics.median(before) * 1000 / rtt_ms:.2f}, then "
            f"{statistics.median(during) * 1000 / rtt_ms:.2f} RTT (x{len(during)})")


def compare(work, rtt_ms, call, quiet, busy):
    """The row of one kind of call. quiet, busy: kind -> kind of call -> seconds."""
    cells = {kind: cell(rtt_ms, quiet[kind][call], busy[kind][call]) for kind in busy}
    row = Row(work, cells["vmxfs"], target=f"{EXTRA_RTT} RTT more")
    medians = {kind: statistics.median(took[call]) for kind, took in busy.items() if took[call]}
    if "vmxfs" in medians:
        more = (medians["vmxfs"] - statistics.median(quiet["vmxfs"][call])) * 1000 / rtt_ms
        row.met = more <= EXTRA_RTT
    if "sshfs" in cells:
        row.peer = f"sshfs {cells['sshfs']}"
    if len(medians) == 2:
        row.ratio = f"{medians['sshfs'] / medians['vmxfs']:.1f}x"
    return row


def beside_bulk(bench):
    path = bench.lab.store(bench.vms, "beside")
    source = make_source(bench, path)
    kinds = [kind for kind in KEY_FILE if bench.has(kind)]
    quiet = {kind: alone(bench, kind, path) for kind in kinds}
    for way, command in (("reading", [*DD, "if=bulk-source", "of=/dev/null"]),
                         ("writing", [*DD, f"if={source}", "of=bulk-copy"]),
                         ("copying", ["cp", "bulk-source", "bulk-copy"])):
        busy = {}
        for kind in kinds:
            busy[kind] = beside(bench, kind, path, command)
            if way != "reading":
                check_copy(kind, source, os.path.join(path, "bulk-copy"))
        for call, what in (("stat", "stat"), ("read", "cold key")):
            yield compare(f"{what}, alone, then beside {way} {bench.beside_mib} MiB, {bench.rtt_ms:g} ms",
                          bench.rtt_ms, call, quiet, busy)
    os.remove(os.path.join(path, "bulk-source"))
    os.remove(source)
