# SPDX-License-Identifier: MIT
"""The benchmarks over a thin line, as a VPN from home is one. Each is a function of a Bench that gives
rows."""
import glob
import os
import subprocess
import time
import zlib

from lab import Failure, Line
from rows import CAT, GREP, faster, timed, times
from scale_rows import PAPER_VMS
from table import Row, show
from trip_rows import CACHE_TIMEOUT_S

LINE = Line(rtt_ms=40, rate_mbit=10)
WORDS = f"{LINE.rate_mbit:g} Mbit/s, {LINE.rtt_ms:g} ms"
# Of a cold crawl: what cannot be asked for before something else is answered. The names of the folders are
# known since the line was measured.
FLIGHTS = 4


def cat_by_ssh(bench, path, vms):
    """All texts at once, by a program that knows where they are; connecting is part of it."""
    def measure():
        start = time.monotonic()
        done = subprocess.run(bench.lab.ssh(LINE, "-C", f"cat {path}/*/*.vmx"), env=bench.lab.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0 or done.stdout.lower().count(b"\nmemsize = ") != vms:
            raise Failure(f"ssh -C: {done.stderr.decode(errors='replace').strip()[-300:]}")
        return time.monotonic() - start
    return measure


def least_s(path):
    """What the line needs for the texts, compressed as ssh does it, and for the round trips."""
    squeeze = zlib.compressobj(6)
    size = 0
    for file in sorted(glob.glob(os.path.join(path, "*/*.vmx"))):
        with open(file, "rb") as f:
            size += len(squeeze.compress(f.read()))
    size += len(squeeze.flush())
    return size * 8 / (LINE.rate_mbit * 1e6) + FLIGHTS * LINE.rtt_ms / 1000


def cold_cat(bench):
    path = bench.lab.store(bench.vms)
    sides = {"vmxfs": timed(bench, "vmxfs", LINE, path, CAT, bench.vms),
             "ssh": cat_by_ssh(bench, path, bench.vms)}
    if bench.has("sshfs"):
        sides["sshfs"] = timed(bench, "sshfs -C", LINE, path, GREP, bench.vms)
    got = bench.in_turn(sides)
    ours, work = got["vmxfs"], f"cold cat of {bench.vms} memSize, {WORDS}"
    yield Row(work, str(ours), f"ssh -C and cat {got['ssh']}", times(got["ssh"], ours), "1x",
              faster(ours, got["ssh"]) >= 1)
    if "sshfs" in got:
        yield Row(work, str(ours), f"sshfs -C, grep {got['sshfs']}", times(got["sshfs"], ours))
    least = least_s(path)
    yield Row(work, str(ours), f"the line's own limit {show(least)}", f"{least / ours.value:.2f}x")


def received(mount):
    with open(os.path.join(mount.path, ".vmxfs/status"), encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("bytes-received: "))


def again(bench):
    """The first time after cache_timeout, files of long ago: no text comes twice."""
    path = bench.lab.store(bench.vms)
    texts = sum(os.path.getsize(file) for file in glob.glob(os.path.join(path, "*/*.vmx")))
    more = []

    def measure():
        with bench.lab.mount("vmxfs", LINE, path) as mount:
            mount.run(CAT, bench.vms)
            time.sleep(CACHE_TIMEOUT_S + 1)
            before = received(mount)
            seconds = mount.run(CAT, bench.vms)
            more.append(received(mount) - before)
            return seconds

    ours = bench.in_turn({"vmxfs": measure})["vmxfs"]
    work = f"cat of {bench.vms} memSize again, first after cache_timeout, {WORDS}"
    yield Row(work, str(ours), target="0.6 s", met=ours.value <= 0.6)
    yield Row(f"{work}, bytes", f"{max(more) / 1024:.0f} KiB", f"all texts {texts / 1024:.0f} KiB",
              f"{texts / max(more):.1f}x", "no text", max(more) < texts / 2)


def rows(bench):
    yield from cold_cat(bench)
    yield from again(bench)


def scale(bench):
    """A large datastore. Reading ahead must not be in the way of the first ls."""
    vms, path = bench.scale_vms, bench.lab.store(bench.scale_vms)
    first = bench.in_turn({
        "ahead": timed(bench, "vmxfs", LINE, path, "ls", vms),
        "alone": timed(bench, "vmxfs", LINE, path, "ls", vms, ["prefetch=off"])})
    yield Row(f"first ls, {vms} VMs, {WORDS}", str(first["ahead"]), f"prefetch=off {first['alone']}",
              times(first["alone"], first["ahead"]), "0.9x", faster(first["ahead"], first["alone"]) >= 0.9)
    every = bench.in_turn({"vmxfs": timed(bench, "vmxfs", LINE, path, CAT, vms), "ssh": cat_by_ssh(bench, path, vms)})
    yield Row(f"cold cat of all memSize, {vms} VMs, {WORDS}", str(every["vmxfs"]),
              f"ssh -C and cat {every['ssh']}", times(every["ssh"], every["vmxfs"]))
    for what, got in (("first ls", first["ahead"]), ("cold cat of all memSize", every["vmxfs"])):
        yield Row(f"on paper: {PAPER_VMS} VMs, from {vms}, {what}, {WORDS}", show(got.value * PAPER_VMS / vms))
