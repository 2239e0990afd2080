# SPDX-License-Identifier: MIT
# Profiles and reports where there is a host to ask: device=, cpu=auto, and commands of check that
# mend what only a host knows.

load host

uuid=5aec7ae7-7d90-8511-435a-d094660b7768

setup() {
    lab_new
}

teardown() {
    host_end
}

start() { # VM [OPTION...]
    local name=$1
    shift
    host_start "$@"
    mount_host
    vm=$MNT/datastore1/$name/$name.vmx FILE=$DS1/$name/$name.vmx PCI=$MNT/.vmxfs/host/pci
    cp "$FILE" "$TEST_DIR/before"
}

let_go() { # ADDRESS...
    local address
    for address; do
        echo 1 >"$PCI/$address/passthrough"
    done
}

# Writes a line that must be refused, and tells why.
refused_line() { # LINE REASON
    local before
    before=$(cksum <"$FILE")
    run bash -c 'echo "$1" >"$2"' - "$1" "$vm/passthrough-profile"
    [ "$status" -ne 0 ]
    [[ $output == *"write error: Invalid argument"* ]]
    [ "$(cksum <"$FILE")" = "$before" ]
    [[ $(tail -n 1 "$MNT/.vmxfs/errors") == *EINVAL*"passthrough-profile	$2"* ]]
}

