#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An sftp-server with a fault in what a request about one name comes to.

usage: odd_server.py refuse|hang NAME SFTP_SERVER

refuse: a request that names a path which ends in NAME and another is answered with "failure".
hang: from the first request about such a path on nothing is passed to the server any more.
"""
import os
import struct
import subprocess
import sys
import threading

STATUS, FAILURE, EXTENDED = 101, 4, 200


def read_packet(source):
    head = source.read(4)
    if len(head) < 4:
        return None
    return head + source.read(struct.unpack(">I", head)[0])


def names(packet):
    """The strings of a request, behind its id."""
    found, rest = [], packet[9:]
    while len(rest) >= 4:
        size, = struct.unpack(">I", rest[:4])
        if size > len(rest) - 4:
            break
        found.append(rest[4:4 + size])
        rest = rest[4 + size:]
    return found


def is_about(packet, name, n):
    strings = names(packet)[1 if packet[4] == EXTENDED else 0:]
    return len(strings) >= n and strings[0].endswith(b"/" + name)


def failure(packet):
    body = bytes([STATUS]) + packet[5:9] + struct.pack(">I", FAILURE) + struct.pack(">I", 0) * 2
    return struct.pack(">I", len(body)) + body


def answer(server, lock):
    while packet := read_packet(server.stdout):
        with lock:
            os.write(1, packet)
    os._exit(0)


def main():
    how, name, program = sys.argv[1], sys.argv[2].encode(), sys.argv[3]
    server = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lock = threading.Lock()
    threading.Thread(target=answer, args=(server, lock), daemon=True).start()
    hanging = False
    while packet := read_packet(sys.stdin.buffer):
        hanging = hanging or (how == "hang" and is_about(packet, name, 1))
        if how == "refuse" and is_about(packet, name, 2):
            with lock:
                os.write(1, failure(packet))
        elif not hanging:
            server.stdin.write(packet)
            server.stdin.flush()
    server.stdin.close()
    server.wait()


main()
