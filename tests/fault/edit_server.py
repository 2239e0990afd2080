#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An sftp-server beside which somebody edits a .vmx in the very moment of a commit.

usage: edit_server.py FOLDER SFTP_SERVER

FOLDER/edit replaces the .vmx that a commit is about to replace: right before the last look at it,
which comes in one flight with the rename.
"""

import os
import select
import struct
import sys

from late_server import POSIX_RENAME, read_packet, start, write_all

LSTAT = b"\x07"


def has_more():
    """Whether the flight goes on, which a busy client sends in pieces."""
    return bool(select.select([0], [], [], 2)[0])


def main():
    folder, program = sys.argv[1:]
    server = start(program)
    while True:
        flight = [read_packet(0)]
        if flight[0][4:5] == LSTAT and os.path.exists(folder + "/edit"):
            while POSIX_RENAME not in flight[-1] and has_more():
                flight.append(read_packet(0))
            if POSIX_RENAME in flight[-1]:
                os.utime(folder + "/edit")  # as if it was written now
                size, = struct.unpack(">I", flight[0][9:13])
                os.rename(folder + "/edit", flight[0][13:13 + size])
        for packet in flight:
            write_all(server.stdin.fileno(), packet)


if __name__ == "__main__":
    main()
