# SPDX-License-Identifier: MIT
"""What may go wrong when a VM is powered on, or while it runs, by name: the stage that fails, what
the command and the log say of it (key and text, the most special first), and lines of the log
alone. Keys that are not recorded are called so."""
from faults import Refused
from refusals import UNRECORDED

# name: (module, ((key, text), ...), lines of vmware.log)
AT_POWER_ON = {
    "mmio-32": ("DevicePowerOn", (), (
        "PCIPassthru: total number of pages needed (33566722) exceeds limit (917504), failing",)),
    "mmio-firmware": ("DevicePowerOn", (("msg.pciPassthru.pciMmioError", (
        "The firmware could not allocate 33587200 KB of PCI MMIO. Increase the size of PCI MMIO "
        "and try again.")),), ()),
    "bar": ("DevicePowerOn", (), ("Failed to add BAR memory", "Limit exceeded")),
    "reservation": ("DevicePowerOn", ((UNRECORDED, (
        "Invalid memory setting: memory reservation (sched.mem.min) should be equal to "
        "memsize(16384).")),), ()),
    "hints": ("DevicePowerOn", (
        (UNRECORDED, "AH No device hints found"),
        (UNRECORDED, "Failed to generate predicates for pciPassthru0---invalid VM configuration"),
    ), ("AH No device hints found",)),
    "no-device": ("DevicePowerOn", (
        (UNRECORDED, "AH Failed to find a suitable device for pciPassthru0"),
    ), ("AH Failed to find a suitable device for pciPassthru0",)),
    "system": ("DevicePowerOn", ((UNRECORDED, (
        "The systemId does not match the current system or the deviceId, and the vendorId does not "
        "match the device currently at 97:0.0.")),), ()),
    "not-passthrough": ("DevicePowerOn", (
        (UNRECORDED, "Device 6:0.0 is not a passthrough device"),), ()),
    "reset": ("DevicePowerOn", (("msg.pciPassthru.createAdapterFailedPlatformNotSupported", (
        "Failed to register the device pciPassthru0 for 013:00.3 due to unavailable hardware or "
        "software support.")),), (
        "PCIPassthru: Failed to register device 0000:0d:00.3 error = 0xffffffff",)),
    "interrupts": ("DevicePowerOn", (), (
        "PCIPassthruChangeIntrSettings: 0000:0d:00.3 failed to register interrupt "
        "(error code 195887110)",)),
    "vgpu": ("DevicePowerOn", ((UNRECORDED, (
        "The virtual machine cannot be powered on because IOMMU virtualization is not allowed with "
        "VGPU.")),), ()),
    "slots": ("DevicePowerOn", (
        ("msg.pci.noslotavail", "No PCIe slot available for SCSI0. Remove SCSI0 and try again."),
        ("msg.pvscsi.badPCI", "Unable to allocate a PCI SCSI adapter. Too many PCI devices are "
         "already configured.")), (
        "Vmxnet3 PCI: failed to reserve slot for vmxnet3 PCIe device",)),
    "no-vhv": ("MonitorMode", (
        ("msg.hvuser.NoSVM", "This host does not support AMD-V."),
        ("msg.cpuid.legacyCPU.noVHV", "This host appears to be running in a virtual machine with "
         "VHV disabled. Ensure that VHV is enabled in the virtual machine configuration "
         "file.")), ()),
    "features": ("CPUID", (("msg.cpuid.guestOSMissingFeatures", (
        "This virtual machine is missing features required by Windows guests and cannot be powered "
        "on.")),), ()),
    "memory": ("MonitorLoop", ((UNRECORDED, (
        "The host does not have sufficient memory resources to satisfy the reservation")),), ()),
    "admission": ("MonitorLoop", (
        (UNRECORDED, "Admission check failed for memory resource"),), ()),
    "hardware": ("Upgrade", (("msg.upgrade.tooNewCurrentHWVersion", (
        "The virtual machine is using a hardware version that is too new")),), ()),
    "lock": ("Disk", (
        ("msg.fileio.lock", "Failed to lock the file"),
        ("msg.disk.noBackEnd", "Cannot open the disk '/vmfs/volumes/datastore1/x/x.vmdk' or one of "
         "the snapshot disks it depends on."),
        ("vob.fssvec.LookupAndOpen.file.failed",
         "File system specific implementation of LookupAndOpen[file] failed")), ()),
    "disk": ("Disk", (
        ("msg.disk.fileNotFound", "VMware ESX cannot find the virtual disk "
         "\"/vmfs/volumes/datastore1/x/x.vmdk\". Verify the path is valid and try again."),
        ("msg.disk.configureDiskError",
         "Reason: The system cannot find the file specified.")), (
        "AIOGNRC: Failed to open '/vmfs/volumes/datastore1/x/x-flat.vmdk' : Could not find the "
        "file (60003) (0x2013).",)),
    "place": ("Disk", (("msg.disk.alreadyExists", "Device 'ide0:0' already exists."),), ()),
    "osdata": ("Disk", (
        ("msg.vmx.poweron.failed", "not on NAS or VMFS version 3 datastore"),), ()),
    "twice": ("DevicePowerOn", ((UNRECORDED, "Variable already defined"),), ()),
}
# While it runs. What powers it off has a line that says so.
AT_RUN_TIME = {
    "iommu": ("PCI passthru device 0000:8b:00.1 caused an IOMMU fault type 4 at address 0x7f1c2000",
              "Powering off the virtual machine."),
    "no-system": ("[msg.Backdoor.OsNotFound] No operating system was found.",),
}


def staged(name):
    """As the state keeps what is to go wrong at the next power-on."""
    if name not in AT_POWER_ON:
        raise Refused(f"no such failure: {name} ({', '.join([*AT_POWER_ON, *AT_RUN_TIME])})")
    module, found, log = AT_POWER_ON[name]
    return {"module": module, "found": [[key, [], text] for key, text in found], "log": list(log)}
