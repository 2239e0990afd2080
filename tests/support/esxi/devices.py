# SPDX-License-Identifier: MIT
"""The PCI devices of the pretended hosts."""
from collections import namedtuple

Device = namedtuple("Device", "address vendor device pci_class vendor_name name vmkernel module "
                              "capable spawned pages parent dependent")

CLASSES = {
    0x0104: "RAID bus controller", 0x0106: "SATA controller",
            0x0107: "Serial Attached SCSI controller",
    0x0200: "Ethernet controller", 0x0300: "VGA compatible controller",
            0x0380: "Display controller",
    0x0403: "Audio device", 0x0480: "Multimedia controller", 0x0600: "Host bridge",
    0x0604: "PCI bridge", 0x0700: "Serial controller", 0x0C03: "USB controller",
    0x0C80: "Serial bus controller",
}
INTEL, NVIDIA, AMD, ASPEED = (
    (0x8086, "Intel Corporation"), (0x10DE, "NVIDIA Corporation"),
    (0x1002, "Advanced Micro Devices, Inc. [AMD/ATI]"), (0x1A03, "ASPEED Technology, Inc."))
AMD_CPU, LSI, VMWARE = ((0x1022, "Advanced Micro Devices, Inc. [AMD]"), (0x1000, "Broadcom / LSI"),
                        (0x15AD, "VMware"))
ASMEDIA, PHILIPS, OXFORD = ((0x1B21, "ASMedia Technology Inc."), (0x1131, "Philips Semiconductors"),
                            (0x1415, "Oxford Semiconductor Ltd"))


def _device(address, vendor, device, pci_class, name, vmkernel="", module="", capable=False,
            spawned=0, pages=0, parent="", dependent=None):
    """What is behind a bridge depends on it, unless dependent says something else."""
    return Device(address, vendor[0], device, pci_class, vendor[1], name, vmkernel, module, capable,
                  spawned, pages, parent, dependent or parent or itself(address))


def itself(address):
    """As the host writes what a device depends on, where it is reset alone: in decimal."""
    head, function = address.split(".")
    return "PCI " + ":".join(str(int(part, 16)) for part in [*head.split(":"), function])


def _card(address, vendor, parent, *functions):
    """A card whose functions are reset one by one: (device, class, name, VMkernel name)."""
    return [_device(f"{address}.{n}", vendor, device, pci_class, name, vmkernel,
                    "vmkusb" if pci_class == 0x0C03 else "", True, pages=4, parent=parent,
                    dependent=itself(f"{address}.{n}"))
            for n, (device, pci_class, name, vmkernel) in enumerate(functions)]


def _bridge(address, vendor, device, name, spawned, parent=""):
    return _device(address, vendor, device, 0x0604, name, spawned=spawned, parent=parent)


# 16 GiB of memory and 48 MiB and 8 KiB of registers: the 4206594 pages of the known message.
ARC_PAGES = 4206594

