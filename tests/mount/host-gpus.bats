# SPDX-License-Identifier: MIT
# The table of the host's cards: which VM has which, and what is wrong with that.

load host

setup() {
    lab_new
    host_start
    outer=$DS1/nested-esxi/nested-esxi.vmx guest=$DS1/gpu-guest/gpu-guest.vmx
}

teardown() {
    host_end
}

table() {
    tr '\t' '|' <"$MNT/.vmxfs/gpus"
}

# One column of the line of a card.
column() { # ADDRESS NUMBER
    grep "^$1" "$MNT/.vmxfs/gpus" | cut -f "$2"
}

@test "a line for each card, whoever's, also of those that no VM names" {
    mount_host
    ls "$MNT/.vmxfs" | grep -qx gpus
    table >"$TEST_DIR/table"
    holds "$TEST_DIR/table" <<END
# address|card|memory-gb|passthrough|vms|power|worst-finding
0000:00:02.0|CoffeeLake-S GT2 [UHD Graphics 630]|-|0|-|-|-
0000:07:00.0|ASPEED Graphics Family|-|0|-|-|-
0000:42:00.0|GP107GL [Quadro P600]|2|0|-|-|PASS
0000:86:00.0|DG2 [Arc A770M]|16|0|-|-|PASS
0000:c3:00.0|Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]|-|0|-|-|PASS
END
    on_host "esxcli hardware pci pcipassthru set -d 0000:c3:00.0 -e true"
    unmount_lab
    mount_host
    [ "$(column 0000:c3:00.0 4,7)" = "1-reboot	WARN passthrough-enabled" ]
    # What nobody can be given is a fault once somebody wants it.
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:007:00.0 >>"$guest"
    eventually 30 grep -q '^0000:07:00.0	.*	datastore1/gpu-guest/gpu-guest.vmx	off	FAIL ' "$MNT/.vmxfs/gpus"
}

@test "the VMs that name a card, the one that runs first, and what its check finds of it" {
    local vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx
    mount_host
    echo 1 >"$MNT/.vmxfs/host/pci/0000:42:00.0/passthrough"
    echo 1 >"$MNT/.vmxfs/host/pci/0000:86:00.0/passthrough"
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:134:00.0 >>"$guest"
    eventually 30 grep -q '	datastore1/gpu-guest/gpu-guest.vmx	off	FAIL ' "$MNT/.vmxfs/gpus"
    [ "$(column 0000:86:00.0 2,3,4,5,6)" = "DG2 [Arc A770M]	16	1	datastore1/gpu-guest/gpu-guest.vmx	off" ]
    # Of equal findings that of the card itself is told, before that of its VM.
    [ "$(column 0000:86:00.0 7)" = "FAIL device-system" ]
    grep -q '^FAIL	memory-reservation' "$MNT/datastore1/gpu-guest/gpu-guest.vmx/.vmxfs/check"
    echo nested-esxi device=0000:86:00.0 mmio=32 >"$vm/passthrough-profile"
    echo on >"$vm/.vmxfs/power"
    eventually 30 grep -q '	datastore1/nested-esxi/nested-esxi.vmx,datastore1/gpu-guest/gpu-guest.vmx	on	' "$MNT/.vmxfs/gpus"
    [ "$(column 0000:86:00.0 6-)" = "on	$(worst "$vm")" ]
    [ "$(column 0000:42:00.0 3-)" = "2	1	-	-	PASS" ]
}

# The worst finding of a VM's check.
worst() { # VM
    local verdict
    for verdict in FAIL WARN UNKNOWN; do
        grep "^$verdict" "$1/.vmxfs/check" | head -n 1 | cut -f 1,2 | tr '\t' ' ' | grep . && return
    done
    echo PASS
}

@test "of a VM with two cards each line has what is found of that card" {
    mount_host
    printf 'pciPassthru%s = "%s"\n' 0.present TRUE 0.id 00000:066:00.0 0.deviceId 0x1cb2 \
        0.vendorId 0x10de 0.systemId 5aec7ae7-7d90-8511-435a-d094660b7768 \
        1.present TRUE 1.id 00000:134:00.0 1.deviceId 0x5690 1.vendorId 0x8086 \
        1.systemId 5aec7ae7-7d90-8511-435a-d094660b7768 >>"$guest"
    sed -i 's/^sched.mem.min = .*/sched.mem.min = "8192"/' "$guest"
    on_host "esxcli hardware pci pcipassthru set -d 0000:86:00.0 -e true -a"
    unmount_lab
    mount_host
    [ "$(column 0000:42:00.0 7)" = "FAIL passthrough-enabled" ]
    [ "$(column 0000:86:00.0 7)" = "WARN audio-function" ]
    # A path with the sign that parts them is shown with another one.
    mkdir "$DS1/a,b"
    cp "$guest" "$DS1/a,b/a,b.vmx"
    eventually 30 grep -q '	datastore1/a?b/a?b.vmx,datastore1/gpu-guest/gpu-guest.vmx	' "$MNT/.vmxfs/gpus"
    grep -qx 'datastore1/a,b/a,b.vmx' "$MNT/.vmxfs/host/pci/0000:42:00.0/user"
}
