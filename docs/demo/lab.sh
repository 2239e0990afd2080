#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes a sample lab: the datastores of a physical host as an ESXi host shows them, with nested
# hosts, a GPU workstation, plain VMs and a template. All of it is small text.
#
# usage: sh lab.sh DIR        makes DIR/vmfs/volumes; does nothing if that is there already

set -eu

[ $# -eq 1 ] || {
    echo "usage: sh lab.sh DIR" >&2
    exit 2
}
volumes=$1/vmfs/volumes
[ ! -e "$volumes" ] || exit 0
work=$1/vmfs/volumes.new
datastore1=6554a2f0-3c1d9a20-7b14-a4bf01512e30
gpu_ssd=6554a311-0f9be1c4-22aa-a4bf01512e30

intel=0000001b756e65476c65746e49656e69
amd=0000001068747541444d416369746e65

set_line() {
    printf '%s = "%s"\n' "$1" "$2"
}

# The two ids of a VM, made of its number.
identity() { # NUMBER
    set_line uuid.bios "56 4d 1f 0a 7c 22 90 5e-b1 83 6a d4 00 c1 9e $(printf %02x "$1")"
    set_line uuid.location "56 4d 1f 0a 7c 22 90 5e-b1 83 6a d4 00 c1 9e $(printf %02x "$1")"
    set_line vc.uuid "52 9b 40 e7 3d 18 5a c6-0f 71 2b 94 d8 36 af $(printf %02x "$1")"
    set_line ethernet0.generatedAddress "00:0c:29:c1:9e:$(printf %02x "$1")"
    set_line ethernet0.generatedAddressOffset 0
    set_line vmci0.id "$((1200000000 + $1 * 7919))"
    set_line sched.swap.derivedName "/vmfs/volumes/$store/$name/$name-$(printf '%08x' $((0x5c21d000 + $1))).vswp"
}

bridges() {
    set_line pciBridge0.present TRUE
    for n in 4 5 6 7; do
        set_line "pciBridge$n.present" TRUE
        set_line "pciBridge$n.virtualDev" pcieRootPort
        set_line "pciBridge$n.functions" 8
    done
}

devices() { # NETWORK
    set_line svga.present TRUE
    set_line vmci0.present TRUE
    set_line hpet0.present TRUE
    set_line floppy0.present FALSE
    set_line scsi0.present TRUE
    set_line scsi0.virtualDev pvscsi
    set_line scsi0:0.present TRUE
    set_line scsi0:0.deviceType scsi-hardDisk
    set_line scsi0:0.fileName "$name.vmdk"
    set_line scsi0:0.redo ""
    set_line sched.scsi0:0.shares normal
    set_line sched.scsi0:0.throughputCap off
    set_line sata0.present TRUE
    set_line sata0:0.present TRUE
    set_line sata0:0.deviceType atapi-cdrom
    set_line sata0:0.fileName emptyBackingString
    set_line sata0:0.startConnected FALSE
    set_line usb_xhci.present TRUE
    set_line ethernet0.present TRUE
    set_line ethernet0.virtualDev vmxnet3
    set_line ethernet0.networkName "$1"
    set_line ethernet0.addressType generated
    set_line ethernet0.uptCompatibility TRUE
}

power() {
    set_line powerType.powerOff default
    set_line powerType.suspend soft
    set_line powerType.reset default
    set_line tools.upgrade.policy manual
    set_line tools.syncTime FALSE
    set_line toolScripts.afterPowerOn TRUE
    set_line toolScripts.afterResume TRUE
    set_line toolScripts.beforeSuspend TRUE
    set_line toolScripts.beforePowerOff TRUE
    set_line cleanShutdown TRUE
    set_line softPowerOff FALSE
}

resources() {
    set_line sched.cpu.units mhz
    set_line sched.cpu.min 0
    set_line sched.cpu.shares normal
    set_line sched.mem.min 0
    set_line sched.mem.minSize 0
    set_line sched.mem.shares normal
    set_line numa.autosize.cookie 40012
    set_line numa.autosize.vcpu.maxPerVirtualNode 4
}

cpu() { # FIRST-LEAF
    set_line hostCPUID.0 "$1"
    set_line hostCPUID.1 000906ed00100800fffaf38bbfebfbff
    set_line hostCPUID.80000001 0000000000000000000001212c100800
    set_line evcCompatibilityMode FALSE
    set_line vmotion.checkpointFBSize 16777216
}

# A whole .vmx on standard output.
vmx() { # ENCODING HARDWARE GUEST FIRMWARE CPUS MEMORY CPU-LEAF NETWORK NUMBER
    set_line .encoding "$1"
    set_line config.version 8
    set_line virtualHW.version "$2"
    set_line displayName "$display"
    set_line guestOS "$3"
    set_line nvram "$name.nvram"
    set_line extendedConfigFile "$name.vmxf"
    set_line firmware "$4"
    set_line numvcpus "$5"
    set_line cpuid.coresPerSocket 1
    set_line memSize "$6"
    bridges
    devices "$8"
    power
    resources
    cpu "$7"
    identity "$9"
}

