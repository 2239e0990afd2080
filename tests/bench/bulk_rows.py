# SPDX-License-Identifier: MIT
"""The benchmarks of large files, beside sshfs, scp and rclone. Each is a function of a Bench that gives
rows."""
import os
import pwd
import shutil
import subprocess
import time

from lab import COMMAND_TIMEOUT_S, Failure, Line
from rows import faster, times
from table import Row, rate

MIB = 1 << 20
LARGE_MIB = 512
FEW_CPUS = 4
BUFFER_KIB = 256
PAUSE_S = 2
# What the server's and the client's ssh let through in a round trip, over as many connections.
WINDOW = 4 * 2 * MIB
# LSTAT, OPEN and READ.
TRIPS = 3


def make_file(path, mib):
    with open(path, "wb") as f:
        for _ in range(mib):
            f.write(os.urandom(MIB))


def run_timed(bench, command, what):
    start = time.monotonic()
    done = subprocess.run(command, env=bench.lab.environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, timeout=COMMAND_TIMEOUT_S)
    if done.returncode != 0:
        raise Failure(f"{what}: {done.stderr.strip()[-300:]}")
    return time.monotonic() - start


class Files:
    """A file on the server, where a copy of it goes there, and where one goes here."""

    def __init__(self, bench, mib):
        self.bench = bench
        self.mib = mib
        self.folder = bench.lab.folder("bulk")
        self.source = os.path.join(self.folder, "source")
        self.there = os.path.join(self.folder, "copy")
        self.here = os.path.join(bench.lab.dir, "bulk-copy")
        make_file(self.source, mib)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)
        if os.path.exists(self.here):
            os.remove(self.here)

    def compared(self, who, seconds, copy):
        if subprocess.run(["cmp", self.source, copy], check=False).returncode != 0:
            raise Failure(f"{who}: the copy differs")
        os.remove(copy)
        return seconds

    def by_mount(self, kind, line, what, seen=True):
        """dd, and the close that ends it. seen: the folder was looked at a moment ago."""
        source, copy = ("source", self.here) if what == "read" else (self.source, "copy")

        def measure():
            with self.bench.lab.mount(kind, line, self.folder) as mount:
                if seen:
                    mount.run("ls -l")
                    time.sleep(PAUSE_S)
                seconds = mount.run(f"dd if={source} of={copy} bs=1M 2>/dev/null")
            return self.compared(kind, seconds, self.here if what == "read" else self.there)
        return measure

    def by_scp(self, line, what):
        remote = f"127.0.0.1:{self.source if what == 'read' else self.there}"
        sides = [remote, self.here] if what == "read" else [self.source, remote]

        def measure():
            seconds = run_timed(self.bench, self.bench.lab.scp(line, *sides), "scp")
            return self.compared("scp", seconds, self.here if what == "read" else self.there)
        return measure

    def by_rclone(self, line, what):
        lab = self.bench.lab
        sides = ([f":sftp:{self.source}", self.here] if what == "read" else [self.source, f":sftp:{self.there}"])
        command = ["rclone", "copyto", "--config=", "--multi-thread-streams", "4", "--sftp-host=127.0.0.1",
                   f"--sftp-port={lab.port(line)}", f"--sftp-user={pwd.getpwuid(os.getuid()).pw_name}",
                   f"--sftp-key-file={os.path.join(lab.sshd, 'id')}",
                   f"--sftp-known-hosts-file={lab.known_hosts}", *sides]

        def measure():
            seconds = run_timed(self.bench, command, "rclone copyto")
            return self.compared("rclone", seconds, self.here if what == "read" else self.there)
        return measure

    def sides(self, line, what):
        sides = {kind: self.by_mount(kind, line, what) for kind in ("vmxfs", "sshfs") if self.bench.has(kind)}
        sides["scp"] = self.by_scp(line, what)
        if self.bench.has("rclone"):
            sides["rclone copyto"] = self.by_rclone(line, what)
        return sides

    def row(self, work, got, peer, target=None):
        ours, theirs = got["vmxfs"], got[peer]
        row = Row(work, self.rate(ours), f"{peer} {self.rate(theirs)}", times(theirs, ours))
        if target:
            row.target, row.met = f"{target:g}x", faster(ours, theirs) >= target
        return row

    def rate(self, median):
        return f"{rate(self.mib * MIB / median.value / 1e6)} (x{median.times})"

    def by_ssh(self, command):
        with open(self.here, "wb") as out:
            start = time.monotonic()
            done = subprocess.run(self.bench.lab.ssh(0, "-c", "aes128-gcm@openssh.com", command), check=False,
                                  env=self.bench.lab.environment, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failure(f"ssh with {command} failed")
        return time.monotonic() - start

    def cipher(self):
        """Bytes a second through ssh alone, with the cipher that is fastest here; without the login."""
        got = self.bench.in_turn({"true": lambda: self.by_ssh("true"),
                                  "cat": lambda: self.by_ssh(f"cat {self.source}")})
        return self.mib * MIB / (got["cat"].value - got["true"].value)


def distance(rtt_ms):
    return f"{rtt_ms:g} ms" if rtt_ms else "no delay"


def targets(what, mib, rtt_ms):
    """peer -> how many times as fast."""
    read = what == "read"
    if not rtt_ms and mib < LARGE_MIB:
        return {"sshfs": 1.5}
    if not rtt_ms:
        return {"scp": 1.0 if (os.cpu_count() or 1) < FEW_CPUS else 1.3}
    return {"sshfs": (20 if read else 2.5) if mib >= LARGE_MIB else (8 if read else 1.5)}


def copies(bench, mib, rtt_ms):
    with Files(bench, mib) as files:
        limit = files.cipher()
        for what in ("read", "write"):
            work = f"bulk {what} of {mib} MiB, {distance(rtt_ms)}"
            got = bench.in_turn(files.sides(rtt_ms, what))
            goals = targets(what, mib, rtt_ms)
            for peer in (peer for peer in got if peer != "vmxfs"):
                yield files.row(work, got, peer, goals.get(peer))
            pace = min(limit, WINDOW / rtt_ms * 1000) if rtt_ms else limit
            least = mib * MIB / pace + TRIPS * rtt_ms / 1000
            yield Row(work, files.rate(got["vmxfs"]), f"the limit {rate(mib * MIB / least / 1e6)}",
                      f"{least / got['vmxfs'].value:.2f}x")


def unseen(bench, mib, rtt_ms):
    """The first that is done with a mount is the copy: the logins for large files are in the time."""
    with Files(bench, mib) as files:
        for what in ("read", "write"):
            got = bench.in_turn({kind: files.by_mount(kind, rtt_ms, what, seen=False)
                                 for kind in ("vmxfs", "sshfs") if bench.has(kind)})
            if "sshfs" in got:
                yield files.row(f"bulk {what} of {mib} MiB, {distance(rtt_ms)}, nothing looked at before", got,
                                "sshfs")


def small_buffer(bench):
    line = Line(rtt_ms=bench.rtt_ms, buffer_kib=BUFFER_KIB)
    mib = max(bench.bulk_mib[-1] // 2, 1)
    with Files(bench, mib) as files:
        got = bench.in_turn({name: side for name, side in files.sides(line, "read").items()
                             if name != "rclone copyto"})
        for peer in (peer for peer in got if peer != "vmxfs"):
            yield files.row(f"bulk read of {mib} MiB, {bench.rtt_ms:g} ms, buffers of {BUFFER_KIB} KiB", got,
                            peer, 3)


def convert(bench):
    """A disk becomes a qcow2 here: read through the mount, or copied first."""
    if not shutil.which("qemu-img"):
        return
    for rtt_ms in (0, bench.rtt_ms):
        with Files(bench, bench.convert_mib) as files:
            out = os.path.join(bench.lab.dir, "converted")
            command = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2"]

            def through(kind, line, files=files, out=out, command=command):
                def measure():
                    with bench.lab.mount(kind, line, files.folder) as mount:
                        seconds = run_timed(bench, [*command, os.path.join(mount.path, "source"), out],
                                            "qemu-img")
                    same = subprocess.run(["qemu-img", "compare", "-q", out, files.source], check=False)
                    if same.returncode != 0:
                        raise Failure(f"{kind}: the converted disk differs")
                    return seconds
                return measure

            def copied(line, files=files, out=out, command=command):
                def measure():
                    scp = bench.lab.scp(line, f"127.0.0.1:{files.source}", files.here)
                    return (run_timed(bench, scp, "scp")
                            + run_timed(bench, [*command, files.here, out], "qemu-img"))
                return measure

            sides = {kind: through(kind, rtt_ms) for kind in ("vmxfs", "sshfs") if bench.has(kind)}
            sides["scp, then qemu-img"] = copied(rtt_ms)
            got = bench.in_turn(sides)
            os.remove(out)
            work = f"qemu-img convert of {bench.convert_mib} MiB, {distance(rtt_ms)}"
            for peer in (peer for peer in got if peer != "vmxfs"):
                yield files.row(work, got, peer, 0.9 if peer.startswith("scp") else None)


def rows(bench):
    for mib in bench.bulk_mib:
        yield from copies(bench, mib, 0)
    yield from unseen(bench, bench.bulk_mib[0], 0)
    for mib in bench.far_mib:
        yield from copies(bench, mib, bench.rtt_ms)
    yield from unseen(bench, bench.far_mib[0], bench.rtt_ms)
    yield from small_buffer(bench)
    yield from convert(bench)
