# SPDX-License-Identifier: MIT
"""The benchmarks of large datastores, and of memory. What could not be measured is computed from what
was, and says so."""
import os
import re
from dataclasses import dataclass

from datastore import store_name
from rows import CAT, GREP, faster, times, timed
from table import Median, Row, mib, show

KIB, MIB = 1 << 10, 1 << 20
PAPER_VMS = 100_000
# Slow peers are asked for so many VMs only.
SAMPLE_VMS = 100
# The target for 500 VMs, for each.
EACH_S = 1 / 500
DEFAULT_CACHE = 256 * MIB


@dataclass
class Layout:
    """So many VMs below one root: in one datastore, or dealt out to several."""
    vms: int
    stores: int = 1

    @property
    def title(self):
        if self.stores > 1:
            return f"{self.stores} x {self.vms // self.stores} VMs"
        return f"{self.vms} VM{'s' * (self.vms > 1)}"

    def below(self, script):
        return script if self.stores == 1 else script.replace("*/*.vmx", "*/*/*.vmx")

    @property
    def first_ls(self):
        return "ls" if self.stores == 1 else f"ls; ls {store_name(0)}"

    @property
    def names(self):
        return self.vms if self.stores == 1 else self.stores + self.vms // self.stores


def layouts(bench):
    return Layout(bench.scale_vms), Layout(bench.scale_vms, bench.stores)


def delay(rtt_ms):
    return f"{rtt_ms:g} ms" if rtt_ms else "no delay"


def first_ls(bench, layout, path, rtt):
    """Its target, a part of what reading all of them takes, is set by who knows that."""
    sides = {kind: timed(bench, kind, rtt, path, layout.first_ls, layout.names)
             for kind in ("vmxfs", "sshfs") if bench.has(kind)}
    got = bench.in_turn(sides)
    row = Row(f"first ls, {layout.title}, {delay(rtt)}", str(got["vmxfs"]))
    if "sshfs" in got:
        row.peer, row.ratio = f"sshfs {got['sshfs']}", times(got["sshfs"], got["vmxfs"])
    return row, got["vmxfs"]


def sampled(bench, rtt, vms):
    """What sshfs needs for so many VMs, from what it needs for some."""
    some = min(SAMPLE_VMS, vms)
    path = bench.lab.store(some)
    got = bench.in_turn({"sshfs": timed(bench, "sshfs", rtt, path, GREP, some)})["sshfs"]
    return Median(got.value * vms / some, got.times), f"from {some} VMs"


def full_cat(bench, layout, path, rtt):
    """Near, sshfs reads all of them; far away that would take hours."""
    sides = {"vmxfs": timed(bench, "vmxfs", rtt, path, layout.below(CAT), layout.vms)}
    if bench.has("sshfs") and not rtt:
        sides["sshfs"] = timed(bench, "sshfs", rtt, path, layout.below(GREP), layout.vms)
    got = bench.in_turn(sides)
    ours, theirs, how = got["vmxfs"], got.get("sshfs"), ""
    if bench.has("sshfs") and rtt:
        theirs, how = sampled(bench, rtt, layout.vms)
        how = f", {how}"
    row = Row(f"cold cat of all memSize, {layout.title}, {delay(rtt)}", str(ours))
    if theirs:
        row.peer, row.ratio = f"sshfs, grep {theirs}{how}", times(theirs, ours)
    if rtt:
        row.target, row.met = show(layout.vms * EACH_S), ours.value <= layout.vms * EACH_S
    elif theirs:
        row.target, row.met = "1x", faster(ours, theirs) > 1
    return row, ours


def scale(bench):
    bench.full = {}
    for layout in layouts(bench):
        path = bench.lab.store(layout.vms, stores=layout.stores)
        for rtt in (0, bench.rtt_ms):
            first, answer = first_ls(bench, layout, path, rtt)
            row, ours = full_cat(bench, layout, path, rtt)
            first.target, first.met = "1/10 of all", answer.value <= ours.value / 10
            yield first
            if layout.stores == 1:
                bench.full[rtt] = ours
            yield row
    yield from on_paper(bench)


def counters(mount):
    with open(os.path.join(mount.path, ".vmxfs", "status"), encoding="utf-8") as f:
        return {k: int(v) for k, v in re.findall(r"^([\w-]+): (\d+)$", f.read(), re.MULTILINE)}


def used(bench, vms, *more):
    """What a mount's counters and its memory say after every VM was read once."""
    with bench.lab.mount("vmxfs", 0, bench.lab.store(vms), *more) as mount:
        before = counters(mount)
        mount.run(CAT, vms)
        after = counters(mount)
        cached = after["cached-document-bytes"] + after["cached-listing-bytes"]
        return {"requests": after["requests"] - before["requests"],
                "bytes": sum(after[k] - before[k] for k in ("bytes-sent", "bytes-received")),
                "cached": cached, "resident": mount.resident()}


