# SPDX-License-Identifier: MIT
"""The operations on the settings of a .vmx: in the mount, in a local directory with a file for each
key, and in a dictionary. After each of them the server's bytes are read, too: they must hold the
dictionary, and all lines that it does not concern must be what they were."""

import errno
import os
import re
import tempfile

import vmx_text
from draw import SLOTS, Draw
from mounted import wait_until
from voices import EMPTY, NotOpen, answer, told_difference

OPTIONS = ()
SAMPLE = b"""#!/usr/bin/vmware
.encoding = "UTF-8"
# the main settings
displayName = "one"
  memSize\t="4096"   # megabytes
numvcpus = 2

guestinfo.a = "alpha"  # first
guestinfo.b = "beta"#second
this line is malformed
guestinfo.multi = "one|0Atwo|22|7C"
unit/one = 'single'

# the end
annotation = "last"
"""
SAMPLES = (SAMPLE, SAMPLE.replace(b"\n", b"\r\n"), SAMPLE.rstrip(b"\n"))
KEYS = ("displayName", "memSize", "numvcpus", "guestinfo.a", "guestinfo.b", "guestinfo.new", "guestinfo.multi",
        "annotation", "unit%2Fone", "floppy0.present", "Guestinfo.\u00fc", "x:y.%25", "guestinfo.long")
# Some of what keys with a type are set to; the last ones are refused.
TYPED = {"memsize": (b"4096", b"8192", b"16384", b"lots", b"4097"), "numvcpus": (b"1", b"2", b"8", b"many"),
         "floppy0.present": (b"TRUE", b"false", b"0", b"perhaps")}
RIGHT = {b"memsize": rb"0*[1-9][0-9]*", b"numvcpus": rb"([1-9][0-9]{,2})?", b"floppy0.present": rb"(true|false|t|f|0|1|)"}
WORDS = (b"alpha", b"a b", b'"', b"|", b"|22", b"#", b"=", b"\\n", b"\t", b"\xc3\xbc", b"\xe2\x82\xac", b"'",
         b" ", b"\n", b"\r", b"\x01", b"\x7f", b"C:\\temp", b"a==", b"x" * 300, b"#x = \"y\"")


def unfile(name):
    """The key of a file's name."""
    return name.replace("%2F", "/").replace("%25", "%").encode()


def fold(name):
    return unfile(name).lower()


def file_name(key):
    return key.decode().replace("%", "%25").replace("/", "%2F")


class SettingsDraw(Draw):
    def key(self):
        key = self.one(KEYS)
        return self.one((key, key, key.upper(), key.lower(), key.title())) if key.isascii() and "%" not in key else key

    def value(self, key=None):
        if key and key.lower() in TYPED:
            return self.one(TYPED[key.lower()])
        if self.chance(0.01):
            return self.rng.randbytes(35000).hex().encode()
        return b"".join(self.one(WORDS) for _ in range(self.one((0, 1, 1, 2, 3, 8))))

    def right(self, key):
        """A value that the key takes: whole texts are not checked for that."""
        return TYPED[key.lower()][0] if key.lower() in TYPED else self.value()

    def newline(self):
        return self.one((b"\n", b"\n", b""))

    def cuts(self):
        """Where a text is cut to be written in pieces, as shares."""
        return sorted(self.rng.random() for _ in range(self.one((0, 0, 1, 3))))

    def changes(self):
        """For merge: a key, and its value or None, several times; no key twice."""
        keys = {fold(key): key for key in (self.key() for _ in range(self.one((1, 2, 4))))}
        return tuple((key, None if self.chance(0.3) else self.value(key)) for key in keys.values())


OPERATIONS = {"set": 14, "append": 5, "create": 4, "remove": 5, "rename": 5, "save": 5, "get": 14, "stat": 5,
              "list": 4, "merge": 6, "raw": 4, "plain": 3, "plain_append": 2, "hold": 3, "recall": 4, "shorten": 3}


