# SPDX-License-Identifier: MIT
"""Every operation that changes something on the server, and what it promises.

An operation begins with the files of "before" and ends with those of "after". Told success, the
server has "after"; told failure, it has "before", or "after" where the answer was lost (EIO says so
in the manual), or something in between that the manual documents (explains). What comes next is a
second change of the same thing ("again"), which must be there once it has been acknowledged,
whatever an old connection's server process still does.
"""

import errno
import os
import threading

WRITERS = 8
BASE = "".join(f'{key} = "{value}"\n' for key, value in (
    (".encoding", "UTF-8"), ("config.version", "8"), ("virtualHW.version", "19"), ("displayName", "vm"),
    ("guestOS", "vmkernel8"), ("firmware", "efi"), ("memSize", "16384"), ("numvcpus", "4"),
    ("annotation", "hello"))) + "# a comment\n" + "".join(f'k{i} = "0"\n' for i in range(WRITERS))
OTHER = BASE.replace("vmkernel8", "other-64")
AGAIN = BASE.replace("vmkernel8", "again")
SIZE = 70000
OLD, NEW = "O" * SIZE, "N" * SIZE


def write(path, text):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(fd, text.encode())
    except OSError:
        try:
            os.close(fd)
        except OSError:
            pass  # the write has said it
        raise
    os.close(fd)


class Operation:
    """do and again raise OSError. do may return errnos of its own (group)."""

    def __init__(self, name, before, after, do):
        self.name, self.before, self.after, self.change = name, before, after, do

    def warm(self, place):
        for name in os.listdir(place.mount):
            if os.path.isdir(f"{place.mount}/{name}") and "memSize" in os.listdir(f"{place.mount}/{name}"):
                with open(f"{place.mount}/{name}/memSize", encoding="ascii") as f:
                    f.read()

    def do(self, place):
        self.change(place)

    def explains(self, _files):
        return False

    def documents(self):
        """The names of .vmx files that take part."""
        return [name for name in sorted(set(self.before) | set(self.after)) if name.endswith(".vmx")]

    def wrong(self, told, files):
        """What is wrong with these files after that answer, or None."""
        if files == self.after or (told and files == self.before):
            return None
        if told and self.explains(files):
            return None
        if files == self.before:
            return "lost: told success, and it is as before"
        return f"torn: {difference(self.after, files)}"


def difference(wanted, files):
    """For a person: where files are not as wanted."""
    for name in sorted(set(wanted) | set(files)):
        if wanted.get(name) != files.get(name):
            return f"{name}: {excerpt(files.get(name))}, wanted {excerpt(wanted.get(name))}"
    return "nothing"


def excerpt(text):
    if text is None:
        return "not there"
    return repr(text) if len(text) < 100 else f"{len(text)} bytes {text[:40]!r}...{text[-40:]!r}"


class Edit(Operation):
    """Of a .vmx, by any of the ways that vmxfs offers. after None: what a run without faults makes."""

    def __init__(self, name, do, after, before=BASE):
        super().__init__(name, {"vm.vmx": before}, {"vm.vmx": after}, do)

    def again(self, place):
        write(f"{place.mount}/vm.vmx/guestOS", "again\n")

    def after_again(self, files):
        return dict(files, **{"vm.vmx": files["vm.vmx"].replace('"vmkernel8"', '"again"')})


