# SPDX-License-Identifier: MIT
"""A file system in memory: what each operation of files.py must answer, and what must be there then.

Every method takes the words of an operation and returns its result, or raises OSError, as the method
of the same name in system.py does with a real directory.
"""

import errno
import os

from voices import ANY, EMPTY, NAME_MAX, NotOpen, Stat

MAX_LINKS = 40
WRITES = (os.O_WRONLY, os.O_RDWR)


def fail(code):
    raise OSError(code, os.strerror(code))


class Inode:
    """kind: "file", "dir" or "link". data: of a file its bytes, of a link its target. mtime: ANY where
    the clock has set it."""

    def __init__(self, kind, mode, data=b"", parent=None):
        self.kind, self.mode = kind, mode
        self.data = bytearray(data)
        self.parent, self.entries = parent, {}
        self.links = 1
        self.mtime = ANY

    def resize(self, size):
        if size < len(self.data):
            del self.data[size:]
        else:
            self.data.extend(bytes(size - len(self.data)))
        self.mtime = ANY

    def put(self, offset, data):
        if data:
            if offset > len(self.data):
                self.resize(offset)
            self.data[offset:offset + len(data)] = data
            self.mtime = ANY
        return len(data)

    def stat(self):
        return Stat(self.kind, ANY if self.kind == "link" else self.mode,
                    ANY if self.kind == "dir" else len(self.data),
                    self.links if self.kind == "file" else ANY, self.mtime)


class Handle:
    """An open file; dup shares it."""

    def __init__(self, inode, flags):
        self.inode, self.flags, self.position = inode, flags, 0

    def is_writable(self):
        return self.flags & os.O_ACCMODE in WRITES

    def check_readable(self):
        if self.flags & os.O_ACCMODE == os.O_WRONLY:
            fail(errno.EBADF)
        if self.inode.kind == "dir":
            fail(errno.EISDIR)

    def check_writable(self):
        if not self.is_writable():
            fail(errno.EBADF)


