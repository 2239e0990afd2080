# SPDX-License-Identifier: MIT
"""The benchmarks of reading and of setting keys of many VMs, and what all benchmarks share. Each is a
function of a Bench that gives rows."""
import re
import subprocess

from lab import Failure
from table import Row, show

CAT = "cat */*.vmx/memSize"
GREP = "grep -ih '^memSize = ' */*.vmx"
SET_ALL = "for f in */*.vmx; do sed -i 's/^memSize = .*/memSize = \"8192\"/' \"$f\" || exit 1; done"
APPLY_ALL = "for d in */*.vmx; do echo nested-esxi >\"$d\"/passthrough-profile || exit 1; done"
APPLY_MANY = ("printf '%s\\n' */*.vmx | "
              "xargs -P 16 -I VM sh -c 'echo nested-esxi >VM/passthrough-profile'")
# Round trips are counted where one lasts so long that nothing else does.
COUNT_RTT_MS = 100
# What is not the link's may take this part of a round trip.
COUNT_SLACK = 0.25


def times(slow, fast):
    ratio = slow.value / fast.value
    return f"{ratio:.1f}x" if ratio < 100 else f"{ratio:.0f}x"


def faster(fast, slow):
    return slow.value / fast.value


def timed(bench, kind, rtt_ms, path, script, lines=None, more=()):
    """A script on a mount of its own, so that nothing is cached. more: options of vmxfs."""
    def measure():
        with bench.lab.mount(kind, rtt_ms, path, *more) as mount:
            return mount.run(script, lines)
    return measure


def pipelined(bench, rtt_ms, path):
    """The same bytes with the bare engine."""
    def measure():
        said = subprocess.run(
            [bench.lab.program("tests/bench/bench-engine"), "--port", str(bench.lab.port(rtt_ms)),
             "--identity", f"{bench.lab.sshd}/id", "--known-hosts", bench.lab.known_hosts,
             "--sample", "0", path], env=bench.lab.environment, capture_output=True, text=True,
            check=False)
        found = re.search(r"^pipelined: ([0-9.]+) s", said.stdout)
        if not found:
            raise Failure(f"bench-engine: {said.stderr.strip()}")
        return float(found[1])
    return measure


def cold_sides(bench, rtt_ms, ours, theirs, lines, peers):
    path = bench.lab.store(bench.vms)
    sides = {"vmxfs": timed(bench, "vmxfs", rtt_ms, path, ours, lines)}
    for peer in filter(bench.has, peers):
        sides[peer] = timed(bench, peer, rtt_ms, path, theirs, lines)
    return sides


def cold_cat(bench):
    rtt, vms = bench.rtt_ms, bench.vms
    sides = cold_sides(bench, rtt, CAT, GREP, vms, ["sshfs", "rclone"])
    sides["engine"] = pipelined(bench, rtt, bench.lab.store(vms))
    got = bench.in_turn(sides)
    ours, work = got["vmxfs"], f"cold cat of {vms} memSize, {rtt:g} ms"
    yield Row(work, str(ours), target="0.26 s", met=ours.value <= 0.26)
    if "sshfs" in got:
        yield Row(work, str(ours), f"sshfs, grep {got['sshfs']}", times(got["sshfs"], ours), "200x",
                  faster(ours, got["sshfs"]) >= 200)
    if "rclone" in got:
        yield Row(work, str(ours), f"rclone, grep {got['rclone']}", times(got["rclone"], ours), "1x",
                  faster(ours, got["rclone"]) > 1)
    yield Row(work, str(ours), f"bare engine {got['engine']}", times(got["engine"], ours), "0.5x",
              faster(ours, got["engine"]) >= 0.5)


def cold_cat_near(bench):
    got = bench.in_turn(cold_sides(bench, 0, CAT, GREP, bench.vms, ["sshfs", "rclone"]))
    ours, work = got.pop("vmxfs"), f"cold cat of {bench.vms} memSize, no delay"
    for peer, value in got.items():
        yield Row(work, str(ours), f"{peer}, grep {value}", times(value, ours), "1x",
                  faster(ours, value) > 1)


def cold_ls(bench):
    """Each folder: a heading, a sum, and its files; an empty line between."""
    lines = (bench.lab.files + 3) * bench.vms - 1
    got = bench.in_turn(cold_sides(bench, bench.rtt_ms, "ls -l */", "ls -l */", lines, ["sshfs"]))
    ours, work = got["vmxfs"], f"cold ls -l of {bench.vms} folders, {bench.rtt_ms:g} ms"
    yield Row(work, str(ours), f"sshfs {got['sshfs']}" if "sshfs" in got else "-",
              times(got["sshfs"], ours) if "sshfs" in got else "-", "0.20 s", ours.value <= 0.2)


def changed(path, pattern, vms):
    """The server must have what was written."""
    done = subprocess.run(f"grep -l '{pattern}' */*.vmx | wc -l", shell=True, cwd=path, check=False,
                          capture_output=True, text=True)
    if int(done.stdout) < vms:
        raise Failure(f"only {done.stdout.strip()} of {vms} files on the server were changed")


def profiles(bench):
    rtt, vms = bench.rtt_ms, min(100, bench.vms)

    def apply(kind, script, pattern):
        def measure():
            path = bench.lab.renew(vms, "profiles")
            with bench.lab.mount(kind, rtt, path) as mount:
                seconds = mount.run(script)
            changed(path, pattern, vms)
            return seconds
        return measure

    sides = {"loop": apply("vmxfs", APPLY_ALL, "^vmxfs.profile = "),
             "xargs": apply("vmxfs", APPLY_MANY, "^vmxfs.profile = ")}
    if bench.has("sshfs"):
        sides["sshfs"] = apply("sshfs", SET_ALL, '^memSize = "8192"')
    got = bench.in_turn(sides)

    def each(value):
        return value.value * 1000 / rtt / vms

    loop = got["loop"]
    yield Row(f"a profile on {vms} VMs, loop, {rtt:g} ms", f"{show(loop.value)}, {each(loop):.2f} RTT a VM "
              f"(x{loop.times})", f"sshfs, sed -i {show(got['sshfs'].value)}, {each(got['sshfs']):.2f} RTT a VM"
              if "sshfs" in got else "-", times(got["sshfs"], loop) if "sshfs" in got else "-",
              "4 RTT a VM", each(loop) <= 4 + COUNT_SLACK)
    yield Row(f"a profile on {vms} VMs, xargs -P 16, {rtt:g} ms", str(got["xargs"]), f"vmxfs, loop {loop}",
              times(loop, got["xargs"]), "8x", faster(got["xargs"], loop) >= 8)
