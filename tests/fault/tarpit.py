#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A TCP proxy to an SSH server that stalls: so many bytes of the server's reach the client, then
none, or one after the other, slowly.

usage: tarpit.py PORT BYTES stall|drip      prints its own port
"""

import select
import socket
import sys
import threading
import time

PAUSE = 0.2  # seconds before each byte that drips


def drip(source, sink):
    while data := source.recv(1):
        time.sleep(PAUSE)
        sink.sendall(data)


def serve(client, port, left, then):
    server = socket.create_connection(("127.0.0.1", port))
    while True:
        for ready in select.select([client, server], [], [])[0]:
            if ready is client:
                data = client.recv(65536)
                if not data:
                    return
                server.sendall(data)
                continue
            if left == 0:
                threading.Thread(target=drip, args=(server, client), daemon=True).start()
                while data := client.recv(65536):
                    server.sendall(data)
                return
            data = server.recv(left)
            client.sendall(data)
            left -= len(data)
            if left == 0 and then == "stall":
                while client.recv(65536):
                    pass
                return


def main():
    port, left, then = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client = listener.accept()[0]
        threading.Thread(target=serve, args=(client, port, left, then), daemon=True).start()


if __name__ == "__main__":
    main()
