#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the results of a test run, one line for each test and in full what failed, and appends
"PASSED FAILED" to a file of counts, and what failed to COUNTS.failed.

usage: report.py COUNTS meson LABEL TESTLOG.json    what "meson test" left
       report.py COUNTS tap LABEL LOG STATUS        the output and exit status of a TAP producer
       report.py COUNTS step LABEL LOG STATUS       a single step: passed if its status is 0

A test that was skipped is a failure where CI is set.
"""
import json
import os
import re
import sys

RESULT = re.compile(r"(ok|not ok)\b *\d* *(?:- )?(.*)")
PLAN = re.compile(r"1\.\.(\d+)")


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.failures = []

    def add(self, good, name, details=""):
        if good and " # skip" in name and os.environ.get("CI"):
            good = False
        if good:
            self.passed += 1
        else:
            self.failed += 1
        if good:
            print("ok    ", name)
            return
        lines = [f"FAILED {name}"]
        if details.strip():
            lines += ["    " + line for line in details.strip("\n").split("\n")]
        print("\n".join(lines))
        self.failures += lines


def tap(report, label, text, status):
    """Returns how many results there were. What follows a result up to the next belongs to it."""
    results = []
    planned = None
    for line in text.splitlines():
        found = RESULT.match(line)
        if found:
            results.append((found.group(1) == "ok", found.group(2), []))
            continue
        plan = PLAN.fullmatch(line)
        if plan:
            planned = int(plan.group(1))
        elif results:
            results[-1][2].append(line)
    for good, name, details in results:
        report.add(good, f"{label}: {name}", "\n".join(details))
    if planned is not None and planned != len(results):
        report.add(False, f"{label}: {planned - len(results)} of {planned} tests gave no result", text)
    elif status != 0 and all(good for good, _, _ in results):
        report.add(False, f"{label}: exit status {status}", text)
    return len(results)


def meson(report, label, path):
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            test = json.loads(line)
            name = f"{label}/{test['name'].split(' / ')[-1].split(':')[-1]}"
            output = (test.get("stdout") or "") + (test.get("stderr") or "")
            if test["result"] == "SKIP":
                report.add(True, f"{name} # skip", output)
                continue
            good = test["result"] in ("OK", "EXPECTEDFAIL")
            before = report.failed
            if tap(report, name, test.get("stdout") or "", 0) == 0 and good:
                report.add(True, name)
            if not good:
                if report.failed == before:
                    report.add(False, f"{name}: {test['result']}, status {test['returncode']}")
                print(output)
                report.failures.append(output)


def main():
    counts, kind, label, path = sys.argv[1:5]
    report = Report()
    if kind == "meson":
        meson(report, label, path)
    else:
        status = int(sys.argv[5])
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        if kind == "step":
            report.add(status == 0, label, text)
        elif tap(report, label, text, status) == 0 and status == 0:
            report.add(False, f"{label}: no results", text)
    sys.stdout.flush()
    with open(counts, "a", encoding="utf-8") as f:
        f.write(f"{report.passed} {report.failed}\n")
    with open(f"{counts}.failed", "a", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in report.failures)


if __name__ == "__main__":
    main()