# The files beside a .vmx. The disk's descriptor is text; its extent is not part of the sample.
beside() { # SECTORS
    cat >"$vm/$name.vmdk" <<END
# Disk DescriptorFile
version=4
encoding="UTF-8"
CID=fffffffe
parentCID=ffffffff
createType="vmfs"

# Extent description
RW $1 VMFS "$name-flat.vmdk"

# The Disk Data Base
ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "$(($1 / 16065))"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.thinProvisioned = "1"
ddb.virtualHWVersion = "20"
END
    printf 'MRVN\001' >"$vm/$name.nvram"
    printf '.encoding = "UTF-8"\nsnapshot.lastUID = "0"\n' >"$vm/$name.vmsd"
    printf '2026-01-12T08:14:03.118Z In(05) vmx - Log for VMware ESX: %s\n' "$name" >"$vm/vmware.log"
}

# Sets the variables that the functions above use, and makes the directory.
begin() { # DATASTORE NAME
    store=$1 name=$2 display=$2
    vm=$work/$store/$name
    mkdir -p "$vm"
}

nested_hosts() {
    begin "$datastore1" nested-01
    beside 268435456
    {
        vmx UTF-8 20 vmkernel8 efi 8 65536 "$intel" "Lab Trunk" 11
        set_line vhv.enable TRUE
        set_line annotation "Outer host for the GPU lab|0ASecond line"
    } >"$vm/nested-01.vmx"
    begin "$datastore1" nested-02
    beside 268435456
    {
        vmx UTF-8 19 vmkernel7 efi 4 16384 "$amd" "Lab Trunk" 12
        set_line vcpu.hotadd TRUE
        set_line mem.hotadd TRUE
    } >"$vm/nested-02.vmx"
}

gpu_workstation() {
    begin "$gpu_ssd" gpu-ws
    beside 536870912
    {
        vmx UTF-8 20 windows11-64 efi 8 32768 "$intel" "VM Network" 21
        set_line pciPassthru0.id 00000:003:00.0
        set_line pciPassthru0.deviceId 0x5690
        set_line pciPassthru0.vendorId 0x8086
        set_line pciPassthru0.systemId 6554a1d2-94c0-7be1-3f6a-a4bf01512e30
        set_line pciPassthru0.present TRUE
        set_line pciPassthru.use64bitMMIO TRUE
        set_line pciPassthru.64bitMMIOSizeGB 64
    } | sed -e 's/^sched.mem.min = .*/sched.mem.min = "32768"/' \
        -e '/^sched.mem.minSize/s/"0"/"32768"/' >"$vm/gpu-ws.vmx"
}

plain_vms() {
    begin "$datastore1" web-01
    beside 41943040
    vmx UTF-8 19 debian11-64 bios 2 2048 "$intel" "VM Network" 31 >"$vm/web-01.vmx"

    # A running VM: the host keeps a lock file and a swap file beside it.
    begin "$datastore1" db-01
    beside 209715200
    vmx UTF-8 19 rhel9-64 efi 4 8192 "$intel" "VM Network" 32 >"$vm/db-01.vmx"
    (umask 077 && : >"$vm/db-01.vmx.lck" && : >"$vm/db-01-5c21d020.vswp")
    cp "$vm/db-01.vmx" "$vm/db-01.vmx~"

    # Made on Windows, and edited by hand.
    begin "$datastore1" legacy-xp
    beside 20971520
    {
        echo '#!/usr/bin/vmware'
        vmx windows-1252 8 winxppro bios 1 1024 "$intel" "VM Network" 33
        echo ''
        echo '# scanner: keep it at 1.1'
        echo 'usb.present = TRUE # for the scanner'
    } | sed 's/$/\r/' >"$vm/legacy-xp.vmx"

    # The display name is GBK, "development machine - build".
    begin "$datastore1" build-cn
    beside 83886080
    display=$(printf '\277\252\267\242\273\372-\261\340\322\353')
    vmx GBK 19 centos8-64 efi 4 8192 "$intel" "VM Network" 34 >"$vm/build-cn.vmx"
}

template() {
    begin "$datastore1" template-debian-12
    beside 41943040
    vmx UTF-8 20 debian12-64 efi 2 4096 "$intel" "VM Network" 41 >"$vm/template-debian-12.vmtx"
}

rm -rf "$work"
mkdir -p "$work"
ln -s "$datastore1" "$work/datastore1"
ln -s "$gpu_ssd" "$work/gpu-ssd"
nested_hosts
gpu_workstation
plain_vms
template
mkdir "$work/$datastore1/ISO"
echo 'ISO images go here.' >"$work/$datastore1/ISO/README.txt"
find "$work" \( -name '*.vmx' -o -name '*.vmtx' \) -exec chmod 755 {} +
mv "$work" "$volumes"
