# SPDX-License-Identifier: MIT
"""What a history costs who uses the mount meanwhile."""
import itertools
import os
import subprocess

from lab import Failure
from rows import CAT, faster
from table import Row

RECORDED = "VMs first seen"


def first_crawl(bench):
    """The first crawl of all VMs, of which none is in the history yet, and the same without one. That
    they were recorded is looked up behind it."""
    path = bench.lab.store(bench.vms)
    serial = itertools.count()

    def with_history():
        folder = os.path.join(bench.lab.folder("histories"), str(next(serial)))
        with bench.lab.mount("vmxfs", bench.rtt_ms, path, f"history={folder}") as mount:
            seconds = mount.run(CAT, bench.vms)
        log = subprocess.run(["git", "-C", folder, "log", "--format=%s"], capture_output=True, text=True,
                             check=False).stdout
        if f"{bench.vms} {RECORDED}" not in log:
            raise Failure(f"the history has: {log.strip()[:200]}")
        return seconds

    def without():
        with bench.lab.mount("vmxfs", bench.rtt_ms, path, "history=off") as mount:
            return mount.run(CAT, bench.vms)

    got = bench.in_turn({"with": with_history, "without": without})
    ratio = faster(got["with"], got["without"])
    yield Row(f"cold cat of {bench.vms} memSize, {bench.rtt_ms:g} ms, that a history sees first", str(got["with"]),
              f"history=off {got['without']}", f"{ratio:.2f}x", "0.95x", ratio >= 0.95)
