# SPDX-License-Identifier: MIT
"""vmInventory.xml, in which hostd keeps the ids and paths of what is registered."""
import os

import vmx

ENTRY = """  <ConfigEntry id="{n:04d}">
    <objID>{number}</objID>
    <secDomain>23</secDomain>
    <vmxCfgPath>{path}</vmxCfgPath>
  </ConfigEntry>
"""


def write(host):
    # Loading it takes longer than all else that a command does, and most commands write nothing here.
    from xml.sax.saxutils import escape

    folder = os.path.join(host.root, "etc/vmware/hostd")
    os.makedirs(folder, exist_ok=True)
    vms = host.state.get("vms", {}).items()
    entries = "".join(ENTRY.format(n=n, number=number, path=escape(vm["path"]))
                      for n, (number, vm) in enumerate(vms))
    vmx.write_file(os.path.join(folder, "vmInventory.xml"),
                   f"<ConfigRoot>\n{entries}</ConfigRoot>\n")
