#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures vmxfs and its peers in turn, on one sshd and through one delay proxy, and prints a table.

usage: bench.py --build DIR [OPTION]...        see --help; run.sh builds first
"""
import argparse
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import beside_rows
import bulk_rows
import copy_rows
import datastore
import history_rows
import link
import lost_rows
import more_rows
import rows
import scale_rows
import soak_rows
import thin_rows
import trip_rows
from lab import Failure, Lab
from table import Row, in_turn, render

BENCHMARKS = {
    "cat": rows.cold_cat,
    "cat-near": rows.cold_cat_near,
    "thin": thin_rows.rows,
    "thin-scale": thin_rows.scale,
    "ls": rows.cold_ls,
    "flights": trip_rows.flights,
    "again": trip_rows.revalidation,
    "key": trip_rows.cold_key,
    "path": trip_rows.known_path,
    "set": trip_rows.set_key,
    "profiles": rows.profiles,
    "history": history_rows.first_crawl,
    "lost": lost_rows.first_use,
    "grep": more_rows.warm_grep,
    "bulk": bulk_rows.rows,
    "copy": copy_rows.copy,
    "beside": beside_rows.beside_bulk,
    "memory": scale_rows.memory,
    "beyond": scale_rows.beyond_cache,
    "scale": scale_rows.scale,
    "soak": soak_rows.soak,
    "parser": more_rows.parser,
}
NEEDED = {"/usr/sbin/sshd": "openssh-server", "ssh": "openssh-client", "fusermount3": "fuse3"}
PEERS = {"sshfs": "sshfs", "rclone": "rclone"}


class Bench:
    """What the benchmarks share: the lab, the peers that there are, and the sizes."""

    def __init__(self, lab, options, peers):
        self.lab = lab
        self.peers = peers
        self.vms = options.vms
        self.rtt_ms = options.rtt_ms
        self.repetitions = options.repetitions
        self.budget_s = options.budget
        self.smoke = options.smoke
        self.bulk_mib = options.bulk_mib
        self.far_mib = options.far_mib
        self.convert_mib = options.convert_mib
        self.beside_mib = options.beside_mib
        self.scale_vms = options.scale_vms
        self.stores = options.stores
        self.memory_vms = options.memory_vms
        self.soak_s = options.soak

    def has(self, kind):
        return kind == "vmxfs" or kind in self.peers

    def in_turn(self, sides):
        return in_turn(sides, self.repetitions, self.budget_s)

    @contextmanager
    def mounts(self, wanted):
        """Several at a time. wanted: kind -> (round trip, path); those that are missing are left out."""
        with ExitStack() as stack:
            yield {kind: stack.enter_context(self.lab.mount(kind, rtt, path))
                   for kind, (rtt, path) in wanted.items() if self.has(kind)}


def parse_options():
    p = argparse.ArgumentParser(description="Measures vmxfs beside sshfs, rclone and the bare engine.")
    p.add_argument("--build", required=True, metavar="DIR", help="build directory")
    p.add_argument("--rows", metavar="NAME,...", help="which benchmarks: " + ", ".join(BENCHMARKS))
    p.add_argument("--vms", type=int, default=500)
    p.add_argument("--keys", type=int, default=150, help="settings of each VM, default 150")
    p.add_argument("--files", type=int, default=4, help="files of each VM, default 4")
    p.add_argument("--rtt-ms", type=float, default=20)
    p.add_argument("--repetitions", type=int, default=5, help="at most so many, default 5")
    p.add_argument("--budget", type=float, default=40, metavar="S",
                   help="a side that took so long in all is not repeated, default 40")
    p.add_argument("--bulk-mib", default="64,192,256,512", metavar="N,...", help="large files, without delay")
    p.add_argument("--far-mib", default="48,512", metavar="N,...", help="the same at --rtt-ms")
    p.add_argument("--convert-mib", type=int, default=2048, help="the disk that qemu-img converts")
    p.add_argument("--beside-mib", type=int, default=1024, help="what is copied while small calls are timed")
    p.add_argument("--scale-vms", type=int, default=10000)
    p.add_argument("--stores", type=int, default=20, help="how many datastores they are dealt out to as well")
    p.add_argument("--memory-vms", default="1000,10000", metavar="N,...")
    p.add_argument("--soak", type=int, default=0, metavar="S",
                   help="seconds of the soak (600 is what its target means); default 0: no soak")
    p.add_argument("--smoke", action="store_true", help="tiny sizes, once: does everything still run?")
    o = p.parse_args()
    if o.smoke:
        o.vms, o.repetitions, o.beside_mib = 12, 1, 64
        o.bulk_mib, o.far_mib, o.convert_mib = "8", "8", 8
        o.scale_vms, o.stores, o.memory_vms = 40, 4, "20"
    names = o.rows.split(",") if o.rows else [n for n in BENCHMARKS if n != "soak" or o.soak]
    unknown = [n for n in names if n not in BENCHMARKS]
    small = [o.vms < 4, o.repetitions < 1, o.keys < datastore.least_keys(), o.files < 1,
             o.stores < 2, o.scale_vms < o.stores, "soak" in names and o.soak < 10]
    if unknown or any(small):
        p.error(f"no such benchmark: {unknown[0]}" if unknown else "a number is too small")
    o.rows = names
    for name in ("memory_vms", "bulk_mib", "far_mib"):
        setattr(o, name, [int(n) for n in getattr(o, name).split(",")])
    return o


def find_programs(build):
    """The peers that are here. Says clearly what is missing."""
    built = ["fs/vmxfs", "tests/support/delay-proxy", "tests/bench/bench-engine",
             "tests/bench/bench-parser", "tests/bench/bench-floor"]
    missing = [f"{name} (package {package})" for name, package in NEEDED.items() if not shutil.which(name)]
    missing += [f"{name} (run ninja -C {build})" for name in built
                if not os.access(os.path.join(build, name), os.X_OK)]
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        missing.append("/dev/fuse (modprobe fuse, and the right to open it)")
    if missing:
        sys.exit("bench: missing: " + ", ".join(missing))
    peers = [name for name in PEERS if shutil.which(name)]
    for name in PEERS:
        if name not in peers:
            print(f"missing: {name} (package {PEERS[name]}); what is compared with it is left out")
    return peers


def version(program, option):
    """The number after the program's own name, in what it prints about itself."""
    done = subprocess.run([program, option], capture_output=True, text=True, check=False)
    found = re.search(rf"{program}\D*(\d+\.[\w.]+)", done.stdout + done.stderr, re.IGNORECASE)
    return found[1] if found else "of unknown version"


