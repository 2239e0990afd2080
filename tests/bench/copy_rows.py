# SPDX-License-Identifier: MIT
"""The benchmark of cp from one file of a mount to another: how long it takes, and what crosses the
link meanwhile."""
import os
import statistics

from beside_rows import check_copy, make_source
from rows import times
from table import Row, mib

MIB = 1 << 20
LINK_MOST = MIB  # what a copy may send over the link, whatever its size
SOURCE, COPY = "bulk-source", "bulk-copy"


def crossed(mount):
    """Bytes over the link so far, both ways."""
    with open(os.path.join(mount.path, ".vmxfs", "status"), encoding="utf-8") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith(("bytes-sent: ", "bytes-received: ")))


def copy(bench):
    path = bench.lab.folder("copy")
    source = make_source(bench, path)
    sizes = []

    def side(kind):
        def measure():
            with bench.lab.mount(kind, bench.rtt_ms, path) as mount:
                before = crossed(mount) if kind == "vmxfs" else 0
                seconds = mount.run(f"cp {SOURCE} {COPY}")
                if kind == "vmxfs":
                    sizes.append(crossed(mount) - before)
            check_copy(kind, source, os.path.join(path, COPY))
            return seconds
        return measure

    got = bench.in_turn({kind: side(kind) for kind in ("vmxfs", "sshfs") if bench.has(kind)})
    ours, size = got["vmxfs"], statistics.median(sizes)
    yield Row(f"cp of {bench.beside_mib} MiB inside the mount, {bench.rtt_ms:g} ms",
              f"{ours}, {mib(size)} over the link", f"sshfs {got['sshfs']}" if "sshfs" in got else "-",
              times(got["sshfs"], ours) if "sshfs" in got else "-", "no data over the link", size < LINK_MOST)
    os.remove(os.path.join(path, SOURCE))
    os.remove(source)
