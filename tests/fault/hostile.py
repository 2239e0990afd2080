#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An SFTP server on standard input and output that serves one small tree and lies about it.

usage: hostile.py MODE      "honest" does not lie; the others are the functions below
"""

import os
import struct
import sys

OPEN, CLOSE, READ, LSTAT, FSTAT, OPENDIR, READDIR, REALPATH, STAT = 3, 4, 5, 7, 8, 11, 12, 16, 17
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105
OK, EOF, NO_SUCH_FILE, UNSUPPORTED = 0, 1, 2, 8
DIRECTORY, REGULAR, LINK = 0o40755, 0o100644, 0o120777

VMX = b'.encoding = "UTF-8"\nmemSize = "4096"\n'
TREE = {"/": None, "/vm": None, "/vm/vm.vmx": VMX, "/vm/disk.bin": b"disk" * 1000}


def u32(n):
    return struct.pack(">I", n)


def text(data):
    data = data.encode() if isinstance(data, str) else data
    return u32(len(data)) + data


def attrs(mode, size=0):
    return struct.pack(">IQIIIII", 0xF, size, 0, 0, mode, 0, 1000000000)


class Server:
    def __init__(self, lie):
        self.lie = lie
        self.handles = {}
        self.count = 0
        self.packet = b""

    def send_raw(self, data):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def send(self, kind, ident, rest=b""):
        self.send_raw(u32(5 + len(rest)) + bytes([kind]) + u32(ident) + rest)

    def status(self, ident, code):
        self.send(STATUS, ident, u32(code) + text("") + text(""))

    def names(self, ident, names):
        self.send(NAME, ident, u32(len(names)) + b"".join(text(n) + text("") + a for n, a in names))

    def attributes(self, ident, path):
        if path not in TREE:
            self.status(ident, NO_SUCH_FILE)
        elif TREE[path] is None:
            self.send(ATTRS, ident, attrs(DIRECTORY))
        else:
            self.send(ATTRS, ident, attrs(REGULAR, len(TREE[path])))

    def children(self, path):
        below = path.rstrip("/") + "/"
        for p, data in TREE.items():
            name = p[len(below):]
            if p.startswith(below) and name and "/" not in name:
                yield name, attrs(DIRECTORY) if data is None else attrs(REGULAR, len(data))

    def new_handle(self, ident, path):
        handle = b"%d" % self.count
        self.count += 1
        self.handles[handle] = [path, False]
        self.send(HANDLE, ident, text(handle))

    def answer(self, kind, ident, args):
        what = args[4:4 + struct.unpack(">I", args[:4])[0]] if len(args) >= 4 else b""
        path = what.decode("utf-8", "replace")
        if kind == REALPATH:
            self.names(ident, [("/" if path == "." else path, attrs(DIRECTORY))])
        elif kind in (LSTAT, STAT):
            self.attributes(ident, path)
        elif kind == FSTAT:
            self.attributes(ident, self.handles[what][0])
        elif kind in (OPEN, OPENDIR):
            path = path.rstrip("/") or "/"
            if path in TREE:
                self.new_handle(ident, path)
            else:
                self.status(ident, NO_SUCH_FILE)
        elif kind == CLOSE:
            self.handles.pop(what, None)
            self.status(ident, OK)
        elif kind == READ:
            offset, size = struct.unpack(">QI", args[4 + len(what):])
            data = TREE[self.handles[what][0]][offset:offset + size]
            self.send(DATA, ident, text(data)) if data else self.status(ident, EOF)
        elif kind == READDIR:
            handle = self.handles[what]
            names = [] if handle[1] else list(self.children(handle[0]))
            handle[1] = True  # the end comes next
            self.names(ident, names) if names else self.status(ident, EOF)
        else:
            self.status(ident, UNSUPPORTED)

    def serve(self):
        stdin = sys.stdin.buffer
        while True:
            head = stdin.read(5)
            if len(head) < 5:
                return
            size, kind = struct.unpack(">IB", head)
            rest = stdin.read(size - 1)
            if kind == 1:
                hello = u32(3) + text("posix-rename@openssh.com") + text("1")
                self.lie(self, kind, None, rest) or self.send_raw(
                    u32(1 + len(hello)) + bytes([2]) + hello)
                continue
            ident = struct.unpack(">I", rest[:4])[0]
            self.lie(self, kind, ident, rest[4:]) or self.answer(kind, ident, rest[4:])


# The lies: true when they have answered. ident is None for the hello.


def honest(server, kind, ident, args):
    return False


def welcome(server, kind, ident, args):
    if ident is None:
        server.send_raw(b"Welcome to the server! You have mail.\n")
    return ident is None


def old_version(server, kind, ident, args):
    if ident is None:
        server.send_raw(u32(5) + bytes([2]) + u32(2))
    return ident is None


def mute(server, kind, ident, args):
    return True


def list_once(server, kind, ident, args, names):
    """Answers the first READDIR of each handle with regular files of these names."""
    if kind != READDIR:
        return False
    handle = server.handles[args[4:]]
    if handle[1]:
        return False
    handle[1] = True
    server.names(ident, [(n, attrs(REGULAR, 3)) for n in names])
    return True


def bad_names(server, kind, ident, args):
    names = ["a/b", "../../etc/passwd", "/etc/passwd", ".", "..", "", "nul\0byte", "x" * 5000]
    return list_once(server, kind, ident, args, names + ["good"])


def long_names(server, kind, ident, args):
    """Names that no filesystem has, and one that is just short enough."""
    return list_once(server, kind, ident, args, ["good", "g" * 255, "x" * 256, "y" * 5000])


def endless(server, kind, ident, args):
    if kind != READDIR:
        return False
    server.count += 100
    server.names(ident, [("file-%d" % (server.count + i), attrs(REGULAR)) for i in range(100)])
    return True


def maze(server, kind, ident, args):
    """Every folder holds folders, and a VM."""
    what = args[4:4 + struct.unpack(">I", args[:4])[0]] if kind in (LSTAT, OPEN, OPENDIR) else b""
    path = what.decode()
    if kind == READDIR and not server.handles[args[4:]][1]:
        server.handles[args[4:]][1] = True
        folders = [(c * 200, attrs(DIRECTORY)) for c in "abcdefgh"]
        server.names(ident, folders + [("x.vmx", attrs(REGULAR, len(VMX)))])
    elif kind == LSTAT:
        vmx = path.endswith(".vmx")
        server.send(ATTRS, ident, attrs(REGULAR, len(VMX)) if vmx else attrs(DIRECTORY))
    elif kind == OPENDIR:
        server.new_handle(ident, path)
    elif kind == OPEN:
        server.new_handle(ident, "/vm/vm.vmx")
    else:
        return False
    return True


def again_and_again(server, kind, ident, names):
    """The same names for ever, as fast as can be."""
    if kind != READDIR:
        return False
    if not server.packet:
        server.packet = u32(len(names)) + b"".join(text(n) + text("") + attrs(REGULAR) for n in names)
    server.send(NAME, ident, server.packet)
    return True


def crowd(server, kind, ident, args):
    return again_and_again(server, kind, ident, ["%03d" % i + "x" * 230 for i in range(900)])


def big_names(server, kind, ident, args):
    return again_and_again(server, kind, ident, ["x" * 250000])


def many_names(server, kind, ident, args):
    """One packet with 100,000 names."""
    if kind != READDIR:
        return False
    server.names(ident, [("file-%d" % i, attrs(REGULAR)) for i in range(100000)])
    return True


def count_lie(server, kind, ident, args):
    if kind == READDIR:
        server.send(NAME, ident, u32(0xFFFFFFFF) + text("a") + text("") + attrs(REGULAR))
    return kind == READDIR


def garbage(server, kind, ident, args):
    if kind in (READ, READDIR):
        server.send_raw(os.urandom(4096))
    return kind in (READ, READDIR)


def giant_packet(server, kind, ident, args):
    if kind in (READ, READDIR):
        server.send_raw(u32(0x7FFFFFFF) + bytes([DATA]) + u32(ident))
    return kind in (READ, READDIR)


def empty_packet(server, kind, ident, args):
    if kind in (READ, READDIR):
        server.send_raw(u32(0))
    return kind in (READ, READDIR)


def wrong_id(server, kind, ident, args):
    if kind in (READ, READDIR):
        server.status(ident + 1, OK)
    return kind in (READ, READDIR)


def twice(server, kind, ident, args):
    if kind in (READ, READDIR, LSTAT):
        server.answer(kind, ident, args)
    return False


def wrong_type(server, kind, ident, args):
    if kind in (READ, OPENDIR):
        server.send(ATTRS, ident, attrs(REGULAR))
    return kind in (READ, OPENDIR)


def silent(server, kind, ident, args):
    return kind in (READ, READDIR)


def hang_up(server, kind, ident, args):
    if kind in (READ, READDIR):
        sys.exit(0)
    return False


def huge_size(server, kind, ident, args):
    path = args[4:4 + struct.unpack(">I", args[:4])[0]] if ident is not None else b""
    if kind in (LSTAT, STAT, FSTAT) and (path.endswith(b".vmx") or kind == FSTAT):
        server.send(ATTRS, ident, attrs(REGULAR, 1 << 63))
        return True
    return False


def small_size(server, kind, ident, args):
    """A file that is longer than its attributes say."""
    path = args[4:4 + struct.unpack(">I", args[:4])[0]] if ident is not None else b""
    if kind in (LSTAT, STAT, FSTAT) and (path.endswith(b".vmx") or kind == FSTAT):
        server.send(ATTRS, ident, attrs(REGULAR, 3))
        return True
    return False


def too_much_data(server, kind, ident, args):
    if kind == READ:
        server.send(DATA, ident, text(b"x" * 200000))
    return kind == READ


def no_data(server, kind, ident, args):
    if kind == READ:
        server.send(DATA, ident, text(b""))
    return kind == READ


def byte_by_byte(server, kind, ident, args):
    if kind != READ:
        return False
    handle, offset = args[4:-12], struct.unpack(">Q", args[-12:-4])[0]
    data = TREE[server.handles[handle][0]][offset:offset + 1]
    server.send(DATA, ident, text(data)) if data else server.status(ident, EOF)
    return True


def long_handle(server, kind, ident, args):
    if kind in (OPEN, OPENDIR):
        server.send(HANDLE, ident, text(b"h" * 5000))
    return kind in (OPEN, OPENDIR)


def no_attrs(server, kind, ident, args):
    if kind in (LSTAT, FSTAT):
        server.send(ATTRS, ident, u32(0))
    return kind in (LSTAT, FSTAT)


def cut_short(server, kind, ident, args):
    """Attributes that end in the middle."""
    if kind in (LSTAT, FSTAT):
        server.send(ATTRS, ident, attrs(REGULAR)[:11])
    return kind in (LSTAT, FSTAT)


if __name__ == "__main__":
    Server(globals()[sys.argv[1]]).serve()
