#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the completions of bash and zsh offer what vmxfs(1) lists: each letter, each option and
each word that an option may be set to. What the page calls ignored, and what is there for sshfs alone,
they do not offer. (manual.py checks the page against the sources.)

usage: completion.py ROOT        one line a finding on standard output, status 1 if there is any
"""
import re
import shlex
import sys

import manual

FILES = ["docs/completion/vmxfs.bash", "docs/completion/_vmxfs"]
KINDS = {"", "FILE", "DIRECTORY", "COMMAND"}  # of values that are no words


def told(root):
    """What the page lists: a dictionary from letters ("-p") and options ("port=") to the words that
    are their values. Other values are none."""
    options = manual.sections(manual.read(root, "docs/vmxfs.1.scd"))["OPTIONS"]
    ours = options.split("\n## Options of sshfs\n")[0]
    found = {}
    for heading, text in re.findall(r"^(\*.*)\n((?:\t.*\n)+)", ours, re.MULTILINE):
        if re.search("accepted and ignored", text, re.IGNORECASE):
            continue
        for name, value in re.findall(r"\*(-?-?\w+=?)\*((?:_[\w-]+_\|?)*)", heading):
            found[name] = {word for word in re.findall(r"_([\w-]+)_", value) if word.islower()}
    return found


def array(text, name):
    """The words of an array of a shell: NAME=( ... )."""
    body = re.search(rf"^\w*{name}=\((.*?)\)$", text, re.MULTILINE | re.DOTALL).group(1)
    return shlex.split(body)


def offered(root, path):
    """As told(), of a completion. Of zsh's specifications "*-o+:option:..." is -o."""
    text = manual.read(root, path)
    found = {}
    for letter in array(text, "letters"):
        found[re.search(r"--?\w+", letter.replace("(- *)", "")).group()] = set()
    for option in array(text, "options"):
        name, equals, value = option.partition("=")
        found[name + equals] = set(value.split("|")) - KINDS
    return found


def findings(root):
    wanted = told(root)
    for path in FILES:
        has = offered(root, path)
        for name in sorted(wanted.keys() - has.keys()):
            yield f"{path}: does not offer {name}"
        for name in sorted(has.keys() - wanted.keys()):
            yield f"{path}: offers {name}, which vmxfs(1) does not list"
        for name in sorted(wanted.keys() & has.keys()):
            if wanted[name] != has[name]:
                yield f"{path}: the values of {name} are {', '.join(sorted(wanted[name])) or 'no words'}"
    keywords = [set(array(manual.read(root, path), "keywords")) for path in FILES]
    for keyword in sorted(keywords[0] ^ keywords[1]):
        yield f"{keyword} is offered by one completion only"


def main():
    found = list(findings(sys.argv[1] if len(sys.argv) > 1 else "."))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
