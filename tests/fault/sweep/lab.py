# SPDX-License-Identifier: MIT
"""A mount behind a relay, and one folder of its server for each case."""

import os
import re
import shlex
import shutil
import subprocess
import time

import relay

SFTP_SERVER = os.environ.get("SFTP_SERVER", "/usr/lib/openssh/sftp-server")
LITTER = re.compile(r"\..*vmxfs")  # lock, temporary file, what breaks a lock
MOUNT_PATIENCE_S = 300
END_PATIENCE_S = 20
SETTLE_PATIENCE_S = 120


class Failure(Exception):
    """The lab itself does not work."""


def is_mounted(path):
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as f:
        return any(line.split()[1] == path for line in f)


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def fusermount(*words):
    return subprocess.run(["fusermount3", "-u", *words], check=False, stderr=subprocess.DEVNULL).returncode == 0


class Mount:
    """A vmxfs of its own, over a relay of its own, which shows the folder "server". sftp_server: the
    words of its command."""

    def __init__(self, folder, server, vmxfs, relay_program, options, sftp_server=(SFTP_SERVER,)):
        os.makedirs(folder)
        self.path = os.path.join(folder, "mnt")
        os.mkdir(self.path)
        self.server = server
        self.log = os.path.join(folder, "log")
        self.state = os.path.join(folder, "state")  # for the history
        self.plan = relay.Plan(os.path.join(folder, "plan"))
        script = os.path.join(folder, "server")
        with open(script, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\nexec {shlex.join([relay_program, folder + '/plan', *sftp_server])}\n")
        os.chmod(script, 0o755)
        self.command = [vmxfs, "-f", "-o", f"sftp_server={script},{options}", server, self.path]
        self.process = None
        self.asked = 0
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=dict(os.environ, XDG_STATE_HOME=self.state))
        if not wait_until(lambda: is_mounted(self.path) or not self.alive(), MOUNT_PATIENCE_S) or \
                not self.alive():
            raise Failure(f"vmxfs did not mount: {self.said()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:]

    def alive(self):
        return self.process.poll() is None

    def settle(self):
        """Releases what is held, and waits until the mount is connected and the servers of all other
        connections have done what they were sent. False: that does not happen."""
        self.plan.disarm()
        self.plan.release()
        return self.comes_to(self.answers) and self.comes_to(lambda: self.plan.word("open") <= 1) and \
            self.comes_to(self.answers)

    def comes_to(self, condition):
        return wait_until(lambda: not self.alive() or condition(), SETTLE_PATIENCE_S) and self.alive()

    def answers(self):
        """Whether the server has answered a question that nobody has asked before. What the
        connection carried before it is done then."""
        self.asked += 1
        try:
            os.stat(f"{self.path}/nothing-{self.asked}")
        except FileNotFoundError:
            pass
        except OSError:
            return False
        try:
            with open(f"{self.path}/.vmxfs/status", encoding="utf-8") as f:
                return "\nlink: up" in "\n" + f.read()
        except OSError:
            return False

    def kill(self):
        """As a crash: nothing is finished. The mount point is free again."""
        self.process.kill()
        self.process.wait()
        fusermount("-z", self.path)

    def end(self):
        """Unmounts, where that is still to be done. Returns how vmxfs ended: 0."""
        self.plan.disarm()
        self.plan.release()
        if not wait_until(lambda: not is_mounted(self.path) or fusermount(self.path), MOUNT_PATIENCE_S):
            fusermount("-z", self.path)
        if not wait_until(lambda: not self.alive(), END_PATIENCE_S) and \
                wait_until(lambda: not self.alive() or is_held_elsewhere(self.path), MOUNT_PATIENCE_S) and self.alive():
            self.process.kill()
            self.process.wait()
            return 0
        self.process.kill()
        return self.process.wait()


def is_held_elsewhere(path):
    """Whether a process in a mount namespace that was made meanwhile has a copy of the mount: then
    vmxfs is not told that it was unmounted here."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/mounts", encoding="utf-8", errors="replace") as f:
                if path in f.read():
                    return True
        except OSError:
            pass  # it has ended, or is another user's
    return False


class Place:
    """The folder of one case: as the server has it, and as the mount shows it."""

    def __init__(self, mount, name, files):
        self.server = os.path.join(mount.server, name)
        self.mount = os.path.join(mount.path, name)
        self.plain = os.path.join(mount.path, ".vmxfs/plain", name)
        self.open_file = None
        os.mkdir(self.server)
        for file, text in files.items():
            with open(os.path.join(self.server, file), "w", encoding="ascii") as f:
                f.write(text)

    def files(self):
        """What the server has, without what vmxfs keeps beside a .vmx while it commits."""
        found = {}
        for name in os.listdir(self.server):
            if not LITTER.match(name):
                with open(os.path.join(self.server, name), encoding="latin-1") as f:
                    found[name] = f.read()
        return found

    def litter(self):
        return [name for name in os.listdir(self.server) if LITTER.match(name)]

    def close(self):
        """Returns 0 or the errno of the file that the case has open."""
        if self.open_file is None:
            return 0
        fd, self.open_file = self.open_file, None
        try:
            os.close(fd)
        except OSError as e:
            return e.errno
        return 0

    def remove(self):
        self.close()
        shutil.rmtree(self.server)
