# SPDX-License-Identifier: MIT
"""A real directory that the operations of files.py are done in: the mount's, or a local one."""

import ctypes
import errno
import fcntl
import mmap
import os
import stat

from voices import EMPTY, NotOpen, Stat

AT_FDCWD = -100
RENAME = {"": 0, "noreplace": 1, "exchange": 2}
libc = ctypes.CDLL(None, use_errno=True)


def kind_of(mode):
    return {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}.get(stat.S_IFMT(mode), "other")


def told(st):
    kind = kind_of(st.st_mode)
    return Stat(kind, stat.S_IMODE(st.st_mode), st.st_size, st.st_nlink, int(st.st_mtime // 1))


def checked(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


class System:
    """root: the directory, as bytes."""

    def __init__(self, root):
        self.root = root
        self.slots = {}

    def path(self, path):
        return os.path.join(self.root, path)

    # ---- handles

    def at(self, slot):
        if slot not in self.slots:
            raise NotOpen
        return self.slots[slot]

    def open(self, slot, path, flags, mode):
        fd = os.open(self.path(path), flags, mode)
        self.close(slot)
        self.slots[slot] = fd
        return "open"

    def close(self, slot):
        if slot not in self.slots:
            return EMPTY
        os.close(self.slots.pop(slot))
        return "closed"

    def dup(self, slot, other):
        fd = os.dup(self.at(slot))
        if slot != other:
            self.close(other)
        else:
            os.close(self.at(slot))
        self.slots[other] = fd
        return "dup"

    def read(self, slot, n):
        return os.read(self.at(slot), n)

    def pread(self, slot, n, offset):
        return os.pread(self.at(slot), n, offset)

    def write(self, slot, data):
        return os.write(self.at(slot), data)

    def pwrite(self, slot, data, offset):
        return os.pwrite(self.at(slot), data, offset)

    def is_dir(self, slot):
        return stat.S_ISDIR(os.fstat(self.at(slot)).st_mode)

    def seek(self, slot, offset, whence):
        return EMPTY if self.is_dir(slot) else os.lseek(self.at(slot), offset, whence)

    def seek_hole(self, slot, offset, whence):
        """Which holes there are is the file system's own affair."""
        if self.is_dir(slot):
            return EMPTY
        size = os.fstat(self.at(slot)).st_size
        if offset >= size:
            return os.lseek(self.at(slot), offset, whence)
        try:
            found = os.lseek(self.at(slot), offset, whence)
        except OSError as e:
            found = offset if e.errno == errno.ENXIO else -1  # no data from there on
        os.lseek(self.at(slot), offset, os.SEEK_SET)
        return "told" if offset <= found <= size else found

    def ftruncate(self, slot, size):
        os.ftruncate(self.at(slot), size)
        return "done"

    def fallocate(self, slot, offset, size):
        flags = fcntl.fcntl(self.at(slot), fcntl.F_GETFL)
        if flags & os.O_APPEND or flags & os.O_ACCMODE != os.O_RDWR:
            return EMPTY
        os.posix_fallocate(self.at(slot), offset, size)
        return "done"

    def fsync(self, slot):
        os.fsync(self.at(slot))
        return "done"

    def fdatasync(self, slot):
        os.fdatasync(self.at(slot))
        return "done"

    def fstat(self, slot):
        return told(os.fstat(self.at(slot)))

    def fchmod(self, slot, mode):
        os.fchmod(self.at(slot), mode)
        return "done"

    def futimens(self, slot, mtime):
        os.utime(self.at(slot), (mtime - 1, mtime))
        return "done"

    def is_same(self, slot, path):
        return os.path.samestat(os.fstat(self.at(slot)), os.stat(self.path(path)))

    def mapped(self, slot):
        """The whole file, mapped to be written; None where that cannot be."""
        fd = self.at(slot)
        st = os.fstat(fd)
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDWR or st.st_size == 0:
            return None
        return mmap.mmap(fd, st.st_size)

    def map_store(self, slot, data, offset):
        memory = self.mapped(slot)
        if memory is None or offset + len(data) > len(memory) or not data:
            return EMPTY
        with memory:
            memory[offset:offset + len(data)] = data
            memory.flush()
        return len(data)

    def map_load(self, slot):
        memory = self.mapped(slot)
        if memory is None:
            return EMPTY
        with memory:
            return memory[:]

    def copy_range(self, slot, other, n, from_offset, to_offset):
        source, target = self.at(slot), self.at(other)
        if os.path.samestat(os.fstat(source), os.fstat(target)):
            return EMPTY
        copied, count = 0, -1
        while count and copied < max(n, 1):
            count = os.copy_file_range(source, target, n - copied, from_offset + copied, to_offset + copied)
            copied += count
        return copied

    # ---- paths

    def truncate(self, path, size):
        os.truncate(self.path(path), size)
        return "done"

    def unlink(self, path):
        os.unlink(self.path(path))
        return "done"

    def mkdir(self, path, mode):
        os.mkdir(self.path(path), mode)
        return "done"

    def rmdir(self, path):
        os.rmdir(self.path(path))
        return "done"

    def symlink(self, target, path):
        os.symlink(target, self.path(path))
        return "done"

    def readlink(self, path):
        return os.readlink(self.path(path))

    def link(self, old, new):
        os.link(self.path(old), self.path(new), follow_symlinks=False)
        return "done"

    def rename(self, old, new, how):
        checked(libc.renameat2(AT_FDCWD, self.path(old), AT_FDCWD, self.path(new), RENAME[how]))
        return "done"

    def chmod(self, path, mode):
        os.chmod(self.path(path), mode)
        return "done"

    def utimens(self, path, mtime):
        os.utime(self.path(path), (mtime - 1, mtime))
        return "done"

    def access(self, path, mode):
        checked(libc.access(self.path(path), mode))
        return "done"

    def stat(self, path):
        return told(os.stat(self.path(path)))

    def lstat(self, path):
        return told(os.lstat(self.path(path)))

    def list(self, path):
        with os.scandir(self.path(path) or b".") as entries:
            return sorted((e.name, "link" if e.is_symlink() else "dir" if e.is_dir() else "file") for e in entries)

    def load(self, path):
        with open(self.path(path), "rb", buffering=0) as f:
            return f.read()

    # ---- all

    def tree(self):
        found, waiting = {}, [b""]
        while waiting:
            above = waiting.pop()
            for name in os.listdir(self.path(above) or b"."):
                path = os.path.join(above, name)
                st = self.lstat(path)
                content = {"file": self.load, "link": self.readlink}.get(st.kind, lambda _: None)(path)
                found[path] = (st, content)
                if st.kind == "dir":
                    waiting.append(path)
        return found

    def offers(self, what):
        """Whether this file system can do such a thing at all. root must be empty, and is so again."""
        first, second = self.path(b"one"), self.path(b"two")
        for path in (first, second):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
        try:
            return self.tried(what)
        finally:
            for path in filter(os.path.exists, (first, second)):
                os.unlink(path)

    def tried(self, what):
        try:
            if what == "link":
                os.unlink(self.path(b"two"))
                self.link(b"one", b"two")
            elif what == "access":
                self.access(b"one", os.X_OK)
                return False
            else:
                self.rename(b"one", b"two", what)
        except OSError as e:
            return e.errno in (errno.EEXIST, errno.EACCES)
        return True
