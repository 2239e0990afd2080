#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the lint of named tests over lines that are wrong: each must be found."""
import os
import unittest

import named_tests

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SAFE = "tests/unit/parser/safe_text.c"
PIPE = "tests/fault/pipe.bats"
LINES = [
    (f"{SAFE} `letters_of_all_lengths_stay`; `fuzz-names`", []),
    (f'a word, {PIPE} "a link to a pipe is no different"', []),
    (f"{SAFE} `letters_of_no_length_stay`", [f"{SAFE} has no test letters_of_no_length_stay"]),
    (f'{PIPE} "a link to a hose"', [f'{PIPE} has no test "a link to a hose"']),
    ("tests/unit/parser/nothing.c", ["there is no tests/unit/parser/nothing.c"]),
    ("`fuzz-nothing`", ["there is no tests/fuzz/nothing.c"]),
]


class NamedTests(unittest.TestCase):
    def test_what_is_wrong_is_found(self):
        for line, found in LINES:
            self.assertEqual(list(named_tests.findings_in(ROOT, line)), found)

    def test_the_page_names_what_is_there(self):
        self.assertEqual(list(named_tests.findings(ROOT)), [])


if __name__ == "__main__":
    unittest.main()
