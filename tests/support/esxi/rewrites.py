# SPDX-License-Identifier: MIT
"""What hostd and the process of a VM write into a .vmx by themselves. The settings are those that
.vmx files of real hosts have and nobody sets."""
import refusals
import vmx

SLOTS = {"pciBridge0": "17", "pciBridge4": "21", "pciBridge5": "22", "pciBridge6": "23",
         "pciBridge7": "24", "scsi0": "160", "ethernet0": "192", "vmci0": "32", "sata0": "33"}
ONCE = {"vmci0.id": "-1662836450", "monitor.phys_bits_used": "43",
        "vmotion.checkpointFBSize": "4194304",
        "vmotion.checkpointSVGAPrimarySize": "4194304", "replay.supported": "FALSE",
        "replay.filename": "", "numa.autosize.cookie": "40001",
        "numa.autosize.vcpu.maxPerVirtualNode": "4", "toolsInstallManager.updateCounter": "1"}


def at_power_on(host, vm, text):
    text = vmx.put(text, "sched.swap.derivedName", vm["swap"])
    text = vmx.put(text, "cleanShutdown", "FALSE")
    if vmx.get(text, "checkpoint.vmState"):
        text = vmx.put(text, "checkpoint.vmState", "")
    for n, _ in refusals.passed(text):
        slot = 256 + n if host.state["hard"] else 32 + n
        text = keep(text, f"pciPassthru{n}.pciSlotNumber", str(slot))
    return at_a_hard_one(vm, text) if host.state["hard"] else text


def at_a_hard_one(vm, text):
    """Some change with each power-on, most are written once."""
    text = vmx.put(text, "softPowerOff", "FALSE")
    stem = vm["swap"][:-len(".vswp")].split("/")[-1]
    text = vmx.put(text, "migrate.hostLog", f"./{stem}.hlog")
    for name, slot in SLOTS.items():
        if vmx.is_true(text, f"{name}.present"):
            text = keep(text, f"{name}.pciSlotNumber", slot)
    if vmx.get(text, "ethernet0.addressType") == "generated":
        tail = (vmx.get(text, "uuid.bios") or "00 00 00")[-8:].replace(" ", ":")
        text = keep(text, "ethernet0.generatedAddress", f"00:0c:29:{tail}")
        text = keep(text, "ethernet0.generatedAddressOffset", "0")
    for key, value in ONCE.items():
        text = keep(text, key, value)
    for leaf in ("0", "1", "80000001"):
        for whose in ("hostCPUID", "guestCPUID", "userCPUID"):
            text = keep(text, f"{whose}.{leaf}", "0000000d756e65476c65746e49656e69")
    return text


def at_power_off(host, text, from_guest):
    text = vmx.put(text, "cleanShutdown", "TRUE")
    if vmx.get(text, "checkpoint.vmState"):
        text = vmx.put(text, "checkpoint.vmState", "")
    return vmx.put(text, "softPowerOff", "TRUE" if from_guest else "FALSE") if host.state["hard"] \
        else text


def keep(text, key, value):
    return text if vmx.get(text, key) else vmx.put(text, key, value)
