# SPDX-License-Identifier: MIT
"""How VMs are switched on and off. A .vmx is written then, from hostd's copy."""
import os
import time

import faults
import locks
import questions
import refusals
import rewrites
import tasks
import vmlog
import vmx


def expect(host, vm, wanted, *powers):
    """A VM's power is one of these, or the fault says that another was wanted."""
    if vm["power"] not in powers:
        raise faults.wrong_state(vm["power"], wanted, host.state["version"])


def expect_idle(vm):
    if vm.get("task"):
        raise faults.busy()


def expect_tools(vm):
    if not vm.get("tools", True):
        raise faults.no_tools()


# On: the task waits for the answer to a question, then for as long as a power-on takes.

def begin(host, number):
    """The key of the task, which may be over already."""
    vm = host.vm(number)
    expect_idle(vm)
    expect(host, vm, "on", "off", "suspended")
    number = host.number_of(vm)
    key = tasks.begin(host, number, "powerOn")
    if host.state["maintenance"]:
        tasks.end(host, key, faults.in_maintenance())
        return key
    if vm["copy"] is not None and vm["path"] not in host.state["locked"]:
        vmlog.begin(host, vm)
        locks.hold(host, vm)
        ask(host, vm)
    step(host, key)
    return key


def ask(host, vm):
    kind = vm.pop("ask", None)
    if kind is None and questions.was_altered(host, vm, vm["copy"]):
        kind = questions.kind_of(host.state["version"])
    if kind is None:
        return
    questions.ask(host, vm, kind)
    text = vm["question"]["text"]
    vmlog.post(host, vm, "Question", [(questions.key_of(text), [], questions.words_of(text))])
    number = questions.settled(text, vm["copy"])
    if number is not None:
        questions.answer(vm, vm["question"]["id"], number)


def step(host, key):
    """Goes on with a power-on as far as it can now. True: it is over."""
    if not tasks.is_running(host, key):
        return True
    task = host.state["tasks"][key]
    vm = host.vm(task["vm"])
    if vm.get("question"):
        return False
    task.setdefault("goes", time.time())
    if time.time() < task["goes"] + host.state["slow"][0] and not vm.get("answer"):
        return False
    try:
        if vm.get("answer"):
            vm["copy"] = questions.applied(host, vm, vm["copy"])
            return step(host, key)
        complete(host, vm)
        tasks.end(host, key)
    except faults.Fault as fault:
        host.remove_traces(vm)
        tasks.end(host, key, fault)
    return True


def complete(host, vm):
    refusal = refusals.of_vm(host, vm)
    vm.pop("fails", None)
    if refusal:
        if vm["copy"] is not None and vm["path"] not in host.state["locked"]:
            vmlog.failed(host, vm, refusal)
        raise refusal.fault()
    text = vm["copy"]
    stem = vm["path"][:-len(".vmx")]
    vm["swap"] = f"{stem}-{hash_of(vm['path']):08x}.vswp"
    text = rewrites.at_power_on(host, vm, text)
    host.write(vm, text)
    host.touch(vm["swap"], 0o600)
    drop_image(vm)
    host.touch(locks.swap_of_vmx(vm), 0o600)
    vmlog.devices(host, vm)
    vmlog.add(host, vm, [f"Powering on guestOS '{vmx.get(text, 'guestOS')}'",
                         "Transitioned vmx/execState/val to poweredOn"])
    host.state["world"] += 7
    vm.update(power="on", memory=vmx.get(text, "memSize"), world=host.state["world"])


def hash_of(text):
    value = 5381
    for byte in os.fsencode(text):
        value = (value * 33 + byte) & 0xffffffff
    return value


# Off

def off(host, vm, from_guest=False):
    expect_idle(vm)
    expect(host, vm, "off", "on", "suspended")
    stop(host, vm, rewrites.at_power_off(host, vm["copy"], from_guest), "off")


def image_of(vm):
    """Of a suspended VM."""
    return os.path.join(os.path.dirname(vm["path"]),
                        os.path.basename(vm["swap"])[:-len(".vswp")] + ".vmss")


def drop_image(vm):
    if vm.get("swap") and os.path.exists(image_of(vm)):
        os.unlink(image_of(vm))


def suspend(host, vm):
    expect_idle(vm)
    expect(host, vm, "suspended", "on")
    if refusals.passed(vm["copy"]):
        line = ("A virtual machine with a PCI DirectPath I/O device cannot be suspended when FPT "
                "devices in-use have posted interrupts enabled.")
        raise faults.Fault("vim.fault.GenericVmConfigFault", line, [("reason", f'"{line}"')],
                           [("msg.pciPassthru.noSuspend.postedInterrupts", [], line)])
    state = os.path.basename(image_of(vm))
    stop(host, vm, vmx.put(vm["copy"], "checkpoint.vmState", state), "suspended")
    host.touch(image_of(vm), 0o600)


def stop(host, vm, text, power):
    host.write(vm, text)
    host.remove_traces(vm)
    drop_image(vm)
    vmlog.add(host, vm, ["Transitioned vmx/execState/val to " + faults.POWERS[power]])
    vm.update(power=power, question=None)


def breaks(host, vm, lines):
    """Something happens while the VM runs, which ends it or not."""
    expect(host, vm, "on", "on")
    vmlog.add(host, vm, lines)
    if any(line.startswith("Powering off") for line in lines):
        off(host, vm)


def shut_down(host, vm):
    """Returns at once; the guest takes its time. What is to be called until it is true."""
    expect(host, vm, "off", "on")
    expect_tools(vm)
    world, due = vm["world"], time.time() + host.state["slow"][1]

    def step_down(later):
        if time.time() < due:
            return False
        for found in later.running():
            if found["world"] == world:
                off(later, found, True)
        return True
    return step_down


def reboot(host):
    """The host's own. Nothing of what was under way goes on."""
    later = halt(host)
    for vm in host.state["vms"].values():
        if vm["power"] == "on":
            off(host, vm)
        host.load(vm)
    host.state["current"] = list(host.state["configured"])
    return later


def halt(host):
    """Ends all that was under way; what is returned waits for the end, without the state."""
    workers, host.state["workers"] = host.state["workers"], []
    for vm in host.state["vms"].values():
        if vm.get("task"):
            vm["question"] = None
            tasks.end(host, vm["task"], faults.Fault("vmodl.fault.RequestCanceled",
                                                     "The task was canceled by a user."))
            if vm["power"] != "on":
                host.remove_traces(vm)
    return lambda: tasks.await_end(workers)
