# SPDX-License-Identifier: MIT
"""Why tests of pjdfstest fail over SFTP: counts the failures of each program by their causes.

usage: posix_causes.py NAME=FILE...
A FILE has a line for each test, as tests/posix.sh writes it: file, number, state, what was said.
"""

import collections
import re
import sys

CAUSES = {
    "special": "pipes, devices and sockets cannot be made; what is then done with them",
    "owner": "what is made belongs to the server's login, and that judges who may do what",
    "ctime": "SFTP has no time of change",
    "path": "a path of 4095 bytes in the mount is longer than that on the server",
    "times": "SFTP's times are whole seconds of 32 bits",
    "nlink": "the count of names of a directory, or of a file linked by others, is not told",
    "umask": "the server's umask counts as well",
}
FOLLOWS = ("ENOENT", "EEXIST", "EADDRINUSE", "EISDIR")


def cause(file, said, last):
    match = re.search(r"tried '(.*)', expected (.*), got (.*)$", said)
    if not match:  # the suite compares times itself, and says nothing
        return "ctime"
    command, expected, got = match.groups()
    if file.endswith("/03.t"):
        return "path"
    if re.search(r"\b(mkfifo|mknod|bind)\b", command) and got == "EPERM":
        return "special"
    if file == "open/02.t":
        return "umask"
    if re.search(r"_ns|[am]time", command):
        return "times"
    if "nlink" in command and got.isdigit() and last != "special":
        return "nlink"
    if got in FOLLOWS or "ENOENT" in expected or "inode" in command:
        return last or "special"
    if re.search(r"^-u |uid|gid|mode", command) or got in ("EPERM", "EACCES"):
        return "owner"
    return "special"  # there was nothing where something was to be


def count(path):
    counts = collections.Counter()
    file = last = None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, _, state, said = (line.rstrip("\n").split("\t") + [""])[:4]
            if name != file:
                file, last = name, None
            if state != "failed":
                continue
            why = cause(name, said, last)
            if why in ("special", "owner"):
                last = why
            counts[why] += 1
    return counts


def main():
    sides = [word.partition("=")[::2] for word in sys.argv[1:]]
    counts = [count(path) for _, path in sides]
    print(*(f"{name:>6}" for name, _ in sides), " cause")
    for why, text in CAUSES.items():
        if any(c[why] for c in counts):
            print(*(f"{c[why]:6}" for c in counts), "", text)


main()
