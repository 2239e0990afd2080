#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What runs of the long fault tests have counted; a record that adds up.

usage: tally.py FILE        prints the tables of docs/reliability.md; a line of FILE is one run
"""

import collections
import json
import sys

FAULTS = ("cut", "kill", "stall", "late", "delay", "down")
ENDS = ("new", "old", "done", "between")
HEADINGS = ("operation", "cuts", "server killed", "stalls", "late", "delays", "link down", "told success",
            "told failure: as before", "made all the same", "in between", "longest wait", "broken", "known")


def add(row, result):
    """Counts the result of one case."""
    row[result["fault"] if result["fired"] else "not reached"] += 1
    row[result["end"]] += 1
    row["longest"] = max(row["longest"], round(result["waited"], 1))


def record(path, counts):
    if path:
        with open(path, "a", encoding="utf-8") as f:
            f.write(json.dumps(counts) + "\n")


def merged(runs):
    rows = collections.defaultdict(collections.Counter)
    for run in runs:
        for name, row in run["rows"].items():
            longest = max(rows[name]["longest"], row.get("longest", 0))
            rows[name].update(row)
            rows[name]["longest"] = longest
    return rows


def line(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def numbers(row):
    return ([row[fault] for fault in FAULTS] + [row[end] for end in ENDS]
            + [f"{row['longest']:.1f} x timeout", row["broken"], row["known"]])


def sweep_table(runs):
    rows = merged(runs)
    total = collections.Counter()
    for row in rows.values():
        longest = max(total["longest"], row["longest"])
        total.update(row)
        total["longest"] = longest
    lines = [line(HEADINGS), line(["---"] * len(HEADINGS))]
    lines += [line([name] + numbers(row)) for name, row in rows.items()]
    return "\n".join(lines + [line(["all"] + numbers(total))])


def kills_table(runs):
    total = collections.Counter()
    for run in runs:
        total.update(run["counts"])
    names = ("kills", "acknowledged", "foreign edits", "cut off by a kill", "unseen", "broken")
    headings = ("kills of vmxfs", "changes acknowledged", *names[2:])
    return "\n".join([line(headings), line(["---"] * len(headings)), line([total[name] for name in names])])


def mixed_table(runs):
    headings = ("minutes of mixed load", "faults", "resident KiB before", "after", "descriptors before", "after",
                "broken")
    names = ("minutes", "faults", "before", "after", "fds before", "fds after", "broken")
    return "\n".join([line(headings), line(["---"] * len(headings))]
                     + [line([run["counts"][name] for name in names]) for run in runs])


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        runs = [json.loads(text) for text in f]
    print(sweep_table([run for run in runs if run["kind"] == "sweep"]))
    print()
    print(kills_table([run for run in runs if run["kind"] == "kills"]))
    print()
    print(mixed_table([run for run in runs if run["kind"] == "mixed"]))


if __name__ == "__main__":
    main()
