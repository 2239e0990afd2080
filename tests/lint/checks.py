#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares docs/checks.md with the sources: each rule of check has a row, with the verdicts and the
test that shows it, and each row is of a rule.

usage: checks.py ROOT        one line a finding on standard output, status 1 if there is any
"""
import os
import re
import sys

import manual

PAGE = "docs/checks.md"
VERDICTS = {"PASS", "NOTE", "UNKNOWN", "WARN", "FAIL"}
NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*-?"


def rules(root):
    """Those with a dash, as the manual's lint finds them, and those that a line is added with."""
    text = manual.read(root, "parser/check/check_*.c")
    added = re.findall(rf'\brule\[\] = "({NAME})"|check_add\(\w+,\s[^";]*"({NAME})"', text)
    return manual.rules(root) | {name for pair in added for name in pair if name} | \
        set(re.findall(r'"(requires-)"', text))


def rows(root):
    """(rule, verdicts, about, source, tests) of each row."""
    for line in manual.read(root, PAGE).splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if re.fullmatch(rf"`{NAME}`", cells[0] if cells else ""):
            yield cells


def problems_of(root, cells):
    rule = cells[0].strip("`")
    if len(cells) != 5 or not all(cells):
        yield f"the row of {rule} does not have five cells"
        return
    verdicts = set(cells[1].split(", "))
    if not verdicts <= VERDICTS:
        yield f"{rule} has a verdict that is none: {cells[1]}"
    paths = re.findall(r"`([^`]+)`", cells[4])
    if not paths:
        yield f"{rule} has no test"
    for path in paths:
        if not re.search(rf'["\s`]{re.escape(rule)}', manual.read(root, path)):
            yield f"{path} does not have {rule}"


def missing(root):
    table = list(rows(root))
    named = [cells[0].strip("`") for cells in table]
    for rule in sorted(rules(root) - set(named)):
        yield f"there is no row for {rule}"
    for rule in sorted(set(named) - rules(root)):
        yield f"{rule} is no rule"
    for rule in sorted({rule for rule in named if named.count(rule) > 1}):
        yield f"{rule} has several rows"
    for cells in table:
        yield from problems_of(root, cells)


def main():
    findings = list(missing(sys.argv[1] if len(sys.argv) > 1 else "."))
    for finding in findings:
        print(f"{PAGE}: {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