class Group(Edit):
    """Eight writers of one .vmx at a time: each is told of its own key."""

    def __init__(self):
        after = BASE
        for i in range(WRITERS):
            after = after.replace(f'k{i} = "0"', f'k{i} = "1"')
        super().__init__("group of 8", None, after)

    def do(self, place):
        told = [0] * WRITERS

        def one(i):
            try:
                write(f"{place.mount}/vm.vmx/k{i}", "1\n")
            except OSError as e:
                told[i] = e.errno

        threads = [threading.Thread(target=one, args=(i,)) for i in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told

    def wrong(self, told, files):
        text = files.get("vm.vmx", "")
        for i in range(WRITERS):
            if f'k{i} = "1"\n' not in text and not (isinstance(told, list) and told[i]):
                return f"lost: k{i}"
            text = text.replace(f'k{i} = "1"', f'k{i} = "0"')
        return None if text == BASE else f"torn: {difference({'vm.vmx': BASE}, {'vm.vmx': text})}"


class Whole(Operation):
    """Of names and whole files. again writes a file anew, under a name that the operation had."""

    def __init__(self, name, before, after, do, again, between=()):
        super().__init__(name, before, after, do)
        self.name_again, self.between = again, between

    def explains(self, files):
        return files in self.between

    def again(self, place):
        write(f"{place.plain}/{self.name_again}", AGAIN)

    def after_again(self, files):
        return dict(files, **{self.name_again: AGAIN})


class Bytes(Operation):
    """Writes into a plain file, which nobody promises to be atomic. With keep the file stays open, so
    that the second write is known to be one of the same file."""

    def __init__(self, name, before, keep):
        super().__init__(name, before, {"data.bin": NEW}, None)
        self.keep = keep

    @staticmethod
    def put(place, letter):
        if place.open_file is None:
            place.open_file = os.open(f"{place.mount}/data.bin", os.O_RDWR | os.O_CREAT, 0o644)
        os.pwrite(place.open_file, letter.encode() * SIZE, 0)
        os.fsync(place.open_file)

    def do(self, place):
        self.put(place, "N")
        if not self.keep:
            raise_errno(place.close())

    def explains(self, files):
        return set(files.get("data.bin", "")) <= set("ON\0")

    def again(self, place):
        self.put(place, "B")
        if not self.keep:
            raise_errno(place.close())

    def after_again(self, files):
        return dict(files, **{"data.bin": "B" * SIZE})


class Copied(Bytes):
    """The same by the server, which copies them from another file."""

    def __init__(self, name, before, keep):
        super().__init__(name, dict(before, **{"source.bin": NEW}), keep)
        self.after["source.bin"] = NEW

    @staticmethod
    def put(place, letter):
        if letter != "N":
            return Bytes.put(place, letter)
        source = os.open(f"{place.mount}/source.bin", os.O_RDONLY)
        try:
            place.open_file = os.open(f"{place.mount}/data.bin", os.O_RDWR | os.O_CREAT, 0o644)
            done = 0
            while done < SIZE and (n := os.copy_file_range(source, place.open_file, SIZE - done, done, done)):
                done += n
            os.fsync(place.open_file)
        finally:
            os.close(source)


def change(place, name):
    """Changes this .vmx, or makes and removes it where there is none."""
    path = f"{place.mount}/{name}"
    if name in place.files():
        write(f"{path}/numvcpus", "2\n")
    else:
        os.mkdir(path)
        os.rmdir(path)


def raise_errno(number):
    if number:
        raise OSError(number, os.strerror(number))


def with_value(key, value, text=BASE):
    return "".join(f'{key} = "{value}"\n' if line.startswith(f"{key} = ") else line
                   for line in text.splitlines(True))


MERGED = with_value("memSize", "8192").replace('annotation = "hello"\n', "") + 'newkey = "7"\n'
RAW = with_value("memSize", "8192")


def operations():
    """profile and none need what a run without faults makes of BASE: learn() fills it in."""
    return [
        Edit("set", lambda p: write(f"{p.mount}/vm.vmx/memSize", "8192\n"), RAW),
        Edit("create", lambda p: write(f"{p.mount}/vm.vmx/newkey", "7\n"), BASE + 'newkey = "7"\n'),
        Edit("remove", lambda p: os.unlink(f"{p.mount}/vm.vmx/annotation"),
             BASE.replace('annotation = "hello"\n', "")),
        Edit("rename of a key", lambda p: os.rename(f"{p.mount}/vm.vmx/annotation", f"{p.mount}/vm.vmx/other"),
             BASE.replace("annotation", "other")),
        Edit("profile", lambda p: write(f"{p.mount}/vm.vmx/passthrough-profile", "nested-esxi mmio=32\n"), None),
        Edit("none", lambda p: write(f"{p.mount}/vm.vmx/passthrough-profile", "none\n"), BASE, before=None),
        Edit("merge", lambda p: write(f"{p.mount}/vm.vmx/.vmxfs/merge",
                                      'memSize = "8192"\nnewkey = "7"\n-annotation\n'), MERGED),
        Edit("raw", lambda p: write(f"{p.mount}/vm.vmx/.vmxfs/raw", RAW), RAW),
        Edit("write of a plain .vmx", lambda p: write(f"{p.plain}/vm.vmx", RAW), RAW),
        Group(),
        Whole("move of a .vmx", {"vm.vmx": BASE}, {"other.vmx": BASE},
              lambda p: os.rename(f"{p.mount}/vm.vmx", f"{p.mount}/other.vmx"), again="vm.vmx"),
        Whole("move of a .vmx onto one", {"vm.vmx": BASE, "other.vmx": OTHER}, {"vm.vmx": OTHER},
              lambda p: os.rename(f"{p.plain}/other.vmx", f"{p.plain}/vm.vmx"), again="other.vmx"),
        Whole("move of a file onto a .vmx", {"vm.vmx": BASE, "upload": OTHER}, {"vm.vmx": OTHER},
              lambda p: os.rename(f"{p.plain}/upload", f"{p.plain}/vm.vmx"), again="upload",
              between=({"vm.vmx": OTHER, "upload": OTHER},)),
        Whole("mkdir of a .vmx", {}, {"vm.vmx": ""}, lambda p: os.mkdir(f"{p.mount}/vm.vmx"), again="vm.vmx"),
        Whole("rmdir of a .vmx", {"vm.vmx": ""}, {}, lambda p: os.rmdir(f"{p.mount}/vm.vmx"), again="vm.vmx"),
        Bytes("plain write", {"data.bin": OLD}, keep=True),
        Bytes("plain write, closed", {"data.bin": OLD}, keep=False),
        Bytes("new plain file", {}, keep=True),
        Copied("plain copy", {"data.bin": OLD}, keep=True),
        Copied("plain copy, closed", {"data.bin": OLD}, keep=False),
        Copied("copy to a new plain file", {}, keep=True),
        Whole("plain rename", {"data.bin": OLD}, {"other.bin": OLD},
              lambda p: os.rename(f"{p.mount}/data.bin", f"{p.mount}/other.bin"), again="data.bin"),
        Whole("plain unlink", {"data.bin": OLD}, {}, lambda p: os.unlink(f"{p.mount}/data.bin"), again="data.bin"),
        Whole("plain truncate", {"data.bin": OLD}, {"data.bin": OLD[:1000]},
              lambda p: os.truncate(f"{p.mount}/data.bin", 1000), again="data.bin"),
    ]


def learn(operation_list, applied):
    """applied: BASE with the profile."""
    for operation in operation_list:
        if operation.name == "profile":
            operation.after = {"vm.vmx": applied}
        elif operation.name == "none":
            operation.before = {"vm.vmx": applied}


def tell(call, *arguments):
    """0, an errno, or what a group was told."""
    try:
        return call(*arguments) or 0
    except OSError as e:
        return e.errno


def errors(told):
    return {one for one in (told if isinstance(told, list) else [told]) if one}


def said(told):
    """For a person."""
    if isinstance(told, list):
        return ",".join(said(one) for one in told)
    return "success" if told == 0 else errno.errorcode.get(told, str(told))
