#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the lint of the table of rules over the sources with small changes: each must be found."""
import os
import shutil
import tempfile
import unittest

import checks

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CHANGES = [
    ("parser/check/check_file.c", '"long-names"', '"wide-names"',
     ["there is no row for wide-names", "long-names is no rule"]),
    ("parser/check/check_guide.c", 'rule[] = "firmware"', 'rule[] = "efi"',
     ["there is no row for efi", "firmware is no rule"]),
    ("parser/check/check_file.c", '"encoding"', '"charset"',
     ["there is no row for charset", "encoding is no rule"]),
    (checks.PAGE, "| `snapshots` | PASS, WARN", "| `snapshots` | PASS, BAD",
     ["snapshots has a verdict that is none: PASS, BAD"]),
    (checks.PAGE, "| `bar-size` |", "| `bar-size` | more |",
     ["the row of bar-size does not have five cells"]),
    (checks.PAGE, "| ours | `tests/unit/parser/check.c` |\n| `encrypted`", "| ours | none |\n| `encrypted`",
     ["encoding has no test"]),
    (checks.PAGE, "| `memory-size` |", "| `cpu-count` |",
     ["there is no row for memory-size", "cpu-count has several rows"]),
    ("tests/unit/parser/check_start.c", "reserved-memory", "memory",
     ["tests/unit/parser/check_start.c does not have reserved-memory"]),
]


def edit(root, path, old, new):
    path = os.path.join(root, path)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if old not in text:
        raise AssertionError(f"{path} does not have {old}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


class Checks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for top in ("parser", "docs", "tests/unit/parser"):
            shutil.copytree(os.path.join(ROOT, top), os.path.join(self.root, top))

    def test_finds_what_the_table_does_not_have(self):
        for path, old, new, expected in CHANGES:
            with self.subTest(new):
                with open(os.path.join(self.root, path), encoding="utf-8") as f:
                    before = f.read()
                edit(self.root, path, old, new)
                self.assertEqual(set(checks.missing(self.root)), set(expected))
                with open(os.path.join(self.root, path), "w", encoding="utf-8") as f:
                    f.write(before)
        self.assertEqual(list(checks.missing(self.root)), [])


if __name__ == "__main__":
    unittest.main()
