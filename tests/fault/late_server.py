#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An sftp-server that can lose a connection, and carry out later what was on its way then.

usage: late_server.py FOLDER SFTP_SERVER

A request of the kind that FOLDER/hold names (write, remove, rename) ends the connection, once. When
FOLDER/deliver is made the old server gets the request, and FOLDER/delivered is made when it has
answered.
"""

import os
import struct
import subprocess
import sys
import threading
import time

KINDS = {"write": b"\x06", "remove": b"\x0d", "rename": b"\xc8"}
POSIX_RENAME = b"posix-rename@openssh.com"


def read_all(fd, size):
    data = b""
    while len(data) < size:
        more = os.read(fd, size - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


def read_packet(fd):
    head = read_all(fd, 4)
    return head + read_all(fd, struct.unpack(">I", head)[0])


def copy(source, sink):
    while data := os.read(source, 65536):
        write_all(sink, data)


def renames(packet):
    """Whether it is a rename, and not that of a lock, to whichever path."""
    return POSIX_RENAME in packet and b".vmxfs-" not in packet[packet.rindex(b"/"):]


def take_hold(path, packet):
    """Whether this packet is the one to be held; no other one is then."""
    try:
        with open(path) as file:
            kind = KINDS[file.read().strip()]
        if packet[4:5] != kind or (kind == KINDS["rename"] and not renames(packet)):
            return False
        os.unlink(path)
        return True
    except FileNotFoundError:
        return False


def deliver_late(folder, server, packet):
    """In a process of its own, which vmxfs does not end with the connection."""
    begun, begins = os.pipe()
    if os.fork():
        os.close(begins)
        os.read(begun, 1)
        os._exit(0)
    os.setsid()
    os.close(begins)
    os.close(0)
    os.close(1)
    while not os.path.exists(folder + "/deliver"):
        if not os.path.exists(folder):
            os._exit(1)
        time.sleep(0.01)
    write_all(server.stdin.fileno(), packet)
    read_packet(server.stdout.fileno())
    os.rename(folder + "/deliver", folder + "/delivered")
    os._exit(0)


def start(program):
    """The server, whose answers go to the client as they come; a process of its own, too."""
    server = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              start_new_session=True)
    answers = threading.Thread(target=copy, args=(server.stdout.fileno(), 1), daemon=True)
    answers.start()
    return server


def main():
    folder, program = sys.argv[1:]
    server = start(program)
    while True:
        packet = read_packet(0)
        if take_hold(folder + "/hold", packet):
            deliver_late(folder, server, packet)
        write_all(server.stdin.fileno(), packet)


if __name__ == "__main__":
    main()