LOCAL = ("set", "append", "create", "remove", "rename", "save", "get", "stat", "list", "shorten")
CHANGES = ("set", "append", "create", "remove", "rename", "save", "shorten", "merge", "raw", "plain", "plain_append")


def operation(seed, number):
    draw = SettingsDraw(seed, number)
    kind = draw.rng.choices(tuple(OPERATIONS), tuple(OPERATIONS.values()))[0]
    key = draw.key()
    words = {"set": lambda: (key, draw.value(key) + draw.newline(), draw.cuts()),
             "append": lambda: (key, draw.value(key) + draw.newline()),
             "create": lambda: (key, draw.value(key) + b"\n"), "rename": lambda: (key, draw.key()),
             "save": lambda: (key, draw.value(key) + b"\n"), "list": lambda: (), "merge": lambda: (draw.changes(),),
             "raw": lambda: (key, draw.right(key)), "plain": lambda: (key, draw.right(key)),
             "plain_append": lambda: (key, draw.right(key)), "hold": lambda: (key, draw.slot()),
             "recall": lambda: (draw.slot(),), "shorten": lambda: (key, draw.one((0, 0, 1, 5, 100)))}
    return (kind, *words.get(kind, lambda: (key,))())


def pieces(text, cuts):
    at = [0, *(int(cut * len(text)) for cut in cuts), len(text)]
    return [text[a:b] for a, b in zip(at, at[1:]) if a < b]


class Keys:
    """Settings as files: in the mount, or local files that are kept as the mount shows them, with one
    newline at the end. folder: of the files."""

    def __init__(self, folder, is_local):
        self.folder, self.is_local = folder, is_local
        self.slots = {}

    def path(self, key):
        """The file that is there for a key in any case, or a new one's."""
        path = os.path.join(self.folder, key)
        if self.is_local and not os.path.exists(path):
            for name in os.listdir(self.folder):
                if name.lower() == key.lower():
                    return os.path.join(self.folder, name)
        return path

    def tidy(self, path):
        """Of a local file: what a setting is once it is closed."""
        if self.is_local:
            with open(path, "ab") as f:
                if not f.tell() or not self.load(path).endswith(b"\n"):
                    f.write(b"\n")

    def load(self, path):
        with open(path, "rb", buffering=0) as f:
            return f.read()

    def put(self, key, flags, parts):
        path = self.path(key)
        fd = os.open(path, os.O_WRONLY | flags, 0o644)
        try:
            for part in parts:
                os.write(fd, part)
        finally:
            os.close(fd)
        self.tidy(path)
        return "done"

    def set(self, key, text, cuts):
        return self.put(key, os.O_CREAT | os.O_TRUNC, pieces(text, cuts))

    def append(self, key, text):
        return self.put(key, os.O_CREAT | os.O_APPEND, [text])

    def create(self, key, text):
        return self.put(key, os.O_CREAT | os.O_EXCL, [text])

    def remove(self, key):
        os.unlink(self.path(key))
        return "done"

    def rename(self, key, other):
        """Of a key to its own name in another case the kernel makes nothing."""
        os.rename(self.path(key), self.path(other))
        return "done"

    def save(self, key, text):
        """As sed -i does it: a new file, and its rename."""
        fd, path = tempfile.mkstemp(dir=self.folder)
        try:
            with open(fd, "wb", buffering=0) as f:
                f.write(text)
            os.rename(path, self.path(key))
        except OSError:
            os.unlink(path)
            raise
        return "done"

    def get(self, key):
        return self.load(self.path(key))

    def stat(self, key):
        return os.stat(self.path(key)).st_size

    def list(self):
        return sorted(fold(name) for name in os.listdir(self.folder) if name != "passthrough-profile")

    def shorten(self, key, size):
        path = self.path(key)
        size = min(size, os.stat(path).st_size)
        os.truncate(path, size)
        self.tidy(path)
        return "done"

    def hold(self, key, slot):
        fd = os.open(self.path(key), os.O_RDONLY)
        self.release(slot)
        self.slots[slot] = fd
        return "open"

    def recall(self, slot):
        """What a reader has open stays what it was when he opened it."""
        if slot not in self.slots:
            raise NotOpen
        return os.pread(self.slots[slot], 1 << 20, 0)

    def release(self, slot):
        if slot in self.slots:
            os.close(self.slots.pop(slot))

    # ---- in the mount only

    def control(self, *names):
        return os.path.join(self.folder, ".vmxfs", *names)

    def merge(self, changes):
        text = b"".join(b'%s = "%s"\n' % (unfile(key), vmx_text.escape(value)) if value is not None
                        else b"-%s\n" % unfile(key) for key, value in changes)
        with open(self.control("merge"), "wb", buffering=0) as f:
            f.write(text)
        return "done"

    def rewrite(self, path, key, value):
        text = vmx_text.with_setting(self.load(path), unfile(key), value)
        with open(path, "wb", buffering=0) as f:
            f.write(text)
        return "done"

    def raw(self, key, value):
        return self.rewrite(self.control("raw"), key, value)

    def plain_path(self):
        """The same .vmx below .vmxfs/plain."""
        above, name = os.path.split(self.folder)
        above, place = os.path.split(above)
        return os.path.join(above, ".vmxfs/plain", place, name)

    def plain(self, key, value):
        return self.rewrite(self.plain_path(), key, value)

    def plain_append(self, key, value):
        path = self.plain_path()
        text = self.load(path)
        if fold(key) in vmx_text.settings(text):
            return EMPTY
        added = vmx_text.with_setting(text, unfile(key), value)
        with open(path, "ab", buffering=0) as f:
            f.write(added[len(text):])
        return "done"

    def bytes(self):
        return self.load(self.control("raw")), self.load(self.plain_path())


