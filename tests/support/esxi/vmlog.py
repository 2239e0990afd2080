# SPDX-License-Identifier: MIT
"""vmware.log, in the form of the release."""
import os
import time

import faults
import vmx

FORMS = ((7, "{time}| vmx| I125: {text}\n"), (8, "{time}| vmx| | I005: {text}\n"),
         (99, "{time} In(05) vmx - {text}\n"))


def path_of(vm):
    return os.path.join(os.path.dirname(vm["path"]), "vmware.log")


def begin(host, vm):
    """Each power-on has a log of its own; the one before is kept under a number."""
    path = path_of(vm)
    if os.path.exists(path):
        n = 1
        while os.path.exists(f"{path[:-len('.log')]}-{n}.log"):
            n += 1
        os.rename(path, f"{path[:-len('.log')]}-{n}.log")
    vmx.write_file(path, "")
    add(host, vm, [f"Log for VMware ESX pid=1 version={host.state['version']} "
                   f"build=build-{host.state['build']} option=Release"])


def add(host, vm, lines):
    major = faults.number(host.state["version"])[0]
    form = next(form for before, form in FORMS if major < before)
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    with open(path_of(vm), "a", encoding="utf-8", errors="surrogateescape") as f:
        f.writelines(form.format(time=now, text=line) for line in lines)


def post(host, vm, kind, found):
    """What hostd is told of, too: a line for each message."""
    add(host, vm, [f"Msg_Post: {kind}", *(f"[{key}] {line}" for key, _, text in found
                                          for line in text.rstrip("\n").split("\n")), "-" * 40])


def failed(host, vm, refusal):
    add(host, vm, refusal.log)
    post(host, vm, "Error", [*refusal.found, faults.stage(refusal.module),
                             ("msg.vmx.poweron.failed", [], "Failed to start the virtual machine.")])
    add(host, vm, [f"Module '{refusal.module}' power on failed."])
