# SPDX-License-Identifier: MIT
"""Is the delay proxy what it claims to be? Compares it with a plain TCP connection: the time of a
round trip, and how many bytes a second pass."""
import socket
import statistics
import threading
import time

import lab
from table import Row

PINGS = 50
# More than anything that is measured through it moves: it is no limit of bandwidth.
LEAST_MB_S = 250
CHUNK = 1 << 20
BANDWIDTH_SIZE = 256 << 20


def serve(listener):
    """Answers each connection: 'p' echoes byte by byte, 'b' counts what comes and says so."""
    while True:
        try:
            stream, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(stream,), daemon=True).start()


def answer(stream):
    with stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if stream.recv(1) == b"p":
            while data := stream.recv(1):
                stream.sendall(data)
        else:
            buffer = bytearray(CHUNK)
            count = 0
            while n := stream.recv_into(buffer):
                count += n
            stream.sendall(b"%d" % count)


def connect(port):
    stream = socket.create_connection(("127.0.0.1", port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def round_trip(port):
    times = []
    with connect(port) as stream:
        stream.sendall(b"p")
        for _ in range(PINGS):
            start = time.monotonic()
            stream.sendall(b"x")
            stream.recv(1)
            times.append(time.monotonic() - start)
    return statistics.median(times)


def bandwidth(port, size, way_s):
    """Without the time that the first byte and the answer are under way."""
    data = bytes(CHUNK)
    start = time.monotonic()
    with connect(port) as stream:
        stream.sendall(b"b")
        for _ in range(size // CHUNK):
            stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        if int(stream.recv(64)) != size // CHUNK * CHUNK:
            raise lab.Failure("the delay proxy lost bytes")
    return size / (time.monotonic() - start - way_s)


def check(proxy_program, rtts_ms):
    """Rows that compare each link with a plain connection. Fails when a round trip is more than 5 % (and
    1 ms) off, because nothing that is measured through it would mean anything then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        plain_s = round_trip(port)
        plain = bandwidth(port, BANDWIDTH_SIZE, plain_s)
        for rtt in rtts_ms:
            process, through = lab.start_proxy(proxy_program, port, lab.Line(rtt))
            try:
                seconds = round_trip(through)
                rate = bandwidth(through, BANDWIDTH_SIZE, seconds)
            finally:
                lab.end(process)
            if abs(seconds * 1000 - rtt) > max(1, rtt * 0.05):
                raise lab.Failure(f"the proxy's round trip is {seconds * 1000:.1f} ms, not {rtt:g} ms")
            yield Row(f"the delay proxy itself, {rtt:g} ms", f"{seconds * 1000:.2f} ms, {rate / 1e6:.0f} MB/s",
                      f"plain TCP {plain_s * 1000:.2f} ms, {plain / 1e6:.0f} MB/s", f"{rate / plain:.1f}x",
                      f"{rtt:g} ms +-5 %, {LEAST_MB_S} MB/s", rate / 1e6 >= LEAST_MB_S)