class Model:
    def __init__(self):
        above = Inode("dir", 0o755)
        self.top = Inode("dir", 0o755, parent=above)
        above.entries[b"top"] = self.top
        self.slots = {}

    # ---- names

    def walk(self, directory, path, follow, budget):
        """The directory, the name in it, and the inode, which is None if the name is free."""
        parts = path.split(b"/") if path else [b"."]
        for i, name in enumerate(parts):
            last = i == len(parts) - 1
            if directory.kind != "dir":
                fail(errno.ENOTDIR)
            if len(name) > NAME_MAX:
                fail(errno.ENAMETOOLONG)
            inode = {b".": directory, b"..": directory.parent}.get(name) or directory.entries.get(name)
            if inode is not None and inode.kind == "link" and (follow or not last):
                budget[0] -= 1
                if budget[0] < 0:
                    fail(errno.ELOOP)
                found = self.walk(directory, bytes(inode.data), True, budget)
                if last:
                    return found
                inode = found[2]
            if last:
                return directory, name, inode
            if inode is None:
                fail(errno.ENOENT)
            directory = inode
        return None

    def find(self, path, follow=True):
        return self.walk(self.top, path, follow, [MAX_LINKS])

    def check_above(self, path):
        if self.existing(os.path.dirname(path)).kind != "dir":
            fail(errno.ENOTDIR)

    def existing(self, path, follow=True):
        inode = self.find(path, follow)[2]
        if inode is None:
            fail(errno.ENOENT)
        return inode

    def free(self, path):
        directory, name, inode = self.find(path, follow=False)
        if inode is not None:
            fail(errno.EEXIST)
        return directory, name

    def enter(self, directory, name, inode):
        directory.entries[name] = inode
        directory.mtime = ANY
        if inode.kind == "dir":
            inode.parent = directory

    def leave(self, directory, name):
        inode = directory.entries.pop(name)
        directory.mtime = ANY
        inode.links -= 1

    # ---- handles

    def at(self, slot):
        if slot not in self.slots:
            raise NotOpen
        return self.slots[slot]

    def open(self, slot, path, flags, mode):
        follow = not (flags & os.O_NOFOLLOW or flags & os.O_CREAT and flags & os.O_EXCL)
        directory, name, inode = self.find(path, follow)
        if inode is None:
            if not flags & os.O_CREAT:
                fail(errno.ENOENT)
            inode = Inode("file", mode)
            self.enter(directory, name, inode)
        else:
            self.check_open(inode, flags)
            if flags & os.O_TRUNC:
                inode.resize(0)
        self.slots[slot] = Handle(inode, flags)
        return "open"

    def check_open(self, inode, flags):
        if flags & os.O_CREAT and flags & os.O_EXCL:
            fail(errno.EEXIST)
        if inode.kind == "link":
            fail(errno.ENOTDIR if flags & os.O_DIRECTORY else errno.ELOOP)
        if inode.kind == "dir":
            if flags & (os.O_CREAT | os.O_TRUNC) or flags & os.O_ACCMODE in WRITES:
                fail(errno.EISDIR)
        elif flags & os.O_DIRECTORY:
            fail(errno.ENOTDIR)

    def close(self, slot):
        return "closed" if self.slots.pop(slot, None) else EMPTY

    def dup(self, slot, other):
        self.slots[other] = self.at(slot)
        return "dup"

    def read(self, slot, n):
        h = self.at(slot)
        h.check_readable()
        data = bytes(h.inode.data[h.position:h.position + n])
        h.position += len(data)
        return data

    def pread(self, slot, n, offset):
        h = self.at(slot)
        h.check_readable()
        return bytes(h.inode.data[offset:offset + n])

    def write(self, slot, data):
        h = self.at(slot)
        h.check_writable()
        if h.flags & os.O_APPEND and data:
            h.position = len(h.inode.data)
        h.position += h.inode.put(h.position, data)
        return len(data)

    def pwrite(self, slot, data, offset):
        h = self.at(slot)
        h.check_writable()
        return h.inode.put(len(h.inode.data) if h.flags & os.O_APPEND else offset, data)

    def seek(self, slot, offset, whence):
        h = self.at(slot)
        if h.inode.kind == "dir":
            return EMPTY
        base = {os.SEEK_SET: 0, os.SEEK_CUR: h.position, os.SEEK_END: len(h.inode.data)}[whence]
        if base + offset < 0:
            fail(errno.EINVAL)
        h.position = base + offset
        return h.position

    def seek_hole(self, slot, offset, whence):
        del whence
        h = self.at(slot)
        if h.inode.kind == "dir":
            return EMPTY
        if offset >= len(h.inode.data):
            fail(errno.ENXIO)
        h.position = offset
        return "told"

    def ftruncate(self, slot, size):
        h = self.at(slot)
        if h.inode.kind == "dir" or not h.is_writable():
            fail(errno.EINVAL)
        h.inode.resize(size)
        return "done"

    def fallocate(self, slot, offset, size):
        h = self.at(slot)
        if h.flags & os.O_APPEND or h.flags & os.O_ACCMODE != os.O_RDWR:
            return EMPTY
        h.inode.resize(max(offset + size, len(h.inode.data)))
        return "done"

    def fsync(self, slot):
        self.at(slot)
        return "done"

    def fdatasync(self, slot):
        return self.fsync(slot)

    def fstat(self, slot):
        return self.at(slot).inode.stat()

    def fchmod(self, slot, mode):
        self.at(slot).inode.mode = mode
        return "done"

    def futimens(self, slot, mtime):
        self.at(slot).inode.mtime = mtime
        return "done"

    def is_same(self, slot, path):
        return self.at(slot).inode is self.existing(path)

    def mapped(self, slot):
        h = self.at(slot)
        return h.inode.kind == "file" and h.flags & os.O_ACCMODE == os.O_RDWR

    def map_store(self, slot, data, offset):
        inode = self.at(slot).inode
        if not self.mapped(slot) or offset + len(data) > len(inode.data) or not data:
            return EMPTY
        return inode.put(offset, data)

    def map_load(self, slot):
        inode = self.at(slot).inode
        return bytes(inode.data) if self.mapped(slot) and inode.data else EMPTY

    def copy_range(self, slot, other, n, from_offset, to_offset):
        source, target = self.at(slot), self.at(other)
        if source.inode is target.inode:
            return EMPTY
        if "dir" in (source.inode.kind, target.inode.kind):
            fail(errno.EISDIR)
        if source.flags & os.O_ACCMODE == os.O_WRONLY or not target.is_writable() or \
                target.flags & os.O_APPEND:
            fail(errno.EBADF)
        return target.inode.put(to_offset, source.inode.data[from_offset:from_offset + n])

    # ---- paths

    def truncate(self, path, size):
        inode = self.existing(path)
        if inode.kind == "dir":
            fail(errno.EISDIR)
        inode.resize(size)
        return "done"

    def unlink(self, path):
        directory, name, inode = self.find(path, follow=False)
        if inode is None:
            fail(errno.ENOENT)
        if inode.kind == "dir":
            fail(errno.EISDIR)
        self.leave(directory, name)
        return "done"

    def mkdir(self, path, mode):
        directory, name = self.free(path)
        self.enter(directory, name, Inode("dir", mode))
        return "done"

    def rmdir(self, path):
        directory, name, inode = self.find(path, follow=False)
        if inode is None:
            fail(errno.ENOENT)
        if inode.kind != "dir":
            fail(errno.ENOTDIR)
        if inode.entries:
            fail(errno.ENOTEMPTY)
        self.leave(directory, name)
        return "done"

    def symlink(self, target, path):
        directory, name = self.free(path)
        self.enter(directory, name, Inode("link", 0o777, target))
        return "done"

    def readlink(self, path):
        inode = self.existing(path, follow=False)
        if inode.kind != "link":
            fail(errno.EINVAL)
        return bytes(inode.data)

    def link(self, old, new):
        inode = self.existing(old, follow=False)
        directory, name = self.free(new)
        if inode.kind == "dir":
            fail(errno.EPERM)
        self.enter(directory, name, inode)
        inode.links += 1
        return "done"

    def rename(self, old, new, how):
        """how: "", "noreplace" or "exchange"."""
        for path in (old, new):
            self.check_above(path)
        directory, name, inode = self.find(old, follow=False)
        if inode is None:
            fail(errno.ENOENT)
        to, to_name, target = self.find(new, follow=False)
        if how == "noreplace" and target is not None:
            fail(errno.EEXIST)
        if how == "exchange" and target is None:
            fail(errno.ENOENT)
        if self.is_below(to, inode):
            fail(errno.EINVAL)
        if target is not None and self.is_below(directory, target):
            fail(errno.EINVAL if how == "exchange" else errno.ENOTEMPTY)
        if inode is target:
            return "done"
        if how == "exchange":
            self.enter(directory, name, target)
            self.enter(to, to_name, inode)
            return "done"
        if target is not None:
            self.check_replaced(inode, target)
            self.leave(to, to_name)
        directory.entries.pop(name)
        directory.mtime = ANY
        self.enter(to, to_name, inode)
        return "done"

    def check_replaced(self, inode, target):
        if inode.kind == "dir" and target.kind != "dir":
            fail(errno.ENOTDIR)
        if inode.kind != "dir" and target.kind == "dir":
            fail(errno.EISDIR)
        if target.kind == "dir" and target.entries:
            fail(errno.ENOTEMPTY)

    def is_below(self, directory, inode):
        while directory is not None:
            if directory is inode:
                return True
            directory = directory.parent
        return False

    def chmod(self, path, mode):
        self.existing(path).mode = mode
        return "done"

    def utimens(self, path, mtime):
        self.existing(path).mtime = mtime
        return "done"

    def access(self, path, mode):
        inode = self.existing(path)
        if mode & os.X_OK and not inode.mode & 0o111:
            fail(errno.EACCES)
        return "done"

    def stat(self, path):
        return self.existing(path).stat()

    def lstat(self, path):
        return self.existing(path, follow=False).stat()

    def list(self, path):
        inode = self.existing(path)
        if inode.kind != "dir":
            fail(errno.ENOTDIR)
        return sorted((name, child.kind) for name, child in inode.entries.items())

    def load(self, path):
        inode = self.existing(path)
        if inode.kind == "dir":
            fail(errno.EISDIR)
        return bytes(inode.data)

    # ---- all

    def tree(self):
        """Every path below the top, with what it is and holds."""
        found, waiting = {}, [(b"", self.top)]
        while waiting:
            path, inode = waiting.pop()
            for name, child in inode.entries.items():
                below = os.path.join(path, name)
                found[below] = (child.stat(), None if child.kind == "dir" else bytes(child.data))
                if child.kind == "dir":
                    waiting.append((below, child))
        return found
