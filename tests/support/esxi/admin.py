# SPDX-License-Identifier: MIT
"""What happens to a test host other than by its commands. Run by esxi.sh, which says how."""
import inspect
import os
import sys

import host as esxi
import lab


def install(host, kind, nested, version, build, empty):
    if not host.state:
        host.install(kind, nested == "yes", version, int(build))
        lab.make(host, empty == "yes")
    programs = os.path.dirname(os.path.abspath(__file__))
    commands = os.path.join(host.root, "bin")
    os.makedirs(commands, exist_ok=True)
    for name in ("vmware", "esxcli", "vim-cmd", "vmfsfilelockinfo"):
        link = os.path.join(commands, name)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(os.path.join(programs, name), link)
    open(os.path.join(host.root, "commands"), "a").close()


def register(host, path, number=None):
    print(host.register(path, number))


def unregister(host, name):
    host.unregister(host.vm_named(name))


def client_edit(host, name, key, value):
    host.client_edit(host.vm_named(name), key, value)


def guest_memory(host, name):
    vm = host.vm_named(name)
    esxi.expect(vm, "on")
    print(vm["memory"])


def lock(host, path):
    path = host.resolve(path)
    host.state["locked"].append(path)
    esxi.touch(path + ".lck", 0o600)


def unlock(host, path):
    path = host.resolve(path)
    host.state["locked"].remove(path)
    os.unlink(path + ".lck")


VERBS = {"install": install, "register": register, "unregister": unregister,
         "client-edit": client_edit, "guest-memory": guest_memory, "lock": lock, "unlock": unlock,
         "reboot": lambda host: host.reboot()}


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in VERBS:
        print("usage: esxi.sh", "|".join(sorted(set(VERBS) - {"install"})), "DIR WORD...",
              file=sys.stderr)
        return 2
    verb, root, *words = sys.argv[1:]
    try:
        inspect.signature(VERBS[verb]).bind(None, *words)
    except TypeError as wrong:
        print(f"esxi.sh: {verb}: {wrong}", file=sys.stderr)
        return 2
    os.makedirs(os.path.join(root, "vmfs/volumes"), exist_ok=True)
    with esxi.Host(root) as host:
        try:
            VERBS[verb](host, *words)
        except esxi.Refused as refused:
            print(f"esxi.sh: {refused}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
