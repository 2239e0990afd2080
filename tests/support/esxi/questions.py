# SPDX-License-Identifier: MIT
"""What a VM asks, and then waits. A text is printed as it is: a head with the question's id, the
key with the question, and lines with the choices, whose numbers are the question's own."""
import hashlib
import os
import re

import faults
import vmx

ALTERED = """Virtual machine message {id}:
msg.uuid.altered:This virtual machine {may} have been moved or copied.
In order to configure certain management and networking features, VMware ESX needs to know which.

Did you move this virtual machine, or did you copy it?
If you don't know, answer "I copied it".
"""
LABELS = {"old": """   0. Cancel (Cancel)
   1. I _moved it (I _moved it)
   2. I _copied it (I _copied it) [default]
""", "new": """   0. Cancel (Cancel)
   1. I Moved It (I Moved It)
   2. I Copied It (I Copied It) [default]
""", "button": """   0. button.uuid.cancel (Cancel)
   1. button.uuid.movedTheVM (I Moved It)
   2. button.uuid.copiedTheVM (I Copied It) [default]
"""}
# What the VM may be made to ask, by name. In {id} the number of the question is put.
KINDS = {
    "copied-4": ("{n}", ALTERED.replace("{may}", "may") + LABELS["old"]),
    "copied-5": ("_vmx{n}", ALTERED.replace("{may}", "may") + LABELS["old"]),
    "copied-6": ("_vmx{n}", ALTERED.replace("{may}", "might") + LABELS["old"]),
    "copied-7": ("_vmx{n}", ALTERED.replace("{may}", "might") + LABELS["new"]),
    "copied-button": ("_vmx{n}", ALTERED.replace("{may}", "might") + LABELS["button"]),
    "vhv": ("_vmx{n}", """Virtual machine message {id}:
msg.cpuid.noVHVQuestion:Virtualized AMD-V/RVI is not supported on this platform.
Continue without virtualized AMD-V/RVI?
   0. Yes (Yes)
   1. No (No) [default]
"""),
    # Several numbers that begin anywhere, and labels with a terminal's and a shell's commands.
    "odd": ("_vmx{n}", """Virtual machine message {id}:
msg.odd.question:Which of the disks in "$(touch pwned)" is meant?\x1b]0;pwned\x07
   1. is no choice, but a line of the text: '`id`' \udc9b2J
   3. Red \x1b[31m$(touch pwned) (Red)
   7. Red and blue (Red and blue)
  10. None of these (None of these) [default]
"""),
}
CHOICE = re.compile(r"(?m)^ *(\d+)\. +(.*?) *\(([^()\n]*)\)( \[default\])?$")


def kind_of(version):
    """As the release asks whether a VM was copied."""
    return "copied-7" if faults.number(version)[0] >= 7 else "copied-6"


def home_of(host, path):
    """What uuid.location is for a VM at this path of this host."""
    digits = hashlib.md5(f"{host.state['uuid']} {path}".encode("utf-8", "surrogateescape")).digest()
    return spelled(b"\x56\x4d" + digits[2:])


def spelled(sixteen):
    two = [f"{byte:02x}" for byte in sixteen]
    return " ".join(two[:8]) + "-" + " ".join(two[8:])


def was_altered(host, vm, text):
    """Where one of the two settings is missing, nothing is asked."""
    location = vmx.get(text, "uuid.location")
    return bool(location and vmx.get(text, "uuid.bios")) and \
        location != home_of(host, vm["path"]) and \
        (vmx.get(text, "uuid.action") or "").lower() != "create"


def ask(host, vm, kind):
    """The VM waits from now on. The kind is one of KINDS, or a file with the text itself."""
    vm["asked"] = vm.get("asked", 0) + 1
    if kind in KINDS:
        head, text = KINDS[kind]
        name = head.format(n=vm["asked"] + (11 if head == "{n}" else 0))
        text = text.replace("{id}", name)
    else:
        text = vmx.read_file(kind)
        name = re.match(r"Virtual machine message ([^:\s]+):\n", text or "")
        if name is None:
            raise faults.Refused(f"{kind} is no question: {', '.join(KINDS)}, or a file")
        name = name.group(1)
    vm["question"] = {"id": name, "text": text}


def key_of(text):
    found = re.search(r"(?m)^(msg\.[\w.-]+):", text)
    return found.group(1) if found else "msg.unknown"


def words_of(text):
    """The question itself, without head, key and choices."""
    words = CHOICE.sub("", text.partition("\n")[2]).strip()
    return words.removeprefix(key_of(text) + ":")


def choices(text):
    return {found.group(1): found.group(3) for found in CHOICE.finditer(text)}


def settled(text, answers):
    """The number that the .vmx itself answers with, or None."""
    wanted = vmx.get(answers, "answer." + key_of(text))
    return next((n for n, label in choices(text).items()
                 if wanted is not None and plain(label) == plain(wanted)), None)


def plain(label):
    return label.replace("_", "").lower()


def show(vm):
    question = vm.get("question")
    print(question["text"] if question else "No message.\n", end="")


def answer(vm, name, number):
    """What is said to an answer that fits no question is not recorded."""
    question = vm.get("question")
    if not question or name != question["id"] or number not in choices(question["text"]):
        raise faults.Refused("(text not recorded: no such question or choice)")
    vm["question"] = None
    vm["answer"] = choices(question["text"])[number]


def applied(host, vm, text):
    """The VM's text after an answer. Refused: it was Cancel."""
    label = plain(vm.get("answer") or "")
    vm["answer"] = None
    if label == "cancel":
        raise faults.Fault("vmodl.fault.RequestCanceled", "The task was canceled by a user.")
    if label == "i copied it":
        text = renewed(text)
    return vmx.put(text, "uuid.location", home_of(host, vm["path"])) \
        if vmx.get(text, "uuid.location") else text


def renewed(text):
    """With an identity of its own, and network addresses that follow from it."""
    text = vmx.put(text, "uuid.bios", spelled(b"\x56\x4d" + os.urandom(14)))
    for n in range(10):
        if vmx.get(text, f"ethernet{n}.generatedAddress"):
            text = vmx.put(text, f"ethernet{n}.generatedAddress",
                           "00:0c:29:" + ":".join(f"{byte:02x}" for byte in os.urandom(3)))
    return text
