# SPDX-License-Identifier: MIT
"""Rows of the result and how they are printed."""
import statistics
import time
from dataclasses import dataclass


@dataclass
class Row:
    """All texts are ready to print. met is None where there is no target."""
    work: str
    vmxfs: str
    peer: str = "-"
    ratio: str = "-"
    target: str = "-"
    met: bool | None = None


HEADINGS = ["work", "vmxfs", "peer", "ratio", "target", "met"]


def cells(row):
    met = "-" if row.met is None else "yes" if row.met else "NO"
    return [row.work, row.vmxfs, row.peer, row.ratio, row.target, met]


def render(rows):
    lines = [HEADINGS] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths)) + " |"
                     for line in lines)


@dataclass
class Median:
    value: float
    times: int

    def __str__(self):
        return f"{show(self.value)} (x{self.times})"


def show(seconds):
    if seconds < 0.1:
        return f"{seconds * 1000:.1f} ms"
    digits = 2 if seconds < 10 else 1 if seconds < 1000 else 0
    return f"{seconds:.{digits}f} s"


def rate(mb_s):
    return f"{mb_s:.1f} MB/s" if mb_s < 20 else f"{mb_s:.0f} MB/s"


def mib(size):
    return f"{size / 2**20:.1f} MiB"


def in_turn(sides, repetitions, budget_s):
    """Measures all sides one after the other, again and again; one that has used up its budget is left
    out of further rounds. sides: name -> function that returns seconds. Returns name -> Median."""
    results = {name: [] for name in sides}
    spent = dict.fromkeys(sides, 0.0)
    for _ in range(repetitions):
        for name, measure in sides.items():
            if results[name] and spent[name] >= budget_s:
                continue
            start = time.monotonic()
            results[name].append(measure())
            spent[name] += time.monotonic() - start
    return {name: Median(statistics.median(values), len(values)) for name, values in results.items()}