def fail(code):
    raise OSError(code, os.strerror(code))


def check(key, value):
    """Refuses what a key with a type does not take, and what is no UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        fail(errno.EILSEQ)
    if key in RIGHT and not re.fullmatch(RIGHT[key], value.lower()):
        fail(errno.EINVAL)
    if key == b"memsize" and int(value) % 4:
        fail(errno.EINVAL)


class Dictionary:
    """The settings as a dictionary, by their folded names."""

    def __init__(self, text):
        self.values = vmx_text.settings(text)
        self.slots = {}

    def existing(self, key):
        if fold(key) not in self.values:
            fail(errno.ENOENT)
        return self.values[fold(key)]

    def put(self, key, text):
        value = text[:-1] if text.endswith(b"\n") else text
        if value != self.values.get(fold(key)):
            check(fold(key), value)
        self.values[fold(key)] = value
        return "done"

    def set(self, key, text, cuts):
        del cuts
        return self.put(key, text)

    def append(self, key, text):
        if fold(key) not in self.values:
            return self.put(key, text)
        return self.put(key, self.values[fold(key)] + b"\n" + text) if text else "done"

    def create(self, key, text):
        if fold(key) in self.values:
            fail(errno.EEXIST)
        return self.put(key, text)

    def save(self, key, text):
        return self.put(key, text)

    def remove(self, key):
        self.existing(key)
        del self.values[fold(key)]
        return "done"

    def rename(self, key, other):
        value = self.existing(key)
        if fold(key) != fold(other):
            check(fold(other), value)
            self.values[fold(other)] = self.values.pop(fold(key))
        return "done"

    def get(self, key):
        return self.existing(key) + b"\n"

    def stat(self, key):
        return len(self.existing(key)) + 1

    def list(self):
        return sorted(self.values)

    def shorten(self, key, size):
        return self.put(key, (self.existing(key) + b"\n")[:size])

    def hold(self, key, slot):
        self.slots[slot] = self.existing(key) + b"\n"
        return "open"

    def recall(self, slot):
        if slot not in self.slots:
            raise NotOpen
        return self.slots[slot]

    def merge(self, changes):
        for key, value in changes:
            if value is not None:
                check(fold(key), value)
        for key, value in changes:
            if value is None:
                self.values.pop(fold(key), None)
            else:
                self.values[fold(key)] = value
        return "done"

    def raw(self, key, value):
        self.values[fold(key)] = value
        return "done"

    plain = raw

    def plain_append(self, key, value):
        return EMPTY if fold(key) in self.values else self.raw(key, value)


def touched(words):
    """The folded names of the keys that an operation may change."""
    if words[0] == "merge":
        return {fold(key) for key, _ in words[1]}
    return {fold(word) for word in words[1:] if isinstance(word, str)}


class Trial:
    """One run with a new .vmx."""

    def __init__(self, lab, seed, name):
        self.seed, self.lacks = seed, set()
        os.mkdir(os.path.join(lab.server, name))
        self.file = os.path.join(lab.server, name, "vm.vmx")
        text = SAMPLES[seed % len(SAMPLES)]
        with open(self.file, "wb") as f:
            f.write(text)
        self.dictionary = Dictionary(text)
        self.mount = Keys(os.path.join(lab.mount, name, "vm.vmx"), is_local=False)
        local = os.path.join(lab.local, name)
        os.mkdir(local)
        self.local = Keys(local, is_local=True)
        self.follow()

    def follow(self):
        """The local files become what the dictionary is."""
        for name in os.listdir(self.local.folder):
            os.unlink(os.path.join(self.local.folder, name))
        for key, value in self.dictionary.values.items():
            with open(os.path.join(self.local.folder, file_name(key)), "wb") as f:
                f.write(value + b"\n")

    def step(self, number):
        words = operation(self.seed, number)
        before = self.mount.load(self.file)
        got = answer(self.mount, words)
        expected = answer(self.dictionary, words)
        if got != expected and not self.may_answer(words, got):
            return f"the mount answers {told_difference(got, expected)}"
        if words[0] in LOCAL and expected not in ("EINVAL", "EILSEQ"):
            said = answer(self.local, words)
            if said != expected:
                return f"the local directory answers {told_difference(said, expected)}"
        elif words[0] in CHANGES:
            self.follow()
        if expected == "done" and (words[0] == "shorten" or (words[0] in ("set", "append") and not words[2])):
            # What was truncated and not written is a value once the kernel has told of the last close.
            wait_until(lambda: not self.compare_file(before, words, expected) and self.is_settled(words[1]), 60)
        return self.compare_file(before, words, expected)

    def is_settled(self, key):
        return (self.mount.load(self.mount.control("raw")) == self.mount.load(self.file) and
                self.mount.get(key) == self.dictionary.get(key))

    def may_answer(self, words, got):
        """What the mount answers, and the others do not. While somebody reads a key's old text, and
        another spelling of its name was written to, stat shows the old size until cache_timeout."""
        return words[0] == "stat" and got in map(len, self.dictionary.slots.values())

    def compare_file(self, before, words, answered):
        after = self.mount.load(self.file)
        changes = words[0] in CHANGES and answered == "done"
        moved = words[1:] if words[0] == "rename" else (".", ".")
        wrong = vmx_text.damage(before, after, touched(words) if changes else set(), *map(fold, moved))
        if wrong:
            return f"the server's file: {wrong}"
        if vmx_text.settings(after) != self.dictionary.values:
            return "the server's file: " + "; ".join(
                f"{key!r} is {vmx_text.settings(after).get(key)!r}, expected {self.dictionary.values.get(key)!r}"
                for key in sorted({**vmx_text.settings(after), **self.dictionary.values})
                if vmx_text.settings(after).get(key) != self.dictionary.values.get(key))
        if not changes and before != after:
            return "the server's file was rewritten"
        return None

    def finish(self):
        expected = self.mount.load(self.file)
        if self.mount.bytes() != (expected, expected):
            return "raw and plain are not what the server has"
        return self.compare_all()

    def compare_all(self):
        for key, value in self.dictionary.values.items():
            if self.mount.get(file_name(key)) != value + b"\n":
                return f"{key!r} is {self.mount.get(file_name(key))!r}, expected {value!r}"
        return None

    def end(self):
        for slot in range(SLOTS):
            self.mount.release(slot)
