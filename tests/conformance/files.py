# SPDX-License-Identifier: MIT
"""The operations on files: the N-th of a seed is always the same, whatever came before it. So any part
of a run can be left out of another one."""

import os

from draw import SLOTS, Draw
from model import Model
from system import System
from voices import NAME_MAX, answer, told_difference, tree_differences

OPTIONS = ()
DIRS = (b"",) * 9 + (b"a", b"a", b"b", b"a/b", b"l")
NAMES = (b"f", b"g", b"h", b"i") * 4 + (b"l", b"l", b"a", b"b", b"\xff \n\xc3\xa9", b"n" * NAME_MAX)
TARGETS = (b"f", b"g", b"a", b"b/f", b"a/b", b"../f", b"../a", b"l", b"nowhere", b"\xff \n\xc3\xa9")
FILE_MODES, DIR_MODES = (0o644, 0o600, 0o755, 0o640), (0o755, 0o700, 0o750)
SIZES = (0, 1, 2, 100, 511, 4095, 4096, 4097, 10000, 32768, 65536, 65537, 131072, 131073, 300000)
OFFSETS = (0, 0, 0, 1, 99, 4095, 4096, 4097, 8192, 65535, 65536, 131072, 200000, 262144, 1000000)
CAPABILITIES = ("link", "access", "noreplace", "exchange")
BIG = 9 << 20  # this much in one go moves to bulk connections
LONG = b"n" * (NAME_MAX + 1)


class FilesDraw(Draw):
    def path(self):
        return os.path.join(self.one(DIRS), LONG if self.chance(0.005) else self.one(NAMES))

    def dir_path(self):
        return os.path.join(self.one(DIRS), self.one(NAMES if self.chance(0.1) else (b"a", b"b")))

    def dir(self):
        return os.path.join(self.one(DIRS), self.one((b"", b"a", b"b"))).rstrip(b"/")

    def size(self):
        return max(0, self.one(SIZES) - self.one((0, 0, 1, 7)))

    def length(self):
        return max(1, self.size())

    def offset(self):
        return self.one(OFFSETS) + self.one((0, 0, 0, 1, 77))

    def data(self):
        if self.chance(0.01):
            return self.rng.randbytes(1 << 16) * (BIG >> 16)
        return self.rng.randbytes(self.size())

    def flags(self):
        flags = self.one((os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR))
        for flag, share in ((os.O_CREAT, 0.6), (os.O_TRUNC, 0.15), (os.O_APPEND, 0.2), (os.O_NOFOLLOW, 0.1),
                            (os.O_DIRECTORY, 0.03), (os.O_SYNC, 0.05)):
            if self.chance(share):
                flags |= flag
        if flags & os.O_CREAT:
            flags &= ~os.O_DIRECTORY  # kernels differ in what both together mean
            if self.chance(0.15):
                flags |= os.O_EXCL
        return flags

    def mtime(self):
        return self.rng.randrange(1000000000, 1700000000)

    def access(self):
        return self.one((os.F_OK, os.R_OK, os.W_OK, os.X_OK, os.R_OK | os.W_OK))

    def how(self):
        return self.one(("", "", "", "noreplace", "exchange"))

    def whence(self):
        return self.one((os.SEEK_SET, os.SEEK_CUR, os.SEEK_END))

    def step(self):
        return self.one((0, 0, 1, -1, 100, -100, 5000, -4096, 100000, -100000))

    def hole(self):
        return self.one((os.SEEK_DATA, os.SEEK_HOLE))

    def mode(self):
        return self.one(FILE_MODES)

    def dir_mode(self):
        return self.one(DIR_MODES)

    def target(self):
        return self.one(TARGETS)


