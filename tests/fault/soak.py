#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Uses a mount in all ways at once for a while, and edits on the server's side meanwhile.

usage: soak.py MOUNTPOINT SERVER_FOLDER SECONDS [faults]

The folder holds vm0 to vm5 with keys k1 to k20. Exits with 1 where a call failed in a way that
nothing of this can explain, or where the mount does not show, at the end, what was done on the
server. faults: somebody cuts the link meanwhile, which explains EIO and a lock that is not let go.
"""

import collections
import errno
import os
import random
import shutil
import subprocess
import sys
import threading
import time

MOUNT, SERVER, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
END = time.monotonic() + SECONDS
VMS = 6
PATIENCE_S = 120

# What others do meanwhile explains these. ESTALE: a key was removed, made and removed again while it
# was being opened; the kernel tries twice.
EXPECTED = {errno.ECANCELED, errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ESTALE}
if sys.argv[4:] == ["faults"]:
    EXPECTED |= {errno.EIO, errno.ENOLCK}
calls = collections.Counter()
wrong = collections.Counter()


def vm(i):
    return f"vm{i}/vm{i}.vmx"


def some_key():
    return f"{MOUNT}/{vm(random.randrange(VMS))}/k{random.randint(1, 20)}"


def write(path, text):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def read_keys():
    read(some_key())


def list_all():
    for i in range(VMS):
        for entry in os.scandir(f"{MOUNT}/{vm(i)}"):
            entry.stat()


def read_controls():
    path = f"{MOUNT}/{vm(random.randrange(VMS))}"
    for name in (".vmxfs/check", ".vmxfs/plan/nested-esxi", ".vmxfs/raw", "passthrough-profile"):
        read(f"{path}/{name}")
    read(f"{MOUNT}/.vmxfs/status")
    read(f"{MOUNT}/.vmxfs/errors")


def write_key():
    write(some_key(), f"{random.randrange(10**6)}\n")


def append_key():
    with open(some_key(), "ab", buffering=0) as f:
        f.write(b"+\n")


def edit_in_place():
    path = some_key()
    scratch = os.path.dirname(path) + f"/sed{random.randrange(10**6)}"
    fd = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, b"edited\n")
    os.close(fd)
    os.rename(scratch, path)


def remove_and_create():
    path = some_key()
    os.unlink(path)
    write(path, "again\n")


def rename_key():
    path = f"{MOUNT}/{vm(random.randrange(VMS))}"
    os.rename(f"{path}/k1", f"{path}/moved")
    os.rename(f"{path}/moved", f"{path}/k1")


def profile():
    path = f"{MOUNT}/{vm(random.randrange(VMS))}/passthrough-profile"
    write(path, "nested-esxi\n")
    write(path, "none\n")


def merge():
    write(f"{MOUNT}/{vm(random.randrange(VMS))}/.vmxfs/merge", 'k2 = "m"\nk3 = "n"\n')


def clear(*names):
    """What a call left that failed in the middle."""
    for name in names:
        if os.path.lexists(name):
            shutil.rmtree(name)


def make_and_remove():
    name = f"{MOUNT}/vm0/new{threading.get_ident()}.vmx"
    clear(name, name + ".other.vmx")
    os.mkdir(name)
    write(f"{name}/memSize", "4096\n")
    os.rename(name, name + ".other.vmx")
    shutil.rmtree(name + ".other.vmx")


def plain_files():
    name = f"{MOUNT}/vm1/plain{threading.get_ident()}"
    data = os.urandom(random.randrange(1 << 18))
    with open(name, "wb") as f:
        f.write(data)
    os.rename(name, name + "-2")
    if read(name + "-2") != data:
        wrong["a plain file reads differently"] += 1
    os.unlink(name + "-2")


def folders():
    name = f"{MOUNT}/folder{threading.get_ident()}"
    clear(name)
    os.mkdir(name)
    os.symlink("nowhere", f"{name}/link")
    os.readlink(f"{name}/link")
    shutil.rmtree(name)


def foreign_vmx():
    return f"{SERVER}/{vm(random.randrange(VMS))}"


def foreign_replace():
    path = foreign_vmx()
    with open(path, encoding="utf-8") as f:
        lines = [line for line in f if not line.startswith("k20 ")]
    with open(path + ".foreign", "w", encoding="utf-8") as f:
        f.writelines(lines + [f'k20 = "foreign {random.randrange(10**6)}"\n'])
    os.rename(path + ".foreign", path)


def foreign_sed(path=None, key="k19"):
    value = f"sed {random.randrange(10**6)}"
    subprocess.run(["sed", "-i", f"s/^{key} = .*/{key} = \"{value}\"/; /^appended/d", path or foreign_vmx()],
                   check=True)
    return value


def foreign_append():
    """Once; foreign_sed takes it away."""
    path = foreign_vmx()
    with open(path, encoding="utf-8") as f:
        there = "appended" in f.read()
    if not there:
        with open(path, "a", encoding="utf-8") as f:
            f.write('appended = "yes"\n')


def foreign_vm(then=None):
    """A VM that comes and goes on the server. then: what must be true of its memSize meanwhile."""
    name = "foreign" if then is None else "foreign-last"
    os.mkdir(f"{SERVER}/{name}")
    try:
        with open(f"{SERVER}/{name}/{name}.vmx", "w", encoding="utf-8") as f:
            f.write('displayName = "foreign"\nmemSize = "4096"\n')
        if then:
            then(f"{MOUNT}/{name}/{name}.vmx/memSize")
        else:
            os.scandir(MOUNT).close()
            read(f"{MOUNT}/{name}/{name}.vmx/memSize")
    finally:
        shutil.rmtree(f"{SERVER}/{name}")


FOREIGN = [foreign_replace, foreign_sed, foreign_append, foreign_vm]


def foreign_edits():
    """One after the other: they are no clients of each other."""
    random.choice(FOREIGN)()
    time.sleep(0.2)


def shows(path, text):
    """The mount says what the server has, once its cache is too old; None: nothing is there."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if read(path).decode().rstrip("\n") == text:
                return
        except FileNotFoundError:
            if text is None:
                return
        time.sleep(0.1)
    wrong[f"{path} does not become {text}"] += 1


def check_seen():
    """What was edited on the server shows in the mount."""
    for i in range(VMS):
        shows(f"{MOUNT}/{vm(i)}/k20", foreign_sed(f"{SERVER}/{vm(i)}", "k20"))
    foreign_vm(lambda path: shows(path, "4096"))
    shows(f"{MOUNT}/foreign-last", None)


def work(call):
    while time.monotonic() < END:
        try:
            call()
        except OSError as e:
            if e.errno not in EXPECTED:
                wrong[f"{call.__name__}: {e}"] += 1
                time.sleep(0.1)
        calls[call.__name__] += 1
        time.sleep(0.002)


workers = [read_keys, read_keys, list_all, read_controls, write_key, write_key, append_key,
           edit_in_place, remove_and_create, rename_key, profile, merge, make_and_remove,
           make_and_remove, plain_files, plain_files, folders, foreign_edits]
threads = [threading.Thread(target=work, args=(w,)) for w in workers]
for t in threads:
    t.start()
for t in threads:
    t.join()
check_seen()
for name, n in sorted(calls.items()):
    print(f"{name}: {n}")
for name, n in wrong.most_common(20):
    print(f"{n} times {name}")
sys.exit(1 if wrong else 0)
