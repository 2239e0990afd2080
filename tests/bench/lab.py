# SPDX-License-Identifier: MIT
"""What the benchmarks run on: a private sshd, links to it that look far away, datastores and mounts,
all below one temporary directory and on 127.0.0.1."""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from typing import NamedTuple

import datastore

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SSHD = os.path.join(ROOT, "tests", "support", "sshd.sh")
COMMAND_TIMEOUT_S = 900


class Failure(Exception):
    """A benchmark could not be made; the text says why."""


def end(process):
    """Ends a process of ours and takes its status."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(sign)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass


class Line(NamedTuple):
    """A line to the server. rate_mbit: what it carries each way; buffer_kib: what one connection may
    have under way each way. 0: no limit."""
    rtt_ms: float
    rate_mbit: float = 0
    buffer_kib: int = 0


def start_proxy(program, port, line, listen=0):
    """A delay proxy before a port. listen: its own port; 0: any. Returns its process and its own port."""
    rate = ["--rate-mbit", str(line.rate_mbit)] if line.rate_mbit else []
    buffer = ["--buffer-kib", str(line.buffer_kib)] if line.buffer_kib else []
    process = subprocess.Popen([program, "--to", f"127.0.0.1:{port}", "--delay-ms", str(line.rtt_ms / 2), *rate,
                                *buffer, "--listen", str(listen)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    said = process.stdout.readline()
    if not said.strip().isdigit():
        end(process)
        raise Failure("the delay proxy did not start")
    return process, int(said)


class Lab:
    """Ports are found by the line to the server, or its round-trip time in ms if that is all; 0 is the
    server itself, without a proxy. All VMs have the same number of settings and of files."""

    def __init__(self, build, keys, files):
        self.build = build
        self.keys = keys
        self.files = files
        self.dir = tempfile.mkdtemp(prefix="vmxfs-bench.")
        self.sshd = os.path.join(self.dir, "sshd")
        self.known_hosts = os.path.join(self.dir, "known_hosts")
        self.environment = dict(os.environ, HOME=self.dir, SSHD_HOST_KEYS="ed25519", LC_ALL="C")
        self.environment.pop("SSH_AUTH_SOCK", None)
        self.environment.pop("XDG_STATE_HOME", None)
        self.ports = {}
        self.proxies = {}
        self.stores = {}

    def __enter__(self):
        try:
            self._sshd("start")
            with open(os.path.join(self.sshd, "port"), encoding="ascii") as f:
                self._add_port(0, int(f.read()))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for proxy in self.proxies.values():
            end(proxy)
        self._sshd("stop")
        shutil.rmtree(self.dir, ignore_errors=True)

    def _sshd(self, verb):
        if subprocess.run(["sh", SSHD, verb, self.sshd], env=self.environment, check=False,
                          stdin=subprocess.DEVNULL).returncode != 0 and verb == "start":
            raise Failure("the private sshd did not start")

    def _add_port(self, line, port):
        self.ports[line] = port
        with open(os.path.join(self.sshd, "host_ed25519.pub"), encoding="ascii") as f:
            key = " ".join(f.read().split()[:2])
        with open(self.known_hosts, "a", encoding="ascii") as f:
            f.write(f"[127.0.0.1]:{port} {key}\n")

    def program(self, path):
        return os.path.join(self.build, path)

    def port(self, line):
        if line not in self.ports:
            self._add_port(line, self._start_proxy(line))
        return self.ports[line]

    def _start_proxy(self, line, listen=0):
        wanted = line if isinstance(line, Line) else Line(line)
        self.proxies[line], port = start_proxy(self.program("tests/support/delay-proxy"), self.ports[0], wanted,
                                               listen)
        return port

    def cut(self, line):
        """Resets all connections of a line; the next one is let through."""
        proxy = self.proxies[line]
        proxy.send_signal(signal.SIGUSR1)
        if not proxy.stdout.readline().startswith("cut "):
            raise Failure("the delay proxy did not cut its connections")

    def interrupt(self, line, seconds):
        """Ends all connections of a line, and refuses others for so long."""
        end(self.proxies[line])
        time.sleep(seconds)
        self._start_proxy(line, self.ports[line])

    def store(self, vms, purpose="read", stores=1):
        """A datastore of so many VMs, or a folder of several; one for each purpose, because some
        benchmarks write."""
        if (vms, purpose, stores) not in self.stores:
            path = os.path.join(self.dir, f"lab-{purpose}-{vms}-{stores}", "datastore1")
            datastore.generate(path, vms, self.keys, self.files, stores)
            self.stores[vms, purpose, stores] = path
        return self.stores[vms, purpose, stores]

    def renew(self, vms, purpose):
        """The same as it was at first."""
        path = self.stores.pop((vms, purpose, 1), None)
        if path:
            shutil.rmtree(path)
        return self.store(vms, purpose)

    def folder(self, name):
        path = os.path.join(self.dir, name)
        os.makedirs(path, exist_ok=True)
        return path

    def ssh(self, line, *words):
        """The command line of ssh. words: options, then what the server runs."""
        *options, command = words
        return ["ssh", "-F", "/dev/null", "-p", str(self.port(line)), "-i", os.path.join(self.sshd, "id"),
                "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=yes", *options,
                "127.0.0.1", command]

    def scp(self, line, source, copy):
        """The command line of scp."""
        return ["scp", "-q", "-F", "/dev/null", "-P", str(self.port(line)), "-i", os.path.join(self.sshd, "id"),
                "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=yes", source, copy]

    def command(self, kind, line, path, mnt, more):
        """The command line of a filesystem, with its own defaults but for more options of vmxfs."""
        port = str(self.port(line))
        identity = os.path.join(self.sshd, "id")
        if kind == "vmxfs":
            return [self.program("fs/vmxfs"), "-f", "-o", f"port={port},IdentityFile={identity},"
                    f"UserKnownHostsFile={self.known_hosts},StrictHostKeyChecking=yes,"
                    f"profile_dir={ROOT}/fs/profiles" + "".join("," + option for option in more),
                    f"127.0.0.1:{path}", mnt]
        if kind in ("sshfs", "sshfs -C", "sshfs -o reconnect"):
            return [*kind.split(), "-f", "-F", "/dev/null", "-p", port, "-o", f"IdentityFile={identity},"
                    f"UserKnownHostsFile={self.known_hosts},StrictHostKeyChecking=yes",
                    f"127.0.0.1:{path}", mnt]
        if kind == "rclone":
            return ["rclone", "mount", "--config=", "--sftp-host=127.0.0.1", f"--sftp-port={port}",
                    f"--sftp-user={pwd.getpwuid(os.getuid()).pw_name}", f"--sftp-key-file={identity}",
                    f"--sftp-known-hosts-file={self.known_hosts}", f":sftp:{path}", mnt]
        raise Failure(f"no such filesystem: {kind}")

    @contextmanager
    def mount(self, kind, line, path, *more):
        """A fresh mount: nothing is cached, the connection is up. more: options of vmxfs. Gives a
        Mount."""
        mnt = tempfile.mkdtemp(prefix="mnt-", dir=self.dir)
        with mounted(self.command(kind, line, path, mnt, more), mnt, self.environment, self.dir) as m:
            yield m


def is_mounted(path):
    with open("/proc/self/mounts", encoding="utf-8") as f:
        return any(line.split()[1] == path for line in f)


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.003)
    return True


@contextmanager
def mounted(command, mnt, environment, logs):
    """Runs a filesystem that stays in the foreground, for as long as the context lasts."""
    os.makedirs(mnt, exist_ok=True)
    log = os.path.join(logs, os.path.basename(mnt) + ".log")
    with open(log, "wb") as out:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=out, cwd="/")
    try:
        if not wait_for(lambda: process.poll() is not None or is_mounted(mnt), 60) or \
                process.poll() is not None:
            with open(log, encoding="utf-8", errors="replace") as said:
                raise Failure(f"{os.path.basename(command[0])} did not mount: {said.read().strip()[-300:]}")
        os.stat(mnt)
        yield Mount(mnt, process, environment)
    finally:
        if is_mounted(mnt):
            wait_for(lambda: subprocess.run(["fusermount3", "-u", mnt], check=False,
                                            stderr=subprocess.DEVNULL).returncode == 0, 10)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            end(process)
            subprocess.run(["fusermount3", "-u", "-z", mnt], check=False, stderr=subprocess.DEVNULL)
        if not is_mounted(mnt):
            os.rmdir(mnt)


class Mount:
    def __init__(self, path, process, environment):
        self.path = path
        self.process = process
        self.environment = environment

    def run(self, script, lines=None):
        """Runs a shell's script in the mount. Returns the seconds that it took; fails if its status
        is not 0 or it printed another number of lines than was said."""
        start = time.monotonic()
        try:
            done = subprocess.run(["sh", "-c", script], cwd=self.path, env=self.environment, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=COMMAND_TIMEOUT_S)
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{script}: not done after {COMMAND_TIMEOUT_S} s") from e
        seconds = time.monotonic() - start
        if done.returncode != 0:
            raise Failure(f"{script}: {done.stderr.decode(errors='replace').strip()[-300:]}")
        if lines is not None and done.stdout.count(b"\n") != lines:
            raise Failure(f"{script}: {done.stdout.count(10)} lines, not {lines}")
        return seconds

    def answers(self):
        """How often the filesystem has written: its answers to the kernel, and what it sends to the
        server."""
        with open(f"/proc/{self.process.pid}/io", encoding="ascii") as f:
            return int(dict(line.split(":") for line in f)["syscw"])

    def resident(self):
        """Bytes of memory that the filesystem and what it has started hold."""
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                    fields = dict(line.split(":", 1) for line in f)
            except OSError:
                continue
            parents[int(pid)] = int(fields["PPid"]), int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
        ours = self.process.pid
        return sum(size for pid, (parent, size) in parents.items() if ours in (pid, parent))

    def descriptors(self):
        """How many descriptors the filesystem's own process has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
