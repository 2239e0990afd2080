# SPDX-License-Identifier: MIT
"""What a running guest tells of itself, by its VMware Tools. It may tell anything."""
import vmx

INFO = """Guest information:

(vim.vm.GuestInfo) {{
   toolsStatus = "{status}", 
   toolsRunningStatus = "{running}", 
   toolsVersion = "{tools}", 
   guestFullName = {full}, 
   hostName = {name}, 
   ipAddress = {address}, 
   net = {net}
}}
"""
CARD = """(vim.vm.GuestInfo.NicInfo) [
      (vim.vm.GuestInfo.NicInfo) {{
         network = "VM Network", 
         ipAddress = (string) [
            {addresses}
         ], 
         macAddress = "00:0c:29:00:00:{number:02x}", 
         connected = true
      }}
   ]"""


def info(number, vm):
    """hostName and ipAddress are unset without Tools. The address that stands alone is the guest's
    choice; those of a card are a list."""
    if vm["power"] != "on" or not vm.get("tools", True):
        return INFO.format(status="toolsNotRunning", running="guestToolsNotRunning", tools="0",
                           full="<unset>", name="<unset>", address="<unset>", net="<unset>")
    name = vm.get("host-name") or vmx.get(vm["copy"], "displayName") or "guest"
    addresses = vm.get("addresses") or [f"192.0.2.{int(number) % 250 + 1}",
                                        f"fe80::20c:29ff:fe00:{int(number) % 65536:x}"]
    net = CARD.format(addresses=", \n            ".join(f'"{a}"' for a in addresses),
                      number=int(number) % 256)
    return INFO.format(status="toolsOk", running="guestToolsRunning", tools="11333",
                       full='"Debian GNU/Linux 10 (64-bit)"', name=f'"{name}"',
                       address=f'"{addresses[0]}"', net=net)