INTEL_BOARD = [
    _device("0000:00:00.0", INTEL, 0x3EC2, 0x0600,
            "8th Gen Core Processor Host Bridge/DRAM Registers"),
    _bridge("0000:00:01.0", INTEL, 0x1901,
            "Xeon E3-1200 v5/E3-1500 v5/6th Gen Core Processor PCIe Controller (x16)", 0x42),
    _device("0000:00:02.0", INTEL, 0x3E98, 0x0300, "CoffeeLake-S GT2 [UHD Graphics 630]",
            capable=True, pages=69632),
    _device("0000:00:14.0", INTEL, 0xA36D, 0x0C03, "Cannon Lake PCH USB 3.1 xHCI Host Controller",
            module="vmkusb", capable=True, pages=16),
    _device("0000:00:17.0", INTEL, 0xA352, 0x0106, "Cannon Lake PCH SATA AHCI Controller",
            "vmhba0", "vmw_ahci", True, pages=4),
]
AMD_BOARD = [
    _device("0000:00:00.0", AMD_CPU, 0x1480, 0x0600, "Starship/Matisse Root Complex"),
    _bridge("0000:00:01.0", AMD_CPU, 0x1483, "Starship/Matisse GPP Bridge", 0x42),
    _device("0000:00:14.0", AMD_CPU, 0x149C, 0x0C03, "Matisse USB 3.0 Host Controller",
            module="vmkusb", capable=True, pages=16),
    _device("0000:00:17.0", AMD_CPU, 0x7901, 0x0106, "FCH SATA Controller [AHCI mode]", "vmhba0",
            "vmw_ahci", True, pages=4),
    # Two cards of four functions; the host boots from a stick at the second one's USB port.
    _bridge("0000:00:03.1", AMD_CPU, 0x1483, "Starship/Matisse GPP Bridge", 0x65),
    _bridge("0000:00:03.2", AMD_CPU, 0x1483, "Starship/Matisse GPP Bridge", 0x66),
    *_card("0000:65:00", NVIDIA, "PCI 0:0:3:1",
           (0x1E87, 0x0300, "TU104 [GeForce RTX 2080 Rev. A]", ""),
           (0x10F8, 0x0403, "TU104 HD Audio Controller", ""),
           (0x1AD8, 0x0C03, "TU104 USB 3.1 Host Controller", ""),
           (0x1AD9, 0x0C80, "TU104 USB Type-C UCSI Controller", "")),
    *_card("0000:66:00", NVIDIA, "PCI 0:0:3:2",
           (0x1E87, 0x0300, "TU104 [GeForce RTX 2080 Rev. A]", ""),
           (0x10F8, 0x0403, "TU104 HD Audio Controller", ""),
           (0x1AD8, 0x0C03, "TU104 USB 3.1 Host Controller", "vmhba32"),
           (0x1AD9, 0x0C80, "TU104 USB Type-C UCSI Controller", "")),
    # What is behind a bridge to an old bus is reset together.
    _bridge("0000:00:03.3", AMD_CPU, 0x1483, "Starship/Matisse GPP Bridge", 0x70),
    _bridge("0000:70:00.0", ASMEDIA, 0x1080, "ASM1083/1085 PCIe to PCI Bridge", 0x71,
            "PCI 0:0:3:3"),
    _device("0000:71:00.0", PHILIPS, 0x7146, 0x0480, "SAA7146", capable=True, pages=1,
            parent="PCI 0:112:0:0"),
    _device("0000:71:01.0", OXFORD, 0x9501, 0x0700, "OX16PCI954 (Quad 16950 UART) function 0",
            capable=True, pages=1, parent="PCI 0:112:0:0"),
]
CARDS = [
    _bridge("0000:00:1c.0", INTEL, 0xA338, "Cannon Lake PCH PCI Express Root Port #1", 0x03),
    _bridge("0000:00:1c.4", INTEL, 0xA33C, "Cannon Lake PCH PCI Express Root Port #5", 0x06),
    _bridge("0000:00:1d.0", INTEL, 0xA330, "Cannon Lake PCH PCI Express Root Port #9", 0x84),
    _bridge("0000:00:1d.4", INTEL, 0xA334, "Cannon Lake PCH PCI Express Root Port #13", 0xC1),
    _device("0000:03:00.0", INTEL, 0x1521, 0x0200, "I350 Gigabit Network Connection", "vmnic0",
            "igbn", True, pages=260, parent="PCI 0:0:28:0"),
    _device("0000:04:00.0", LSI, 0x005D, 0x0104, "MegaRAID SAS-3 3108 [Invader]", "vmhba1",
            "lsi_mr3", True, pages=272),
    _bridge("0000:06:00.0", ASPEED, 0x1150, "AST1150 PCI-to-PCI Bridge", 0x07, "PCI 0:0:28:4"),
    _device("0000:07:00.0", ASPEED, 0x2000, 0x0300, "ASPEED Graphics Family", pages=4128,
            parent="PCI 0:6:0:0"),
    _device("0000:42:00.0", NVIDIA, 0x1CB2, 0x0300, "GP107GL [Quadro P600]", capable=True,
            pages=77824, parent="PCI 0:0:1:0"),
    _device("0000:42:00.1", NVIDIA, 0x0FB9, 0x0403, "GP107GL High Definition Audio Controller",
            capable=True, pages=4, parent="PCI 0:0:1:0"),
    _bridge("0000:84:00.0", INTEL, 0x4FA0, "DG2 PCI Express Switch Upstream Port", 0x85,
            "PCI 0:0:29:0"),
    _bridge("0000:85:01.0", INTEL, 0x4FA4, "DG2 PCI Express Switch Downstream Port", 0x86,
            "PCI 0:132:0:0"),
    _bridge("0000:85:04.0", INTEL, 0x4FA4, "DG2 PCI Express Switch Downstream Port", 0x87,
            "PCI 0:132:0:0"),
    _device("0000:86:00.0", INTEL, 0x5690, 0x0300, "DG2 [Arc A770M]", capable=True,
            pages=ARC_PAGES, parent="PCI 0:133:1:0"),
    _device("0000:87:00.0", INTEL, 0x4F92, 0x0403, "DG2 Audio Controller", capable=True, pages=4,
            parent="PCI 0:133:4:0"),
    _bridge("0000:c1:00.0", AMD, 0x1478, "Navi 10 XL Upstream Port of PCI Express Switch", 0xC2,
            "PCI 0:0:29:4"),
    _bridge("0000:c2:00.0", AMD, 0x1479, "Navi 10 XL Downstream Port of PCI Express Switch", 0xC3,
            "PCI 0:193:0:0"),
    _device("0000:c3:00.0", AMD, 0x73BF, 0x0300, "Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]",
            capable=True, pages=4260096, parent="PCI 0:194:0:0"),
    _device("0000:c3:00.1", AMD, 0xAB28, 0x0403, "Navi 21/23 HDMI/DP Audio Controller",
            capable=True, pages=4, parent="PCI 0:194:0:0"),
]
# What a VM sees: the card that was passed to it has lost its switch, and each function has a port.
NESTED = [
    _device("0000:00:00.0", INTEL, 0x7190, 0x0600, "440BX/ZX/DX - 82443BX/ZX/DX Host bridge"),
    _device("0000:00:0f.0", VMWARE, 0x0405, 0x0300, "SVGA II Adapter", pages=34816),
    _bridge("0000:00:15.0", VMWARE, 0x07A0, "PCI Express Root Port", 0x03),
    _bridge("0000:00:16.0", VMWARE, 0x07A0, "PCI Express Root Port", 0x0B),
    _bridge("0000:00:17.0", VMWARE, 0x07A0, "PCI Express Root Port", 0x13),
    _bridge("0000:00:18.0", VMWARE, 0x07A0, "PCI Express Root Port", 0x1B),
    _device("0000:03:00.0", VMWARE, 0x07C0, 0x0107, "PVSCSI SCSI Controller", "vmhba0", "pvscsi",
            True, pages=8, parent="PCI 0:0:21:0"),
    _device("0000:0b:00.0", VMWARE, 0x07B0, 0x0200, "VMXNET3 Ethernet Controller", "vmnic0",
            "nvmxnet3", True, pages=4, parent="PCI 0:0:22:0"),
    _device("0000:13:00.0", INTEL, 0x5690, 0x0300, "DG2 [Arc A770M]", capable=True,
            pages=ARC_PAGES, parent="PCI 0:0:23:0"),
    _device("0000:1b:00.0", INTEL, 0x4F92, 0x0403, "DG2 Audio Controller", capable=True, pages=4,
            parent="PCI 0:0:24:0"),
]


def of_host(kind, nested):
    """In the order of the host's list."""
    if nested:
        return NESTED
    return sorted((AMD_BOARD if kind == "amd" else INTEL_BOARD) + CARDS)
