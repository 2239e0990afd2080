#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the tests that docs/security.md names are there: files, "tests of bats", `functions`
of unit tests, `fuzz-targets`.

usage: named_tests.py ROOT        one line a finding on standard output, status 1 if there is any
"""
import os
import re
import sys

PAGE = "docs/security.md"
MENTION = re.compile(r'(tests/[\w/.-]+\.(?:c|bats|sh))|"([^"]+)"|`fuzz-(\w+)`|`(\w+)`')


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def findings_in(root, line):
    """Names in a line are of the file that was named last before them."""
    path, text = None, ""
    for file, case, target, function in MENTION.findall(line):
        if target:
            file = f"tests/fuzz/{target}.c"
        if file and not os.path.exists(os.path.join(root, file)):
            yield f"there is no {file}"
        elif file and not target:
            path, text = file, read(root, file)
        elif case and path and path.endswith(".bats") and f'@test "{case}" {{' not in text:
            yield f'{path} has no test "{case}"'
        elif function and path and path.endswith(".c") and f"_test({function})" not in text:
            yield f"{path} has no test {function}"


def findings(root):
    for number, line in enumerate(read(root, PAGE).splitlines(), 1):
        for finding in findings_in(root, line):
            yield f"{PAGE}:{number}: {finding}"


if __name__ == "__main__":
    found = list(findings(sys.argv[1]))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