# How often an operation comes, and the words that it takes, as FilesDraw draws them.
OPERATIONS = {
    "open": (20, "slot path flags mode"), "close": (4, "slot"), "dup": (2, "slot slot"),
    "read": (6, "slot size"), "pread": (6, "slot size offset"), "write": (9, "slot data"),
    "pwrite": (9, "slot data offset"), "seek": (4, "slot step whence"),
    "seek_hole": (1, "slot offset hole"), "ftruncate": (4, "slot offset"),
    "fallocate": (1, "slot offset length"), "fsync": (1, "slot"), "fdatasync": (1, "slot"),
    "fstat": (5, "slot"), "fchmod": (1, "slot dir_mode"), "futimens": (2, "slot mtime"),
    "is_same": (3, "slot path"), "map_store": (3, "slot data offset"), "map_load": (2, "slot"),
    "copy_range": (2, "slot slot size offset offset"), "truncate": (3, "path offset"),
    "unlink": (5, "path"), "mkdir": (3, "dir_path dir_mode"), "rmdir": (2, "dir_path"),
    "symlink": (2, "target path"), "readlink": (2, "path"), "link": (4, "path path"),
    "rename": (8, "path path how"), "chmod": (2, "path dir_mode"), "utimens": (2, "path mtime"),
    "access": (2, "path access"), "stat": (6, "path"), "lstat": (4, "path"), "list": (3, "dir"),
    "load": (4, "path"),
}
KINDS = tuple(OPERATIONS)
WEIGHTS = tuple(weight for weight, _ in OPERATIONS.values())


def operation(seed, number):
    """The name and the words of operation NUMBER of a seed."""
    draw = FilesDraw(seed, number)
    kind = draw.rng.choices(KINDS, WEIGHTS)[0]
    return (kind, *(getattr(draw, word)() for word in OPERATIONS[kind][1].split()))


def needs(words):
    """What a file system must offer for an operation, or None."""
    if words[0] == "link":
        return "link"
    if words[0] == "access" and words[-1] & os.X_OK:
        return "access"
    return words[-1] or None if words[0] == "rename" else None


class Trial:
    """One run in a new folder of the mount, and beside it in a local directory and in memory."""

    CHECK_EVERY = 250

    def __init__(self, lab, seed, name):
        self.seed, self.done = seed, 0
        self.roots = {}
        for voice, above in (("mount", lab.mount), ("local", lab.local)):
            self.roots[voice] = os.fsencode(os.path.join(above, name, "top"))
            os.makedirs(self.roots[voice])
        self.server = System(os.fsencode(os.path.join(lab.server, name, "top")))
        self.mount, self.local, self.model = System(self.roots["mount"]), System(self.roots["local"]), Model()
        self.lacks = {what for what in CAPABILITIES if not self.mount.offers(what)}

    def step(self, number):
        """Does an operation in all three; returns what is wrong, or None."""
        words = operation(self.seed, number)
        if needs(words) in self.lacks:
            return None
        got = answer(self.mount, words)
        if self.may_refuse(words, got):
            return None
        expected = answer(self.model, words)
        for voice, said in (("mount", got), ("local directory", answer(self.local, words))):
            if said != expected:
                return f"the {voice} answers {told_difference(said, expected)}"
        self.done += 1
        return self.compare() if self.done % self.CHECK_EVERY == 0 else None

    def may_refuse(self, words, got):
        """What the mount refuses, and the others do not. A file that is open only to be written
        bypasses the kernel's pages, and so does who opens it then: such a handle cannot be mapped.
        SFTP has no handle through which a directory without a name could be changed."""
        if words[0] in ("map_store", "map_load"):
            return got == "ENODEV"
        if words[0] in ("fchmod", "futimens") and got == "ENOENT":
            inode = self.model.at(words[1]).inode
            return inode.kind == "dir" and inode.links == 0
        return False

    def compare(self):
        """Everything that is there, as the mount shows it and as the server has it."""
        for slot in range(SLOTS):
            answer(self.mount, ("fsync", slot))
        expected = self.model.tree()
        for voice, system in (("local directory", self.local), ("mount", self.mount), ("server", self.server)):
            for difference in tree_differences(system.tree(), expected):
                return f"the {voice}: {difference}"
        return None

    def finish(self):
        for slot in range(SLOTS):
            answer(self.local, ("close", slot))
            got = answer(self.mount, ("close", slot))
            if got != answer(self.model, ("close", slot)):
                return f"close of slot {slot}: {got}"
        return self.compare()

    def end(self):
        for slot in range(SLOTS):
            answer(self.mount, ("close", slot))
            answer(self.local, ("close", slot))
