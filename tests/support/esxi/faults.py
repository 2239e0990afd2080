# SPDX-License-Identifier: MIT
"""How a command says that it failed: lines of text, or an object as hostd prints its own."""


class Refused(Exception):
    """What a command says on standard error before it fails."""

    def told(self, _version):
        return str(self)


class Fault(Refused):
    """A method's fault. Its fields are (name, value) with the value as it is printed, its messages
    (key, arguments, text). A task keeps it as the dictionary that it is made of."""

    def __init__(self, kind, msg, fields=(), messages=()):
        super().__init__(msg)
        self.kept = {"kind": kind, "msg": msg, "fields": list(fields), "messages": list(messages)}

    def told(self, version, indent=""):
        return block(self.kept, version, indent)


def of_task(kept):
    fault = Fault(kept["kind"], kept["msg"])
    fault.kept = kept
    return fault


def number(version):
    """(6, 5) of 6.5.0"""
    return tuple(int(part) for part in version.split(".")[:2])


def block(kept, version, indent=""):
    """Up to 6.0 a comma follows the last field too, and a line more precedes the first; since then
    neither the last one nor the one before it, which are an object's own and msg, are parted by
    one. Lines end in a blank after each comma."""
    old = number(version) < (6, 5)
    fields = [("dynamicType", "<unset>")] if old else []
    fields.append(("faultCause", "(vmodl.MethodFault) null"))
    if not old:
        fields.append(("faultMessage", messages(kept["messages"], indent + "   ")))
    fields += [tuple(field) for field in kept["fields"]] + [("msg", f'"{kept["msg"]}"')]
    text = f"({kept['kind']}) {{\n"
    for n, (name, value) in enumerate(fields):
        comma = ", " if old or n < len(fields) - 2 else ""
        text += f"{indent}   {name} = {value}{comma}\n"
    return text + indent + "}"


def messages(found, indent):
    if not found:
        return "<unset>"
    return ("(vmodl.LocalizableMessage) [\n" +
            ", \n".join(message(indent + "   ", *one) for one in found) + f"\n{indent}]")


def message(indent, key, arguments, text):
    """The text is printed as it is, with any newline that is in it."""
    inner = indent + "   "
    return (f"{indent}(vmodl.LocalizableMessage) {{\n"
            f'{inner}key = "{key}", \n'
            f"{inner}arg = {values(arguments, inner)}, \n"
            f'{inner}message = "{text}"\n{indent}}}')


def values(arguments, indent):
    if not arguments:
        return "<unset>"
    inner = indent + "   "
    return ("(vmodl.KeyAnyValue) [\n" +
            ", \n".join(f'{inner}(vmodl.KeyAnyValue) {{\n{inner}   key = "{n}", \n'
                        f'{inner}   value = "{value}"\n{inner}}}'
                        for n, value in enumerate(arguments, 1)) + f"\n{indent}]")


POWERS = {"on": "poweredOn", "off": "poweredOff", "suspended": "suspended"}


def wrong_state(power, wanted, version):
    said = {"on": "Powered on", "off": "Powered off", "suspended": "Suspended"}[power]
    if number(version) < (6, 5):
        said = said.replace(" o", " O")
    return Fault("vim.fault.InvalidPowerState",
                 f"The attempted operation cannot be performed in the current state ({said}).",
                 [("requestedState", f'"{POWERS[wanted]}"'),
                  ("existingState", f'"{POWERS[power]}"')])


def not_found(what=None):
    return Fault("vim.fault.NotFound", f'Unable to find a VM corresponding to "{what}"' if what
                 else "The object or item referred to could not be found.")


def exists(held):
    return Fault("vim.fault.AlreadyExists",
                 f"The specified key, name, or identifier '{held}' already exists.",
                 [("name", f'"{held}"')])


def busy():
    """Of this fault only these words are recorded."""
    return Fault("vim.fault.TaskInProgress", "another task is in progress")


def no_tools():
    """Its text is not recorded: no test may look for these words."""
    return Fault("vim.fault.ToolsUnavailable", "(text not recorded: Tools)")


def in_maintenance():
    """The same."""
    return Fault("vim.fault.InvalidState", "(text not recorded: maintenance mode)")


NOT_STARTED = ("msg.vmx.poweron.failed", [], "Failed to start the virtual machine.")


def power_on(found):
    """found: (key, arguments, text) of what stands in the way, the most special one first."""
    return Fault("vim.fault.GenericVmConfigFault", found[0][2],
                 [("reason", f'"{found[0][2]}"')],
                 [*found, NOT_STARTED])


def stage(module):
    """Its message ends in a newline."""
    return ("msg.moduletable.powerOnFailed", [module], f"Module '{module}' power on failed.\n")
