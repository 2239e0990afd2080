#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An sftp-server that takes up the opening of one file later than what is sent behind it, as it is
when that is sent again over a new link.

usage: hold_server.py FOLDER SFTP_SERVER

FOLDER/hold has the end of a path. The next flight that opens it, a STAT before and one behind, is
kept (FOLDER/held is made) until there is FOLDER/release.
"""

import os
import struct
import sys
import threading
import time

from late_server import read_packet, start, write_all

OPEN, STAT = b"\x03", b"\x11"
FLIGHT = [STAT, OPEN, STAT]


def is_held(folder, packet):
    if packet[4:5] not in FLIGHT:
        return False
    try:
        with open(folder + "/hold", "rb") as file:
            end = file.read().strip()
    except FileNotFoundError:
        return False
    size, = struct.unpack(">I", packet[9:13])
    return packet[13:13 + size].endswith(end)


def pass_on_later(folder, flight, server, lock):
    while not os.path.exists(folder + "/release"):
        time.sleep(0.01)
    with lock:
        write_all(server.stdin.fileno(), b"".join(flight))


def main():
    folder, program = sys.argv[1:]
    server = start(program)
    lock = threading.Lock()
    flight = []
    while True:
        packet = read_packet(0)
        if len(flight) < len(FLIGHT) and is_held(folder, packet):
            flight.append(packet)
            if len(flight) == len(FLIGHT):
                os.rename(folder + "/hold", folder + "/held")
                threading.Thread(target=pass_on_later, args=(folder, flight, server, lock),
                                 daemon=True).start()
            continue
        with lock:
            write_all(server.stdin.fileno(), packet)


if __name__ == "__main__":
    main()