def on_paper(bench):
    """A line through two measured points: a fixed part, and so much for each VM."""
    low, high = bench.vms, bench.scale_vms
    if low >= high:
        return
    large = ["cache_size=4096", "cache_timeout=600"]
    less, more = used(bench, low, *large), used(bench, high, *large)

    def line(a, b):
        return a + (b - a) / (high - low) * (PAPER_VMS - low)

    paper = {what: line(less[what], more[what]) for what in less}
    each = {what: (more[what] - less[what]) / (high - low) for what in less}
    work = f"on paper: {PAPER_VMS} VMs, from {low} and {high}, "
    yield Row(work + "requests", f"{paper['requests']:.0f}, {each['requests']:.1f} a VM")
    yield Row(work + "bytes over the link", f"{paper['bytes'] / 1e6:.0f} MB, {each['bytes'] / KIB:.1f} KiB a VM")
    yield Row(work + "cache_size to hold all", f"{mib(paper['cached'])}, {each['cached'] / KIB:.1f} KiB a VM")
    yield Row(work + "resident with all cached", f"{mib(paper['resident'])}, {each['resident'] / KIB:.1f} KiB a VM",
              target="24 KiB a VM", met=each["resident"] <= 24 * KIB)
    yield Row(work + "cached by default", f"{DEFAULT_CACHE / each['cached']:.0f} VMs in 256 MiB")
    for rtt in (0, bench.rtt_ms):
        got = bench.in_turn({"vmxfs": timed(bench, "vmxfs", rtt, bench.lab.store(low), CAT, low)})["vmxfs"]
        row = Row(work + f"cold cat, {delay(rtt)}", show(line(got.value, bench.full[rtt].value)))
        if bench.has("sshfs") and rtt:
            theirs, how = sampled(bench, rtt, PAPER_VMS)
            row.peer = f"sshfs, grep {show(theirs.value)}, {how}"
            row.ratio = f"{theirs.value / line(got.value, bench.full[rtt].value):.0f}x"
        yield row


def beyond_cache(bench):
    """What does not fit is not kept, and not read ahead."""
    path = bench.lab.store(bench.vms)
    got = bench.in_turn({
        "all": timed(bench, "vmxfs", bench.rtt_ms, path, CAT, bench.vms),
        "few": timed(bench, "vmxfs", bench.rtt_ms, path, CAT, bench.vms, ["cache_size=1"])})
    work = f"cold cat of {bench.vms} memSize, cache_size=1, {bench.rtt_ms:g} ms"
    yield Row(work, str(got["few"]), f"vmxfs, cache_size=256 {got['all']}", times(got["all"], got["few"]))
    if bench.has("sshfs"):
        theirs, how = sampled(bench, bench.rtt_ms, bench.vms)
        yield Row(work, str(got["few"]), f"sshfs, grep {theirs}, {how}", times(theirs, got["few"]), "1x",
                  faster(got["few"], theirs) > 1)


def memory(bench):
    """After every VM's memSize was read. The ssh that sshfs starts, which outlives it as nobody's child, is not
    counted."""
    sizes = {}
    shapes = [Layout(n) for n in sorted({1, *bench.memory_vms})]
    shapes.append(Layout(shapes[-1].vms, bench.stores))
    for layout in shapes:
        path = bench.lab.store(layout.vms, stores=layout.stores)
        with bench.lab.mount("vmxfs", 0, path) as mount:
            mount.run(layout.below(CAT), layout.vms)
            size = mount.resident()
        row = Row(f"resident memory, {layout.title} cached", mib(size))
        if bench.has("sshfs") and layout.vms <= 1000 and layout.stores == 1:
            with bench.lab.mount("sshfs", 0, path) as mount:
                mount.run(GREP, layout.vms)
                theirs = mount.resident()
            row.peer, row.ratio = f"sshfs {mib(theirs)}", f"{theirs / size:.1f}x"
        if layout.vms == 1000 and layout.stores == 1:
            row.target, row.met = "32 MiB", size <= 32 * MIB
        if layout.stores == 1:
            sizes[layout.vms] = size
        yield row
    counts = sorted(sizes)
    if len(counts) > 1:
        low, high = counts[-2], counts[-1]
        each = (sizes[high] - sizes[low]) / (high - low)
        yield Row(f"memory for each further VM, {low} to {high}", f"{each / KIB:.1f} KiB", target="24 KiB",
                  met=each <= 24 * KIB)
