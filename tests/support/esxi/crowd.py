# SPDX-License-Identifier: MIT
"""crowd.py DIR NUMBER: connections to DIR's sshd that never log in. Ends when they are there; they
stay until the file DIR/crowd is removed, or its server is gone."""
import os
import socket
import sys
import time

import tasks


def main():
    root, number = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    with open(os.path.join(root, "sshd/port"), encoding="ascii") as f:
        port = int(f.read())
    crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
    for one in crowd:
        one.recv(100)  # the server's version: it counts
    mark = os.path.join(root, "crowd")
    with open(mark, "w", encoding="ascii"):
        pass
    if not tasks.detach(keep=[one.fileno() for one in crowd]):
        return
    while os.path.exists(mark):
        time.sleep(0.1)
    os._exit(0)


main()
