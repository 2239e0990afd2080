#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the manual pages: they build and print without a warning, and vmxfs(1) tells everything
that the sources have: options, control files, errors, keys of status, rules of check.

usage: manual.py ROOT        one line a finding on standard output, status 1 if there is any
"""
import glob
import os
import re
import subprocess
import sys

PAGES = ["docs/vmxfs.1.scd", "docs/vmxfs-profile.5.scd"]


def read(root, *patterns):
    """The text of all files that the patterns name."""
    paths = sorted(p for pattern in patterns
                   for p in glob.glob(os.path.join(root, pattern), recursive=True))
    texts = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            texts.append(f.read())
    return "".join(texts)


# ---- what the sources have

def options(root):
    """-o options, as "name" or "name=", and letters, as "-p"."""
    templates = re.findall(r'(?:OPTION|WORD|IGNORED|IGNORED_AS|REFUSED)\("([^"]+)"',
                           read(root, "fs/options.c", "fs/option_words.c"))
    return {re.sub(r"%.*", "", t).strip() for t in templates}


def option_values(root):
    """The words that an option may be set to, as (option, word)."""
    rows = re.findall(r'\{"(\w+)", o->\w+, "([^"]*)"\}', read(root, "fs/options.c"))
    return {(name, word) for name, words in rows for word in words.split(", ")}


def controls(root):
    """Names of control files and folders, but for the one that stands for all profiles."""
    text = read(root, "fs/vfs/**/*.c")
    names = set(re.findall(r'\.name = "([^"]+)"', text)) - {"profile"}
    return names | set(re.findall(r'#define [A-Z]+_NAME "([^"]+)"',
                                  text + read(root, "fs/vfs/**/*.h")))


def errors(root):
    """Names of errors that the kernel may be told."""
    text = read(root, "fs/vfs/**/*.c")
    mapped = re.search(r"int errno_for_kernel\(int r\)(.*?)\n}", text, re.DOTALL).group(1)
    hidden = set(re.findall(r"case (E\w+):", mapped))
    told = set(re.findall(r"(?:-|case |return )(E[A-Z]{2,})\b", text))
    return told - hidden - {"ETIMEDOUT"}  # a wait that ended: always told as another one


def status_keys(root):
    text = read(root, "fs/vfs/control/root_controls.c", "fs/sftp/**/*.c", "fs/remote/**/*.c",
                "fs/transport/**/*.c", "fs/host/**/host.c")
    keys = set(re.findall(r'(?:"|\\n)([a-z]+(?:-[a-z]+)*): ?[%"]', text))
    return keys | set(re.findall(r'\{"([a-z-]+)", LIBSSH2_METHOD', text))


def rules(root):
    """Those with a dash in their names; the others cannot be told from other words."""
    text = read(root, "parser/**/check_*.c")
    return set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', text)) - {"passthrough-profile"}


# ---- what the page tells

def sections(page):
    parts = re.split(r"^# (.+)\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def bold(text):
    """The words that are set in bold."""
    plain = re.sub(r"^```$.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"\\(.)", r"\1", w) for w in re.findall(r"\*((?:\\.|[^*\n])+)\*", plain)}


def headings(text):
    """The bold words on the lines that head a paragraph further in."""
    return bold("\n".join(re.findall(r"^(\*.*)\n\t", text, re.MULTILINE)))


def missing(root):
    page = sections(read(root, "docs/vmxfs.1.scd"))
    told = {word for word in headings(page["OPTIONS"]) if re.match(r"[-\w]", word)}
    wanted = options(root)
    for name in sorted(wanted - told):
        yield f"OPTIONS does not have {name}"
    for name in sorted(told - wanted - {"-o"}):
        yield f"OPTIONS has {name}, which is no option"
    for name, word in sorted(option_values(root)):
        if not re.search(rf"^\*{name}=\*.*\b_{word}_", page["OPTIONS"], re.MULTILINE):
            yield f"OPTIONS does not have {name}={word}"
    for section, wanted in (("ERRORS", errors(root)), ("STATUS", status_keys(root)),
                            ("CHECKS", rules(root))):
        for name in sorted(wanted - headings(page[section])):
            yield f"{section} does not have {name}"
    files = page["THE TREE"] + page["CONTROL FILES"]
    parts = {part for word in headings(files) for part in word.split("/")}
    for name in sorted(controls(root) - parts):
        yield f"CONTROL FILES does not have {name}"


# ---- whether it can be printed

def warnings(root, path):
    with open(os.path.join(root, path), "rb") as f:
        built = subprocess.run(["scdoc"], stdin=f, capture_output=True, check=False)
    yield from built.stderr.decode().splitlines()
    if built.returncode == 0:
        printed = subprocess.run(["groff", "-man", "-t", "-ww", "-z", "-Kutf8", "-Tutf8"],
                                 input=built.stdout, capture_output=True, check=False)
        yield from printed.stderr.decode().splitlines()


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    findings = [f"{path}: {warning}" for path in PAGES for warning in warnings(root, path)]
    findings += [f"{PAGES[0]}: {problem}" for problem in missing(root)]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
