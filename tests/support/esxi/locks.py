# SPDX-License-Identifier: MIT
"""Locks. On VMFS whoever wants a file that a running VM has open is refused: EBUSY where the VM runs,
EINVAL on other hosts. Of a running VM that is its lock file, its swap files and the extents of the
disks it writes; a disk below a snapshot, its descriptors, the .vmx and the logs can be read. On NFS
there is a lock file for each, and nothing is refused."""
import errno
import os
import re

import stores
import vmx

OTHER = ("00:50:56:03:3e:f1", "10.20.30.42")
OWN = ("00:50:56:01:22:33", "10.20.30.41")
NUMBERS = {"exclusive": 1, "read-only": 2, "multi-writer": 3}
DISK = re.compile(
    r'(?im)^[ \t]*((?:scsi|sata|ide|nvme)\d+:\d+\.fileName)[ \t]*=[ \t]*"([^"\n]*\.vmdk)"')
EXTENT = re.compile(r'(?m)^RW \d+ \w+ "([^"\n]+)"')


def disks_of(text):
    """(setting, name of the descriptor) of each."""
    return DISK.findall(text)


def extents_of(vm):
    folder = os.path.dirname(vm["path"])
    files = []
    for _, name in disks_of(vm["copy"]):
        descriptor = os.path.join(folder, name)
        files += [os.path.join(os.path.dirname(descriptor), extent)
                  for extent in EXTENT.findall(vmx.read_file(descriptor) or "")]
    return files


def lock_of(host, path):
    """The lock file of a .vmx, on NFS of any file."""
    if stores.is_nfs(host, path):
        return os.path.join(os.path.dirname(path), f".lck-{os.stat(path).st_ino:016x}")
    return path + ".lck"


def hold(host, vm):
    """A VM begins to run."""
    files = [vm["path"]]
    if stores.is_nfs(host, vm["path"]):
        files += filter(os.path.exists, extents_of(vm))
    vm["locks"] = [lock_of(host, path) for path in files]
    for path in vm["locks"]:
        host.touch(path, 0o600)


def files_of(vm):
    """What a VM has open while it runs."""
    files = vm["locks"]
    return [*files, vm["swap"], swap_of_vmx(vm), *extents_of(vm)] if vm["power"] == "on" else files


def swap_of_vmx(vm):
    """The other swap file, of the process that runs the VM."""
    folder, name = os.path.split(vm["swap"])
    return os.path.join(folder, f"vmx-{name[:-len('.vswp')]}-1.vswp")


def holders(host):
    """For each file that is held: by whom, how (a key of NUMBERS), and the errno of an open."""
    found = {}
    for path in host.state["locked"]:
        for file in (path, path + ".lck"):
            if not stores.is_nfs(host, path):
                found[file] = (OTHER, "exclusive", errno.EINVAL)
    for path, mode in host.state["locks"].items():
        found[path] = (OTHER, mode, errno.EBUSY if mode == "exclusive" else 0)
    for vm in host.state["vms"].values():
        if vm.get("locks") and not stores.is_nfs(host, vm["path"]):
            for path in files_of(vm):
                found[path] = (OWN, "exclusive", errno.EBUSY)
            found.setdefault(vm["path"], (OWN, "exclusive", 0))
    return found


def lock(host, path, mode):
    """Another host has the file: the .vmx of a VM that runs there, or one of any other kind."""
    path = host.resolve(path)
    if path.endswith(".vmx") and mode == "exclusive":
        host.state["locked"].append(path)
        host.touch(lock_of(host, path), 0o600)
    else:
        host.state["locks"][path] = mode


def unlock(host, path):
    path = host.resolve(path)
    if host.state["locks"].pop(path, None) is None:
        host.state["locked"].remove(path)
        os.unlink(lock_of(host, path))


def dump(host, path):
    """vmkfstools -D: the last twelve digits of an owner are its network address. The second "mode"
    is the file's permissions."""
    path = host.resolve(path)
    info = os.stat(path)
    owner, mode, _ = holders(host).get(path, (None, None, 0))
    number, uuid = NUMBERS.get(mode, 0), "00000000-00000000-0000-000000000000"
    spelled = f"5f1e2d00-0a1b2c3d-4e5f-{owner[0].replace(':', '')}" if owner else ""
    print(f"Lock [type 10c00001 offset {info.st_ino * 512} v 44, hb offset 4091904\n"
          f"gen 6155, mode {number}, owner {spelled if number == 1 else uuid} mtime 23668 "
          f"nHld {int(number > 1)} nOvf 0]")
    if number > 1:
        print(f"{'RO' if number == 2 else 'MW'} Owner[0] HB Offset 4091904 {spelled}")
    print(f"Addr <4, 558, {info.st_ino % 1000}>, gen 6, links 1, type reg, flags 0, uid 0, gid 0, "
          f"mode {info.st_mode & 0o777:o}\n"
          f"len {info.st_size}, nb 0 tbz 0, cow 0, newSinceEpoch 0, zla 4305, bs 8192")
