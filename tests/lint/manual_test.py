#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the lint of the manual over the sources with small changes: each must be found."""
import os
import shutil
import tempfile
import unittest

import manual

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGE = manual.PAGES[0]
CHANGES = [
    ("fs/options.c", 'OPTION("-f", foreground)', 'OPTION("colour=%s", colour)',
     ["OPTIONS does not have colour=", "OPTIONS has -f, which is no option"]),
    ("fs/options.c", '"refuse, allow"', '"refuse, allow, ask"',
     ["OPTIONS does not have running=ask"]),
    ("fs/vfs/control/root_folder.c", '.name = "status"', '.name = "state"',
     ["CONTROL FILES does not have state"]),
    ("fs/vfs/control/vmx_folder.c", 'RAW_NAME "raw"', 'RAW_NAME "bytes"',
     ["CONTROL FILES does not have bytes"]),
    ("fs/vfs/refuse.c", "case EBUSY:", "case EDQUOT:", ["ERRORS does not have EDQUOT"]),
    ("fs/remote/remote.c", '"commits: %lu', '"rewrites: %lu', ["STATUS does not have rewrites"]),
    ("parser/check/check_file.c", '"long-names"', '"wide-names"', ["CHECKS does not have wide-names"]),
]


def edit(root, path, old, new):
    path = os.path.join(root, path)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if old not in text:
        raise AssertionError(f"{path} does not have {old}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


class Manual(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for top in ("parser", "fs", "docs"):
            shutil.copytree(os.path.join(ROOT, top), os.path.join(self.root, top))

    def test_finds_what_the_page_does_not_have(self):
        for path, old, new, expected in CHANGES:
            with self.subTest(new):
                before = set(manual.missing(self.root))
                edit(self.root, path, old, new)
                found = set(manual.missing(self.root)) - before
                self.assertEqual(found, set(expected))
                edit(self.root, path, new, old)

    def test_finds_what_cannot_be_printed(self):
        edit(self.root, PAGE, "# SYNOPSIS\n", "# SYNOPSIS\n\n*never ends\n")
        self.assertTrue(list(manual.warnings(self.root, PAGE)))


if __name__ == "__main__":
    unittest.main()
