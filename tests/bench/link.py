# SPDX-License-Identifier: MIT
"""Is the delay proxy what it claims to be? Compares it with a plain TCP connection: the time of a
round trip, and how many bytes a second pass."""
import socket
import statistics
import threading
import time

import lab

PINGS = 50
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


def measure(name, port):
    seconds = round_trip(port)
    return seconds, (f"{name}: round trip {seconds * 1000:.2f} ms, "
                     f"{bandwidth(port, BANDWIDTH_SIZE, seconds) / 1e6:.0f} MB/s")


def check(proxy_program, rtts_ms):
    """Lines that say what each link does. Fails when a round trip is more than 5 % (and 1 ms) off."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        yield measure("plain TCP", port)[1]
        for rtt in rtts_ms:
            process, through = lab.start_proxy(proxy_program, port, rtt)
            try:
                seconds, line = measure(f"proxy, {rtt:g} ms", through)
            finally:
                lab.end(process)
            yield line
            if abs(seconds * 1000 - rtt) > max(1, rtt * 0.05):
                raise lab.Failure(f"the proxy's round trip is {seconds * 1000:.1f} ms, not {rtt:g} ms")
