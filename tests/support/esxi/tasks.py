# SPDX-License-Identifier: MIT
"""What hostd does while others ask it for other things. A task belongs to a VM and is carried on by
a process of its own, which outlives the command that began it and the command's connection."""
import os
import sys
import time

import faults
import host as esxi

POLL = 0.05
KEPT = 60.0  # so long is a finished task still listed


def begin(host, number, name):
    """The key of a new task; the VM's own until it is over."""
    host.state["task"] += 1
    key = f"haTask-{number}-vim.VirtualMachine.{name}-{host.state['task']}"
    host.state["tasks"][key] = {"vm": number, "name": name, "state": "running", "fault": None,
                                "begun": time.time(), "ended": None}
    host.vm(number)["task"] = key
    return key


def end(host, key, fault=None):
    task = host.state["tasks"][key]
    task.update(state="error" if fault else "success", ended=time.time(),
                fault=fault.kept if fault else None)
    host.vm(task["vm"])["task"] = None


def forget(host, age=KEPT):
    tasks, now = host.state["tasks"], time.time()
    host.state["tasks"] = {key: t for key, t in tasks.items()
                           if t["ended"] is None or now - t["ended"] < age}


def is_running(host, key):
    task = host.state["tasks"].get(key)
    return task is not None and task["state"] == "running"


def wait(root, key):
    """Until the task is over: its state and fault, or None if it was forgotten. Refused: hostd,
    which tells it, is down; the task goes on."""
    while True:
        with esxi.Host(root) as host:
            host.expect_hostd()
            if not is_running(host, key):
                return host.state["tasks"].get(key)
        time.sleep(POLL)


def detach(keep=()):
    """Whether this is the process that goes on alone: it is nobody's child, so that it stays when
    its session, connection and server end."""
    child = os.fork()
    if child != 0:
        os.waitpid(child, 0)
        return False
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    for descriptor in set(range(3, 256)) - set(keep):
        try:
            os.close(descriptor)
        except OSError:
            pass
    return True


def alone(root, what):
    """Calls what(host) again and again until it is true, or the host is gone or stopped."""
    if not detach():
        return
    status = 1
    try:
        with esxi.Host(root) as host:
            host.state["workers"].append(os.getpid())
        done = False
        while not done and os.path.exists(os.path.join(root, "state.json")):
            with esxi.Host(root) as host:
                done = os.getpid() not in host.state["workers"] or what(host)
                if done and os.getpid() in host.state["workers"]:
                    host.state["workers"].remove(os.getpid())
            if not done:
                time.sleep(POLL)
        status = 0
    finally:
        os._exit(status)


def await_end(workers):
    for worker in workers:
        while os.path.exists(f"/proc/{worker}"):
            time.sleep(POLL)


def listing(host, number=None):
    keys = [key for key, t in host.state["tasks"].items() if number in (None, t["vm"])]
    if not keys:
        print("(ManagedObjectReference) []")
        return
    print("(ManagedObjectReference) [")
    print(",\n".join(f"   'vim.Task:{key}'" for key in keys))
    print("]")


def utc(seconds):
    if seconds is None:
        return "<unset>"
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f'"{whole}.{int(seconds % 1 * 1e6):06d}Z"'


def info(host, key):
    task, version = host.state["tasks"].get(key), host.state["version"]
    if task is None:
        raise faults.Fault("vmodl.fault.ManagedObjectNotFound",
                           "The object has already been deleted or has not been completely created",
                           [("obj", f"'vim.Task:{key}'")])
    error = faults.of_task(task["fault"]).told(version, "   ") if task["fault"] else \
        "(vmodl.MethodFault) null"
    over = task["ended"] is not None
    fields = [("key", f'"{key}"'), ("name", f'"vim.VirtualMachine.{task["name"]}"'),
              ("entity", f"'vim.VirtualMachine:{task['vm']}'"),
              ("entityName", f'"{host.name_of(host.state["vms"].get(task["vm"]))}"'),
              ("state", f'"{task["state"]}"'), ("cancelled", "false"), ("cancelable", "false"),
              ("error", error), ("progress", "100" if over else "40"),
              ("queueTime", utc(task["begun"])), ("startTime", utc(task["begun"])),
              ("completeTime", utc(task["ended"]))]
    print("(vim.TaskInfo) {")
    if faults.number(version) < (6, 5):
        print("   dynamicType = <unset>, ")
    for name, value in fields:
        print(f"   {name} = {value}, ")
    print("   parentTaskKey = <unset>\n}")
    sys.stdout.flush()
