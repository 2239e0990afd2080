# SPDX-License-Identifier: MIT
"""The benchmarks of warm files and the parser."""
import glob
import os
import re
import subprocess
from contextlib import ExitStack

import lab
from lab import Failure
from rows import faster, times
from table import Row

PASSTHROUGH = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"
PATTERN = "no-such-text"


def build_passthrough(bench):
    """libfuse's own example, where its source is installed; None elsewhere."""
    program = os.path.join(bench.lab.dir, "passthrough_ll")
    if not os.path.exists(PASSTHROUGH):
        return None
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True,
                           check=False).stdout.split()
    done = subprocess.run(["cc", "-O2", "-o", program, PASSTHROUGH, *flags], check=False,
                          stderr=subprocess.DEVNULL)
    return program if done.returncode == 0 else None


def plain_files(bench, folders, files):
    """The same number of files with about the same content, for the filesystem that passes through."""
    path = bench.lab.folder("plain")
    for n in range(folders):
        os.mkdir(os.path.join(path, f"n{n}"))
        for k in range(files):
            with open(os.path.join(path, f"n{n}", f"n{k}"), "w", encoding="ascii") as f:
                f.write(f"value of number {k}\n")
    return path


def grep_mounts(bench, stack, folders):
    """name -> (mount, what to search in)"""
    keys = bench.lab.keys
    mounts = {"vmxfs": (stack.enter_context(bench.lab.mount("vmxfs", 0, bench.lab.store(folders))),
                        "*/*.vmx/")}
    programs = {"floor": [bench.lab.program("tests/bench/bench-floor"), str(folders), str(keys)]}
    passthrough = build_passthrough(bench)
    if passthrough:
        programs["passthrough_ll"] = [passthrough, "-f", "-o", f"source={plain_files(bench, folders, keys)}"]
    for name, command in programs.items():
        mnt = os.path.join(bench.lab.dir, f"mnt-{name}")
        mounts[name] = (stack.enter_context(
            lab.mounted([*command, mnt], mnt, bench.lab.environment, bench.lab.dir)), "*/")
    return mounts


def warm_grep(bench):
    folders, keys = min(100, bench.vms), bench.lab.keys
    with ExitStack() as stack:
        mounts = grep_mounts(bench, stack, folders)
        for name, (mount, where) in mounts.items():
            mount.run(f"find {where} -type f", folders * (keys + (name == "vmxfs")))

        def grep(name):
            mount, where = mounts[name]
            script = f"grep -r {PATTERN} {where}; [ $? = 1 ]"

            def measure():
                mount.run(script)
                return mount.run(script)
            return measure

        got = bench.in_turn({name: grep(name) for name in mounts})
    ours, work = got["vmxfs"], f"warm grep -r over {folders * keys} key files"
    if "passthrough_ll" in got:
        yield Row(work, str(ours), f"passthrough_ll {got['passthrough_ll']}",
                  times(got["passthrough_ll"], ours), "1x", faster(ours, got["passthrough_ll"]) > 1)
    yield Row(work, str(ours), f"FUSE's own cost {got['floor']}", times(got["floor"], ours))


def parser(bench):
    files = sorted(glob.glob(os.path.join(bench.lab.store(bench.vms), "*", "*.vmx")))
    done = subprocess.run([bench.lab.program("tests/bench/bench-parser"), *files], capture_output=True,
                          text=True, check=False)
    rates = re.findall(r"^(.*): ([0-9]+) MB/s \(\d+ texts, (\d+) bytes", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not rates:
        raise Failure(f"bench-parser: {done.stderr.strip()}")
    each = {}
    for what, value, size in rates:
        row = Row(f"parse, {what}" if what != "corpus" else f"parse, {len(files)} files of {bench.lab.keys} keys",
                  f"{value} MB/s")
        if what == "corpus":
            row.target, row.met = "300 MB/s", int(value) >= 300
        if grown := re.fullmatch(r"one text of (\d+) keys", what):
            keys = int(grown[1])
            each[keys] = int(size) / int(value) / keys * 1000
            row.vmxfs += f", {each[keys]:.0f} ns a key"
        yield row
    growth = each[15000] / each[150]
    yield Row("parse, cost of a key: 15000 keys against 150", f"{growth:.2f}x", target="linear (2x)",
              met=growth <= 2)
