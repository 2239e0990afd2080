#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the lint of the completions over the page and the files with small changes: each must be
found."""
import os
import shutil
import tempfile
import unittest

import completion
from manual_test import PAGE, ROOT, edit

BASH, ZSH = completion.FILES
CHANGES = [
    (PAGE, "*vmx_max=*_KIB_", "*vmx_most=*_KIB_",
     [f"{path}: {what}" for path in completion.FILES
      for what in ("does not offer vmx_most=", "offers vmx_max=, which vmxfs(1) does not list")]),
    (PAGE, "_refuse_|_allow_", "_refuse_|_allow_|_ask_",
     [f"{path}: the values of running= are allow, ask, refuse" for path in completion.FILES]),
    (PAGE, "*-C*\n", "*-C*, *-q*\n", [f"{path}: does not offer -q" for path in completion.FILES]),
    (BASH, "'show=all|vmx' ", "", [f"{BASH}: does not offer show="]),
    (ZSH, "debug\n)", "debug reconnect\n)",
     [f"{ZSH}: offers reconnect, which vmxfs(1) does not list"]),
    (ZSH, "ProxyJump ", "", ["ProxyJump is offered by one completion only"]),
]


class Completion(unittest.TestCase):
    def test_finds_what_differs(self):
        before = set(completion.findings(ROOT))
        for path, old, new, expected in CHANGES:
            with self.subTest(path=path, new=new), tempfile.TemporaryDirectory() as root:
                shutil.copytree(os.path.join(ROOT, "docs"), os.path.join(root, "docs"))
                edit(root, path, old, new)
                self.assertEqual(set(completion.findings(root)) - before, set(expected))


if __name__ == "__main__":
    unittest.main()