@test "device= fills in all functions from the host, and none takes them away" {
    start nested-esxi
    let_go 0000:42:00.0 0000:42:00.1
    echo nested-esxi device=0000:42:00.0 >"$vm/passthrough-profile"
    grep '^pciPassthru[0-9]' "$FILE" >"$TEST_DIR/devices"
    holds "$TEST_DIR/devices" <<END
pciPassthru0.id = "00000:066:00.0"
pciPassthru0.deviceId = "0x1cb2"
pciPassthru0.vendorId = "0x10de"
pciPassthru0.systemId = "$uuid"
pciPassthru0.present = "TRUE"
pciPassthru1.id = "00000:066:00.1"
pciPassthru1.deviceId = "0x0fb9"
pciPassthru1.vendorId = "0x10de"
pciPassthru1.systemId = "$uuid"
pciPassthru1.present = "TRUE"
END
    [ "$(cat "$vm/vmxfs.profile")" = "nested-esxi device=0000:42:00.0" ]
    [ -z "$(cat "$vm/.vmxfs/plan/nested-esxi")" ]
    echo 'pciPassthru1.pciSlotNumber = "33"' >"$vm/.vmxfs/merge"
    # Another mount of the same files, which has no host.
    unmount_lab
    mount_source "$VOLUMES" "sftp_server=$SFTP_SERVER"
    [ "$(cat "$vm/passthrough-profile")" = "none [nested-esxi] inner-guest" ]
    echo nested-esxi >"$vm/passthrough-profile"
    echo none >"$vm/passthrough-profile"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "an Arc's audio comes along from its own bus" {
    start nested-esxi
    echo "1 alone" >"$PCI/0000:86:00.0/passthrough"
    refused_line "nested-esxi device=86:00.0" "0000:87:00.0 belongs to VMkernel: echo 1 > '$PCI/0000:87:00.0/passthrough'"
    let_go 0000:87:00.0
    echo nested-esxi device=86:00.0 >"$vm/passthrough-profile"
    [ "$(cat "$vm/pciPassthru0.id")" = 00000:134:00.0 ]
    [ "$(cat "$vm/pciPassthru1.id")" = 00000:135:00.0 ]
    echo none >"$vm/passthrough-profile"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "a device that the host does not let go is refused with the reason" {
    start nested-esxi
    refused_line "nested-esxi device=0000:ff:00.0" "0000:ff:00.0 is not on this host"
    refused_line "nested-esxi device=07:00.0" "0000:07:00.0 cannot be passed to a VM"
    refused_line "nested-esxi device=42:00.0" "0000:42:00.0 belongs to VMkernel: echo 1 > '$PCI/0000:42:00.0/passthrough'"
    refused_line "nested-esxi device=03:00.0" "0000:03:00.0 belongs to VMkernel, and the host needs"
    let_go 0000:00:02.0
    refused_line "nested-esxi device=00:02.0" "0000:00:02.0 is an integrated Intel GPU"
    on_host "esxcli hardware pci pcipassthru set -d 0000:c3:00.0 -e true"
    unmount_lab
    mount_host
    refused_line "nested-esxi device=c3:00.0" "0000:c3:00.0 is to be passed through only after"
    let_go 0000:42:00.0 0000:42:00.1
    refused_line "nested-esxi device=42:00.0 vendor=1002" "vendor=0x1002, but the host says 0x10de"
}

@test "a device that a running VM has is refused to others" {
    start nested-esxi
    let_go 0000:42:00.0 0000:42:00.1
    echo nested-esxi device=42:00.0 >"$vm/passthrough-profile"
    echo on >"$vm/.vmxfs/power"
    echo nested-esxi >"$vm/passthrough-profile" # holds: nothing is refused
    vm=$MNT/datastore1/gpu-guest/gpu-guest.vmx FILE=$DS1/gpu-guest/gpu-guest.vmx
    taken() {
        ! echo inner-guest device=42:00.0 >"$vm/passthrough-profile" || {
            echo none >"$vm/passthrough-profile"
            return 1
        }
    }
    eventually 60 taken
    refused_line "inner-guest device=42:00.0" "0000:42:00.0 is used by "
    grep -q 'is used by .*nested-esxi/nested-esxi.vmx, which is powered on' "$MNT/.vmxfs/errors"
    # ... and is not taken back under it.
    pci=$MNT/.vmxfs/host/pci/0000:42:00.0
    ! echo 0 >"$pci/passthrough" || return 1
    tail -n 1 "$MNT/.vmxfs/errors" | grep -q 'EBUSY.*nested-esxi.vmx has it and is powered on'
    [ "$(cat "$pci/passthrough")" = 1 ]
    echo "0 force" >"$pci/passthrough"
    [ "$(cat "$pci/passthrough")" = 0 ]
}

@test "cpu=auto asks the host" {
    start nested-esxi
    echo nested-esxi >"$vm/passthrough-profile"
    [ ! -e "$vm/amd.iommu.supportsPcip" ]
    unmount_lab
    host_again --kind amd
    mount_host
    echo nested-esxi cpu=intel >"$vm/passthrough-profile"
    grep -q '^FAIL	amd-iommu	' "$vm/.vmxfs/check"
    echo nested-esxi cpu=auto >"$vm/passthrough-profile"
    [ "$(cat "$vm/amd.iommu.supportsPcip")" = TRUE ]
    grep -q '^PASS	amd-iommu	' "$vm/.vmxfs/check"
}

# Does what check says, line by line, until no line has a command. What a line says to do, it does
# not say again.
mend() {
    local round rule command
    for round in {1..40}; do
        awk -F'\t' '$1 != "PASS" && !/^#/ && $4 != "-"' "$vm/.vmxfs/check" >"$TEST_DIR/todo"
        [ -s "$TEST_DIR/todo" ] || break
        IFS=$'\t' read -r _ rule _ command <"$TEST_DIR/todo"
        echo "$rule: $command"
        bash -c "$command"
        ! awk -F'\t' -v rule="$rule" -v command="$command" \
            '$2 == rule && $4 == command && $1 != "PASS" { print; found = 1 } END { exit !found }' "$vm/.vmxfs/check" || false
    done
    cat "$vm/.vmxfs/check"
    [ ! -s "$TEST_DIR/todo" ]
}

# A VM that was set up by hand, on another host. BUS is written in hex.
set_up_by_hand() { # BUS VENDOR DEVICE
    sed -i /sched.mem.min/d "$FILE"
    cat >>"$FILE" <<END
pciPassthru0.id = "0000:$1:00.0"
pciPassthru0.present = "TRUE"
pciPassthru0.vendorId = "$2"
pciPassthru0.deviceId = "$3"
pciPassthru0.systemId = "00000000-7d90-8511-435a-d094660b7768"
mem.hotadd = "TRUE"
numvcpus = "1"
END
}

@test "the commands that check gives mend what only the host knows" {
    local card bus ids
    start nested-esxi
    unmount_lab
    # The first is no number in decimal, the second another one.
    for card in "c3 0x1002 0x73bf 195" "42 0x10de 0x1cb2 066"; do
        read -r bus ids <<<"$card"
        cp "$TEST_DIR/before" "$FILE"
        # shellcheck disable=SC2086 # a list
        set_up_by_hand "$bus" $ids
        mount_host
        let_go "0000:$bus:00.1"
        grep -q '^FAIL	device-.*	echo 00000:.*:00.0 > ' "$vm/.vmxfs/check"
        mend
        ! grep ^FAIL "$vm/.vmxfs/check" || false
        [ "$(cat "$vm/pciPassthru0.id")" = "00000:${card##* }:00.0" ]
        [ "$(cat "$vm/pciPassthru0.systemId")" = "$uuid" ]
        [ "$(cat "$vm/pciPassthru1.id")" = "00000:${card##* }:00.1" ]
        [ "$(cat "$PCI/0000:$bus:00.0/passthrough")" = 1 ]
        unmount_lab
    done
}

@test "the commands that check gives mend a profile on a host" {
    start nested-esxi
    let_go 0000:42:00.0 0000:42:00.1
    echo nested-esxi mmio=2 device=42:00.0 >"$vm/passthrough-profile"
    sed -i -e /vhv.enable/d -e /^pciPassthru1/d -e 's/^\(pciPassthru0.systemId = "\)5/\16/' "$FILE"
    unmount_lab
    mount_host
    echo 0 >"$PCI/0000:42:00.0/passthrough"
    grep -q '^FAIL	device-system	' "$vm/.vmxfs/check"
    grep -q '^FAIL	passthrough-enabled	' "$vm/.vmxfs/check"
    mend
    ! grep ^FAIL "$vm/.vmxfs/check" || false
    [ "$(cat "$vm/passthrough-profile")" = "none [nested-esxi] inner-guest" ]
    [ "$(cat "$vm/pciPassthru1.id")" = 00000:066:00.1 ]
    unmount_lab
    host_again --nested
    mount_host
    # An inner VM is judged otherwise there.
    echo inner-guest >"$MNT/datastore1/gpu-guest/gpu-guest.vmx/passthrough-profile"
    grep -q '^PASS	esxi-version	ESXi 8.0.1' "$MNT/datastore1/gpu-guest/gpu-guest.vmx/.vmxfs/check"
}

@test "a card is in two VMs: nothing while the other one is off, and no power-on while it runs" {
    start nested-esxi
    local other=$MNT/datastore1/gpu-guest/gpu-guest.vmx
    let_go 0000:42:00.0 0000:42:00.1
    echo nested-esxi device=42:00.0 >"$vm/passthrough-profile"
    echo inner-guest device=42:00.0 >"$other/passthrough-profile"
    ! grep device-shared "$vm/.vmxfs/check" "$other/.vmxfs/check" || return 1
    echo on >"$other/.vmxfs/power"
    run bash -c 'echo on >"$1"' bash "$vm/.vmxfs/power"
    [ "$status" -eq 1 ]
    [[ $output == *"resource busy"* ]]
    tail -n 1 "$MNT/.vmxfs/errors" |
        grep -q 'EBUSY.*datastore1/gpu-guest/gpu-guest.vmx has 0000:42:00.0 and is powered on$'
    [ "$(cat "$vm/.vmxfs/power")" = off ]
    shared() { grep -q '^NOTE	device-shared	.*datastore1/gpu-guest/gpu-guest.vmx.*	-$' "$1"; }
    eventually 60 shared "$vm/.vmxfs/check"
    ! grep device-shared "$other/.vmxfs/check" || return 1
    echo off >"$other/.vmxfs/power"
    echo on >"$vm/.vmxfs/power"
}

@test "a VM that is powered on has nothing wrong, but a profile is for one that is off" {
    start gpu-guest
    grep -q '^PASS	powered-off	' "$vm/.vmxfs/check"
    echo on >"$vm/.vmxfs/power"
    on() { grep -q '^NOTE	powered-off	.*shut it down	-$' "$vm/.vmxfs/check"; }
    eventually 60 on
    echo shutdown >"$vm/.vmxfs/power"
    off() { grep -q '^PASS	powered-off	' "$vm/.vmxfs/check"; }
    eventually 60 off
}

# One line of a vmware.log, as 7.0 writes it.
log_line() { # TEXT
    echo "2026-03-01T10:00:01.123Z| vmx| | I005: $1" >>"$DS1/nested-esxi/vmware.log"
}

@test "what no command shows is known once vmware.log shows a power-on with the card" {
    local rule bar="PCIPassthru: Device 0000:86:00.0 barIndex 1 type 3 realaddr"
    start nested-esxi
    let_go 0000:86:00.0 0000:87:00.0
    echo nested-esxi device=86:00.0 >"$vm/passthrough-profile"
    for rule in reserved-memory above-4g-decoding bar-size; do
        grep -q "^UNKNOWN	$rule	" "$vm/.vmxfs/check"
    done
    grep -q '^WARN	mmio-size	.*the rule for 16 GB' "$vm/.vmxfs/check"
    log_line "Log for VMware ESX pid=1 version=7.0.3 build=build-20328353 option=Release"
    log_line "$bar 0x3b800000000 size 17179869184 flags 12"
    grep -q '^UNKNOWN	reserved-memory	' "$vm/.vmxfs/check"
    grep -q '^PASS	above-4g-decoding	.*above 4 GiB' "$vm/.vmxfs/check"
    grep -q '^PASS	bar-size	.*16384 MiB' "$vm/.vmxfs/check"
    grep -q '^PASS	mmio-size	.*need 16	-$' "$vm/.vmxfs/check"
    # Another thread's word is nobody's.
    echo "2026-03-01T10:00:02.123Z| vcpu-0| | I005: Transitioned vmx/execState/val to poweredOn" \
        >>"$DS1/nested-esxi/vmware.log"
    grep -q '^UNKNOWN	reserved-memory	' "$vm/.vmxfs/check"
    log_line "Transitioned vmx/execState/val to poweredOn"
    for rule in reserved-memory above-4g-decoding bar-size; do
        grep -q "^PASS	$rule	started on 2026-03-01	-$" "$vm/.vmxfs/check"
    done
    # Advice is left, and makes the VM no worse.
    grep -q '^PASS	datastore1/nested-esxi/nested-esxi.vmx	.* NOTE	' "$MNT/.vmxfs/check"
}

@test "an inner VM on a nested host is judged by the rules of the inner hop" {
    start gpu-guest --nested
    let_go 0000:13:00.0
    echo inner-guest device=13:00.0 mmio=32 >"$vm/passthrough-profile"
    [ "$(cat "$vm/pciPassthru0.id")" = 00000:019:00.0 ]
    ! grep ^FAIL "$vm/.vmxfs/check" || false
    grep -q '^PASS	esxi-version	.*nested' "$vm/.vmxfs/check"
    grep -q '^PASS	integrated-gpu	' "$vm/.vmxfs/check"
    grep -q '^PASS	gpu-tested	' "$vm/.vmxfs/check"
    ! grep '	powered-off	' "$vm/.vmxfs/check" || false
    unmount_lab
    host_again --nested --version 7.0.3
    mount_host
    echo inner-guest >"$vm/passthrough-profile"
    grep -q '^FAIL	esxi-version	.*8.0 Update 1' "$vm/.vmxfs/check"
}

@test "520 VMs of a quiet lab have no WARN and no FAIL" {
    host_start
    on_host "for a in 04:00.0 42:00.0 42:00.1 86:00.0 87:00.0 c3:00.0 c3:00.1; do
        esxcli hardware pci pcipassthru set -d 0000:\$a -e true -a; done"
    python3 -B "$support/quiet_lab.py" "$DS1/lab"
    mount_host cache_timeout=60
    grep '	datastore1/lab/' "$MNT/.vmxfs/check" >"$TEST_DIR/check"
    [ "$(wc -l <"$TEST_DIR/check")" -eq 520 ]
    grep -e ^WARN -e ^FAIL "$TEST_DIR/check" | cut -f 4 | head -n 5 >"$TEST_DIR/bad"
    sh "$TEST_DIR/bad" | grep -e ^WARN -e ^FAIL || :
    [ ! -s "$TEST_DIR/bad" ]
    # An ordinary one passes; a card that has started needs nothing else, either.
    [ "$(grep -c ^PASS "$TEST_DIR/check")" -eq 517 ]
    [ "$(grep -v ^PASS "$TEST_DIR/check" | cut -f 1,2 | tr '\n' ' ')" = "UNKNOWN	datastore1/lab/gpu-0/gpu-0.vmx UNKNOWN	datastore1/lab/gpu-1/gpu-1.vmx UNKNOWN	datastore1/lab/gpu-2/gpu-2.vmx " ]
    # No name that people have is taken for a slip.
    cat "$MNT"/datastore1/lab/*/*.vmx/.vmxfs/check >"$TEST_DIR/all"
    [ "$(grep -c '^PASS	malformed-lines	' "$TEST_DIR/all")" -eq 520 ]
    [ "$(grep -c unknown-setting "$TEST_DIR/all")" -eq 0 ]
}
