#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long single calls take: asks for the attributes of a path that was not seen before, then for the
content of another, and so on. Prints "stat SECONDS" and "read SECONDS" lines.

usage: sample.py PAUSE_S STAT_PATH READ_PATH [STAT_PATH READ_PATH]...
"""
import os
import sys
import time


def read(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        while os.read(fd, 1 << 16):
            pass
    finally:
        os.close(fd)


def main():
    pause_s, paths = float(sys.argv[1]), sys.argv[2:]
    for number, path in enumerate(paths):
        name, call = ("read", read) if number % 2 else ("stat", os.lstat)
        start = time.monotonic()
        call(path)
        print(name, time.monotonic() - start, flush=True)
        time.sleep(pause_s)


if __name__ == "__main__":
    main()
