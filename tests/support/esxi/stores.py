# SPDX-License-Identifier: MIT
"""The volumes of a host, as its list of file systems shows them.

A volume is a folder below vmfs/volumes that is called by its UUID, with a link of its name beside
it. What is known of it otherwise is kept in the state by the UUID: name, type, size, and whether it
hangs. What a test puts there itself is a VMFS datastore."""
import os

from faults import Refused

GIB = 1 << 30
# uuid: name, type, size. ESXi's own volumes have names that begin with these words since 7.0.
OWN = {
    "3d7f9a10-8c4be2f1-0a77-2b9d1e6f4c01": ("BOOTBANK1", "vfat", 4293591040),
    "b1c40e52-96d3a7f8-51de-90c2f7a3be02": ("BOOTBANK2", "vfat", 4293591040),
    "5f1e2d3a-11223344-aabb-001122334455": ("OSDATA-5f1e2d3a-11223344-aabb-001122334455", "VMFSOS",
                                            128580583424),
    "5f1e2d39-55667788-ccdd-001122334455": ("LOCKER-5f1e2d39-55667788-ccdd-001122334455", "VMFSOS",
                                            12884901888),
    "vsan:52a8b1c2d3e4f506-1728394a5b6c7d8e": ("vsanDatastore", "vsan", 2 * 1024 * GIB),
    "c7a1d5e9-0b42f816": ("nfs-iso", "NFS", 1024 * GIB),
}


VSAN_FOLDER = "9c3b5f5e-7a41-08d2-66e0-001122334455"


def add(host):
    """All that a real host has beside its datastores."""
    for uuid, (name, kind, size) in OWN.items():
        os.makedirs(os.path.join(host.volumes, uuid), exist_ok=True)
        link = os.path.join(host.volumes, name)
        if not os.path.lexists(link):
            os.symlink(uuid, link)
        host.state["stores"][uuid] = {"name": name, "type": kind, "size": size}
    # Folders of a vSAN datastore are called by UUIDs, with a link of the name beside each.
    top = os.path.join(host.volumes, next(u for u, (_, kind, _) in OWN.items() if kind == "vsan"))
    os.makedirs(os.path.join(top, VSAN_FOLDER), exist_ok=True)
    if not os.path.lexists(os.path.join(top, "isos")):
        os.symlink(VSAN_FOLDER, os.path.join(top, "isos"))
    for folder in ("packages", "vmkdump", "var"):
        os.makedirs(os.path.join(host.volumes, list(OWN)[2], folder), exist_ok=True)


def names(host):
    """The name of each volume by its UUID, which stands for it where no link does."""
    found = {}
    for name in sorted(os.listdir(host.volumes)):
        path = os.path.join(host.volumes, name)
        if os.path.islink(path):
            found[os.readlink(path).rstrip("/").split("/")[-1]] = name
        else:
            found.setdefault(name, "")
    return {uuid: name for uuid, name in found.items()
            if os.path.isdir(os.path.join(host.volumes, uuid))}


def rows(host):
    """Mount point, name, UUID, mounted, type, size and free bytes. What is not there has none."""
    default = "VMFS-5" if host.is_old() else "VMFS-6"
    for uuid, name in sorted(names(host).items()):
        kept = host.state["stores"].get(uuid, {})
        mounted, size = not kept.get("hangs"), kept.get("size", 499 * GIB)
        yield (os.path.join(host.volumes, uuid), name or kept.get("name", ""), uuid, mounted,
               kept.get("type", default), size if mounted else 0, size // 3 if mounted else 0)


def listing(host):
    """Words stand on the left of their columns, numbers and truth on the right."""
    titles = ("Mount Point", "Volume Name", "UUID", "Mounted", "Type", "Size", "Free")
    cells = [[str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in row]
             for row in rows(host)]
    widths = [max(len(cell) for cell in column) for column in zip(titles, *cells)]
    print("  ".join(t.ljust(width) for t, width in zip(titles, widths)).rstrip())
    print("  ".join("-" * width for width in widths))
    for row in cells:
        print("  ".join(cell.rjust(width) if n in (3, 5, 6) else cell.ljust(width)
                        for n, (cell, width) in enumerate(zip(row, widths))))


def hang(host, name, hangs):
    """By name or UUID."""
    for uuid, known in names(host).items():
        if name in (uuid, known):
            host.state["stores"].setdefault(uuid, {"name": known})["hangs"] = hangs
            return
    raise Refused(f"no datastore {name}")


def is_nfs(host, path):
    uuid = os.path.relpath(path, host.volumes).split("/")[0]
    return host.state["stores"].get(uuid, {}).get("type") == "NFS"


def hanging(host):
    return [uuid for uuid, kept in host.state["stores"].items() if kept.get("hangs")]


def without_mkdir(host):
    """Those in which a folder is made by a program of its own only."""
    return [uuid for uuid, kept in host.state["stores"].items() if kept.get("type") == "vsan"]
