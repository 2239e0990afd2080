#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands before an sshd that knows no PerSourcePenalties (OpenSSH before 9.8) and does what sshd
does since then, with its defaults: a connection that ends without a login costs its address 1 s, or
5 s where a login was attempted; an address with 15 s or more is refused until they have passed.

usage: gatekeeper.py SSHD_PORT SSHD_LOG     prints its own port of 127.0.0.1, then a line for each
                                            connection that cost something or was refused

How a connection ended is read from sshd's log (LogLevel VERBOSE), by the port that it came from.
"""
import re
import socket
import sys
import threading
import time

NO_AUTH, AUTH_FAIL, MIN, MAX = 1, 5, 15, 600


class Gatekeeper:
    def __init__(self, port, log):
        self.port, self.log = port, log
        self.lock = threading.Lock()
        self.until = 0  # when everything that was charged has passed
        self.active = False  # since MIN was reached, until then

    def cost(self, port):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            lines = [line for line in f if re.search(rf"port {port}\b", line)]
        if any(line.startswith("Accepted ") for line in lines):
            return 0
        attempted = any(re.match(r"Failed |.*authenticating user ", line) for line in lines)
        return AUTH_FAIL if attempted else NO_AUTH

    def charge(self, seconds):
        with self.lock:
            now = time.monotonic()
            self.active = self.active and now < self.until
            self.until = min(max(now, self.until) + seconds, now + MAX)
            held = self.until - now
            self.active = self.active or held >= MIN
            return held

    def serve(self, client):
        with self.lock:
            shut_out = self.active and time.monotonic() < self.until
        if shut_out:
            print("refused", flush=True)
            client.sendall(b"Not allowed at this time\r\n")
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self.port))
        port = server.getsockname()[1]
        back = threading.Thread(target=pump, args=(server, client))
        back.start()
        pump(client, server)
        back.join()
        time.sleep(0.2)  # sshd writes what it saw
        seconds = self.cost(port)
        if seconds:
            held = self.charge(seconds)
            print(f"cost {seconds}, now {held:.1f}{', shut out' if held >= MIN else ''}", flush=True)


def pump(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    for end, how in ((target, socket.SHUT_RDWR), (source, socket.SHUT_RDWR)):
        try:
            end.shutdown(how)
        except OSError:
            pass


def main():
    keeper = Gatekeeper(int(sys.argv[1]), sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=keeper.serve, args=(client,), daemon=True).start()


main()
