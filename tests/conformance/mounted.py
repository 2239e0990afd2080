# SPDX-License-Identifier: MIT
"""A vmxfs that is mounted for the suite, with the server's folder and a local one beside it."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(TESTS, "fault/sweep"))

from lab import MOUNT_PATIENCE_S, SFTP_SERVER, Failure, fusermount, is_held_elsewhere, is_mounted, wait_until


class Lab:
    """vmxfs: the program. options: "-o" words. proxy: None, or the delay proxy's program and the delay
    of each way in ms; then the mount goes over a private sshd."""

    def __init__(self, vmxfs, options, proxy=None):
        self.folder = tempfile.mkdtemp(prefix="vmxfs-conformance.")
        self.mount, self.server, self.local = (os.path.join(self.folder, name)
                                               for name in ("mnt", "server", "local"))
        for path in (self.mount, self.server, self.local):
            os.mkdir(path)
        self.log = os.path.join(self.folder, "log")
        self.vmxfs, self.options, self.proxy = vmxfs, options, proxy
        self.helpers, self.process = [], None

    def __enter__(self):
        try:
            source = self.over_sshd() if self.proxy else self.server
            words = [word for option in self.options for word in ("-o", option)]
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen([self.vmxfs, "-f", *words, source, self.mount],
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                env=dict(os.environ, XDG_STATE_HOME=f"{self.folder}/state"))
            wait_until(lambda: is_mounted(self.mount) or not self.alive(), MOUNT_PATIENCE_S)
            if not self.alive() or not is_mounted(self.mount):
                raise Failure(f"vmxfs did not mount: {self.said()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def over_sshd(self):
        program, delay_ms = self.proxy
        sshd = os.path.join(self.folder, "sshd")
        os.mkdir(sshd)
        subprocess.run(["sh", os.path.join(TESTS, "support/sshd.sh"), "start", sshd,
                        f"Subsystem sftp {shlex.quote(SFTP_SERVER)}"], check=True)
        with open(os.path.join(sshd, "port"), encoding="ascii") as f:
            port = f.read().strip()
        proxy = subprocess.Popen([program, "--to", f"127.0.0.1:{port}", "--delay-ms", str(delay_ms)],
                                 stdout=subprocess.PIPE)
        self.helpers.append(proxy)
        port = proxy.stdout.readline().decode().strip()
        known = os.path.join(self.folder, "known_hosts")
        self.options += ["transport=libssh2", f"port={port}", f"IdentityFile={sshd}/id",
                         f"UserKnownHostsFile={known}", "StrictHostKeyChecking=accept-new"]
        return f"127.0.0.1:{self.server}"

    def alive(self):
        return self.process.poll() is None

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-3000:]

    def unmount(self):
        """Returns how vmxfs ended: 0 if all is well."""
        wait_until(lambda: not is_mounted(self.mount) or fusermount(self.mount), MOUNT_PATIENCE_S)
        wait_until(lambda: not self.alive() or is_held_elsewhere(self.mount), MOUNT_PATIENCE_S)
        if self.alive() and is_held_elsewhere(self.mount):
            self.process.kill()
            self.process.wait()
            return 0
        self.process.kill()
        return self.process.wait()

    def __exit__(self, *_):
        if self.process:
            self.unmount()
        for helper in self.helpers:
            helper.terminate()
            helper.wait()
        sshd = os.path.join(self.folder, "sshd")
        if os.path.isdir(sshd):
            subprocess.run(["sh", os.path.join(TESTS, "support/sshd.sh"), "stop", sshd], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
