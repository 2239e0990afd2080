# SPDX-License-Identifier: MIT
"""gate.py DIR SERVER [WORD...]: an SFTP server in front of OpenSSH's, on whose datastores files are
locked, as on VMFS, and datastores hang, as on NFS.

An OPEN of a locked file, and its removal, are refused as OpenSSH's server refuses where the system
says EBUSY or EINVAL; a folder in a vSAN datastore, where it says ENOSYS. A request that needs a datastore that hangs stops this session until it hangs
no more, because the server is one process that would not come back from its system call."""
import errno
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time

import host as esxi
import locks
import stores

(OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR, RMDIR,
 REALPATH, STAT, RENAME, READLINK, SYMLINK) = range(3, 21)
STATUS, HANDLE, EXTENDED = 101, 102, 200
BY_HANDLE = (CLOSE, READ, WRITE, FSTAT, FSETSTAT, READDIR)
HANDLES = ("fsync@openssh.com", "fstatvfs@openssh.com", "copy-data")
PAIRS = ("posix-rename@openssh.com", "hardlink@openssh.com")
CODES = {errno.EBUSY: (4, b"Failure"), errno.EINVAL: (5, b"Bad message"),
         errno.ENOSYS: (8, b"Operation unsupported")}


def strings(body, count):
    """So many strings from the front, as far as they are there."""
    found = []
    while len(found) < count and len(body) >= 4:
        size = struct.unpack(">I", body[:4])[0]
        found.append(os.fsdecode(body[4:4 + size]))
        body = body[4 + size:]
    return found


def packets(fd):
    """Whole packets, without the length in front, until the end."""
    buffered = b""
    while data := os.read(fd, 1 << 18):
        buffered += data
        at = 0
        while len(buffered) - at >= 4:
            size = struct.unpack_from(">I", buffered, at)[0]
            if len(buffered) - at < 4 + size:
                break
            yield buffered[at + 4:at + 4 + size]
            at += 4 + size
        buffered = buffered[at:]


def write_packet(fd, packet):
    data = memoryview(struct.pack(">I", len(packet)) + packet)
    while data:
        data = data[os.write(fd, data):]


class Gate:
    def __init__(self, root, server):
        self.host = esxi.Host(root)
        self.seen, self.held, self.hung, self.vsan = None, {}, [], []
        self.server = subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answering = threading.Lock()
        self.opening, self.handles = {}, {}

    def look(self):
        """What is locked and what hangs now. The state is replaced whole, so that it can be read
        while a command changes it. False: the host is gone."""
        try:
            info = os.stat(self.host.state_path())
            if (info.st_ino, info.st_mtime_ns) != self.seen:
                with open(self.host.state_path(), encoding="utf-8") as f:
                    self.host.state = {**esxi.FRESH, **json.load(f)}
                self.seen = (info.st_ino, info.st_mtime_ns)
                self.held = {path: code for path, (_, _, code) in
                             locks.holders(self.host).items() if code}
                top = self.host.volumes
                self.hung = [os.path.join(top, u) for u in stores.hanging(self.host)]
                self.vsan = [os.path.join(top, u) for u in stores.without_mkdir(self.host)]
        except FileNotFoundError:
            return False
        return True

    def resolve(self, path, follow=True):
        if follow:
            return os.path.realpath(path)
        path = path.rstrip("/") or "/"
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))

    def paths_of(self, kind, body):
        """The resolved paths that a request needs."""
        if kind == EXTENDED:
            name = (strings(body, 1) or [""])[0]
            body = body[4 + len(os.fsencode(name)):]
            if name in HANDLES:
                kind = READ
            else:
                return [self.resolve(p, False) for p in strings(body, 1 + (name in PAIRS))
                        if p.startswith("/")]
        if kind in BY_HANDLE:
            return [self.handles[h] for h in strings(body, 1) if h in self.handles]
        follow = kind not in (LSTAT, READLINK, REMOVE, RENAME, SYMLINK)
        return [self.resolve(p, follow) for p in strings(body, 1 + (kind in (RENAME, SYMLINK)))]

    def hangs(self, paths):
        return any(path == top or path.startswith(top + "/") for path in paths for top in self.hung)

    def refusal(self, kind, paths):
        """The errno, or 0."""
        if not paths:
            return 0
        if kind == MKDIR and os.path.dirname(paths[0]) in self.vsan:
            return errno.ENOSYS
        return self.held.get(paths[0], 0) if kind in (OPEN, REMOVE) else 0

    def answers(self):
        """Hands on what the server says, and notes the handles that it gives."""
        for packet in packets(self.server.stdout.fileno()):
            if packet[0] in (STATUS, HANDLE):
                path = self.opening.pop(packet[1:5], None)
                if packet[0] == HANDLE and path:
                    self.handles[strings(packet[5:], 1)[0]] = path
            with self.answering:
                write_packet(1, packet)

    def request(self, packet):
        kind, number, body = packet[0], packet[1:5], packet[5:]
        paths = self.paths_of(kind, body) if kind in range(OPEN, SYMLINK + 1) or kind == EXTENDED \
            else []
        there = self.look()
        while there and self.hangs(paths):
            ended = select.poll()
            ended.register(0, select.POLLHUP | select.POLLRDHUP)
            if ended.poll(100):
                os._exit(0)
            time.sleep(0.02)
            there = self.look()
        code = self.refusal(kind, paths)
        if code:
            status, text = CODES[code]
            with self.answering:
                write_packet(1, bytes([STATUS]) + number + struct.pack(">II", status, len(text)) +
                             text + struct.pack(">I", 0))
            return
        if kind in (OPEN, OPENDIR) and paths:
            self.opening[number] = paths[0]
        write_packet(self.server.stdin.fileno(), packet)

    def run(self):
        back = threading.Thread(target=self.answers)
        back.start()
        for packet in packets(0):
            self.request(packet)
        self.server.stdin.close()
        back.join()
        return self.server.wait()


if __name__ == "__main__":
    sys.exit(Gate(sys.argv[1], sys.argv[2:]).run())