def build_type(build):
    with open(os.path.join(build, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as f:
        options = {o["name"]: o["value"] for o in json.load(f)}
    return f"{options['buildtype']}, sanitize {options['b_sanitize']}"


def introduce(options, peers):
    print(f"{os.cpu_count()} CPUs, Linux {platform.release().split('-')[0]}, "
          f"load average {os.getloadavg()[0]:.1f} before")
    print(f"vmxfs built as {build_type(options.build)}; OpenSSH {version('ssh', '-V')}"
          + "".join(f"; {peer} {version(peer, '--version')}" for peer in peers))
    print(f"medians of up to {options.repetitions} (the number behind x), a fresh mount each where cold; a side "
          f"that has used {options.budget:g} s is not repeated")
    print("ratio: how many times faster (or smaller) than the peer; no delay: straight to the sshd, no proxy; "
          f"RTT: counted at {rows.COUNT_RTT_MS} ms (in the loop at {options.rtt_ms:g} ms), "
          f"{rows.COUNT_SLACK} more is let pass")
    if (options.vms, options.keys, options.files) != (500, 150, 4):
        print(f"the targets are meant for 500 VMs of 150 settings and 4 files, not {options.vms} of "
              f"{options.keys} and {options.files}")


def measure(bench, names):
    """Gives the rows, and says on standard error how far it is."""
    for name in names:
        print(f"bench: {name} ...", file=sys.stderr, flush=True)
        try:
            yield from BENCHMARKS[name](bench)
        except (Failure, OSError, subprocess.SubprocessError) as e:
            print(f"bench: {name}: {e}", file=sys.stderr)
            yield Row(name, "failed: " + str(e).replace("\n", " ")[:80], met=False)


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    peers = find_programs(options.build)
    introduce(options, peers)
    with Lab(options.build, options.keys, options.files) as lab:
        table = list(link.check(lab.program("tests/support/delay-proxy"),
                                sorted({options.rtt_ms, rows.COUNT_RTT_MS})))
        table += measure(Bench(lab, options, peers), options.rows)
    print(f"load average {os.getloadavg()[0]:.1f} after\n")
    print(render(table))
    return 1 if any(row.vmxfs.startswith("failed") for row in table) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as problem:
        sys.exit(f"bench: {problem}")
