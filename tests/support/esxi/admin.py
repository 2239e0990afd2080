# SPDX-License-Identifier: MIT
"""What happens to a test host other than by its commands. Run by esxi.sh, which says how."""
import inspect
import os
import sys

import failures
import faults
import host as esxi
import lab
import locks
import power
import questions
import snapshots
import stores
import tasks


def install(host, kind, nested, version, build, empty, hard):
    if not host.state:
        host.install(kind, nested == "yes", version, int(build), hard == "yes")
        lab.make(host, empty == "yes")
        if hard == "yes":
            stores.add(host)
    programs = os.path.dirname(os.path.abspath(__file__))
    commands = os.path.join(host.root, "bin")
    os.makedirs(commands, exist_ok=True)
    for name in ("vmware", "esxcli", "vim-cmd", "vmfsfilelockinfo", "vmkfstools"):
        link = os.path.join(commands, name)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(os.path.join(programs, name), link)
    open(os.path.join(host.root, "commands"), "a").close()
    print("gate" if host.state["hard"] else "")


def register(host, path, number=None):
    print(host.register(path, number))


def unregister(host, name):
    host.unregister(host.vm_named(name))


def client_edit(host, name, key, value):
    host.client_edit(host.vm_named(name), key, value)


def guest_memory(host, name):
    vm = host.vm_named(name)
    power.expect(host, vm, "on", "on")
    print(vm["memory"])


def lock(host, path, mode="exclusive"):
    if mode not in locks.NUMBERS:
        raise faults.Refused(f"no such mode: {mode} ({', '.join(locks.NUMBERS)})")
    locks.lock(host, path, mode)


def slow(host, on, off):
    host.state["slow"] = [float(on), float(off)]


def question(host, name, kind=None):
    """Of a running VM it stands at once."""
    vm = host.vm_named(name)
    kind = kind or questions.kind_of(host.state["version"])
    if vm["power"] == "on":
        questions.ask(host, vm, kind)
    elif kind in questions.KINDS or os.path.isfile(kind):
        vm["ask"] = os.path.abspath(kind) if kind not in questions.KINDS else kind
    else:
        raise faults.Refused(f"no such question: {kind} (there are {', '.join(questions.KINDS)})")


def tools(host, name, there, host_name=None, *addresses):
    vm = host.vm_named(name)
    vm.update({"tools": there == "yes", "host-name": host_name, "addresses": list(addresses)})


def hostd(host, how):
    """It forgets the tasks that are over, and no VM stops for it."""
    host.state["hostd"] = how == "up"
    if how == "up":
        tasks.forget(host, 0)


def maintenance(host, how):
    host.state["maintenance"] = how == "on"


def slow_command(host, program, seconds):
    host.state[f"slow-{program}"] = float(seconds)


def account(host):
    failures = os.path.join(host.root, "sshd/failures")
    if os.path.exists(failures):
        os.unlink(failures)


def fails(host, name, kind):
    """At the next power-on, or now while the VM runs."""
    vm = host.vm_named(name)
    if kind in failures.AT_RUN_TIME:
        power.breaks(host, vm, failures.AT_RUN_TIME[kind])
    else:
        vm["fails"] = failures.staged(kind)


VERBS = {"install": install, "register": register, "unregister": unregister,
         "client-edit": client_edit, "guest-memory": guest_memory, "lock": lock,
         "unlock": locks.unlock,
         "reboot": power.reboot, "halt": power.halt, "slow": slow, "question": question,
         "tools": tools, "hostd": hostd, "slow-command": slow_command, "fails": fails,
         "account": account, "maintenance": maintenance,
         "snapshot": lambda host, vm, name: snapshots.take(host, host.vm_named(vm), name),
         "volumes": stores.add,
         "hang": lambda host, name: stores.hang(host, name, True),
         "unhang": lambda host, name: stores.hang(host, name, False),
         "forget": lambda host: tasks.forget(host, 0)}


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in VERBS:
        print("usage: esxi.sh", "|".join(sorted(set(VERBS) - {"install", "halt"})), "DIR WORD...",
              file=sys.stderr)
        return 2
    verb, root, *words = sys.argv[1:]
    try:
        inspect.signature(VERBS[verb]).bind(None, *words)
    except TypeError as wrong:
        print(f"esxi.sh: {verb}: {wrong}", file=sys.stderr)
        return 2
    os.makedirs(os.path.join(root, "vmfs/volumes"), exist_ok=True)
    try:
        with esxi.Host(root) as host:
            later = VERBS[verb](host, *words)
        if later:
            later()
    except esxi.Refused as refused:
        print(f"esxi.sh: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
