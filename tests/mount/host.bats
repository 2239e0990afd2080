# SPDX-License-Identifier: MIT
# What a mount tells of the ESXi host behind it, and passthrough of the host's devices.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# All files of a folder below .vmxfs/host, with what they hold.
host_says() { # FOLDER
    (cd "$MNT/.vmxfs/host/$1" && grep -H . -- *) | sort
}

tree_of_a_host() { # TRANSPORT
    mount_host "transport=$1"
    [ "$(ls -m "$MNT/.vmxfs/host")" = "cpu, pci, uuid, version, vms" ]
    [ "$(cat "$MNT/.vmxfs/host/version")" = "VMware ESXi 7.0.3 build-20328353" ]
    [ "$(cat "$MNT/.vmxfs/host/cpu")" = "GenuineIntel, HV Support: 3" ]
    [ "$(cat "$MNT/.vmxfs/host/uuid")" = 5aec7ae7-7d90-8511-435a-d094660b7768 ]
    ls "$MNT/.vmxfs/host/pci" >"$TEST_DIR/shown"
    on_host "esxcli hardware pci list" | grep '^0000' | sort | holds "$TEST_DIR/shown"
    host_says pci/0000:42:00.0 >"$TEST_DIR/shown"
    holds "$TEST_DIR/shown" <<END
class:0x0300
device:0x1cb2
name:GP107GL [Quadro P600]
owner:VMkernel
passthrough:0
vendor:0x10de
END
    unmount_lab
}

@test "the host is a folder" {
    host_start
    tree_of_a_host libssh2
    tree_of_a_host openssh
}

@test "a nested host, and one with an AMD processor" {
    host_start --nested
    mount_host
    [ "$(cat "$MNT/.vmxfs/host/version")" = "VMware ESXi 8.0.1 build-21495797" ]
    [ "$(cat "$MNT/.vmxfs/host/uuid")" = "$(on_host "esxcli system uuid get")" ]
    [ "$(cat "$MNT/.vmxfs/host/pci/0000:13:00.0/name")" = "DG2 [Arc A770M]" ]
    unmount_lab
    host_again --kind amd
    mount_host
    [ "$(cat "$MNT/.vmxfs/host/cpu")" = "AuthenticAMD, HV Support: 3" ]
}

@test "what the host says of itself cannot make a terminal do anything" {
    host_start
    local file
    mkdir "$HOST/real"
    mv "$HOST/bin/esxcli" "$HOST/real/"
    printf '#!/bin/sh\n"%s" "$@" | sed "s/^.*\\(Brand\\|Name\\): .*/&%s/"\n' "$HOST/real/esxcli" \
        "$(printf '\033]0;pwned\007\302\233')" >"$HOST/bin/esxcli"
    chmod 755 "$HOST/bin/esxcli"
    on_host "esxcli hardware cpu list" | grep -q $'Brand.*\e]0;pwned\a'
    mount_host
    for file in cpu pci/0000:42:00.0/name; do
        cat "$MNT/.vmxfs/host/$file" >"$TEST_DIR/said"
        cat -v "$TEST_DIR/said"
        grep -q 'pwned' "$TEST_DIR/said"
        [ "$(LC_ALL=C tr -d '\n[:print:]' <"$TEST_DIR/said" | wc -c)" -eq 0 ]
    done
}

@test "VMs are links by their names, wherever they are" {
    host_start
    mount_host
    ls "$MNT/.vmxfs/host/vms" >"$TEST_DIR/names"
    holds "$TEST_DIR/names" <<END
build [gpu] box
db-01
gpu-guest
nested-esxi
END
    for name in "build [gpu] box" nested-esxi; do
        [ "$(cat "$MNT/.vmxfs/host/vms/$name/displayName")" = "$name" ]
    done
    echo 6 >"$MNT/.vmxfs/host/vms/build [gpu] box/numvcpus"
    [ "$(setting "$VOLUMES/data [2]/build [gpu] box/build [gpu] box.vmx" numvcpus)" = 6 ]
}

@test "VMs that share a name are told apart by their ids" {
    host_start
    mkdir "$DS1/twin"
    sed 's/^displayName = .*/displayName = "nested-esxi"/' "$DS1/orphan/orphan.vmx" \
        >"$DS1/twin/twin.vmx"
    [ "$(esxi register "$DS1/twin/twin.vmx")" = 12 ]
    mount_host
    ls "$MNT/.vmxfs/host/vms" >"$TEST_DIR/names"
    holds "$TEST_DIR/names" <<END
build [gpu] box
db-01
gpu-guest
nested-esxi.1
nested-esxi.12
END
    [ "$(readlink -f "$MNT/.vmxfs/host/vms/nested-esxi.12")" = "$(readlink -f "$MNT/datastore1/twin/twin.vmx")" ]
}

@test "a mount of one datastore shows the VMs that are in it" {
    host_start
    for root in "$DS1" "$VOLUMES/datastore1"; do
        SERVER=$HOST/sshd
        mount_lab -s "$root" cache_timeout=1
        ls "$MNT/.vmxfs/host/vms" >"$TEST_DIR/names"
        printf '%s\n' db-01 gpu-guest nested-esxi | holds "$TEST_DIR/names"
        [ "$(cat "$MNT/.vmxfs/host/vms/nested-esxi/memSize")" = 16384 ]
        [ "$(cat "$MNT/db-01/db-01.vmx/.vmxfs/power")" = on ]
        [ "$(sed -n 's/^root: //p' "$MNT/.vmxfs/status")" = "$root" ]
        unmount_lab
    done
}

vms_table() {
    tr '\t' '|' <"$MNT/.vmxfs/vms"
}

@test "the table of VMs has orphans, strangers and what is invalid" {
    host_start
    mount_host
    vms_table >"$TEST_DIR/table"
    holds "$TEST_DIR/table" <<END
# power|id|registered|profile|path|memory-mb|cpus|gpus|pending
unknown|6|invalid|-|-|-|-|-|-
off|10|yes|none|data [2]/build [gpu] box/build [gpu] box.vmx|4096|2|-|-
on|11|yes|none|datastore1/db-01/db-01.vmx|4096|2|-|-
off|2|yes|none|datastore1/gpu-guest/gpu-guest.vmx|8192|4|-|-
off|1|yes|none|datastore1/nested-esxi/nested-esxi.vmx|16384|4|-|-
unknown|-|no|none|datastore1/orphan/orphan.vmx|4096|2|-|-
END
    unmount_lab
    SERVER=$HOST/sshd
    mount_lab -s "$VOLUMES/data [2]" cache_timeout=1
    echo nested-esxi >"$MNT/build [gpu] box/build [gpu] box.vmx/passthrough-profile"
    vms_table | sed -n '/build/p;/db-01/p' >"$TEST_DIR/table"
    holds "$TEST_DIR/table" <<END
unknown|11|yes|-|[datastore1] db-01/db-01.vmx|-|-|-|-
off|10|yes|nested-esxi|build [gpu] box/build [gpu] box.vmx|4096|2|-|-
END
}

@test "the table has the cards of each VM, and no other device" {
    host_start
    printf 'pciPassthru%s = "%s"\n' 0.present TRUE 0.id 00000:066:00.0 1.present TRUE \
        1.id 00000:066:00.1 2.present TRUE 2.id 0:134:0.0 3.present TRUE 3.id 00000:066:00.0 \
        4.present TRUE 4.id 00000:003:00.0 5.present FALSE 5.id 00000:195:00.0 \
        6.present TRUE 6.id 00000:232:00.0 >>"$DS1/gpu-guest/gpu-guest.vmx"
    printf 'pciPassthru%s = "%s"\n' 0.present TRUE 0.vgpu grid_p40-4q,x 1.present TRUE \
        1.allowedDevices 0x10de:0x1e87 >>"$DS1/orphan/orphan.vmx"
    sed -i '/^numvcpus/d; s/^memSize = .*/memSize = "lots"/' "$DS1/orphan/orphan.vmx"
    mount_host
    vms_table | sed -n 's/.*\(gpu-guest\|orphan\).vmx|//p' >"$TEST_DIR/table"
    # Of a device that the host does not list it is not known what it is.
    holds "$TEST_DIR/table" <<END
8192|4|0000:42:00.0,0000:86:00.0,0000:e8:00.0|-
-|1|vgpu:grid_p40-4q?x|-
END
}

@test "the table follows what happens on the host" {
    host_start
    mount_host
    grep -q "^off.*nested-esxi.vmx" "$MNT/.vmxfs/vms"
    on_host "vim-cmd vmsvc/power.on 1"
    esxi register "$DS1/orphan/orphan.vmx"
    follows() { grep -q "^on.*nested-esxi.vmx" "$MNT/.vmxfs/vms" && grep -q "^off.*yes.*orphan.vmx" "$MNT/.vmxfs/vms"; }
    eventually 30 follows
    on_host "vim-cmd vmsvc/power.suspend 1"
    suspended() { grep -q "^suspended.*nested-esxi.vmx" "$MNT/.vmxfs/vms"; }
    eventually 30 suspended
}

@test "passthrough is enabled and disabled" {
    host_start
    for transport in libssh2 openssh; do
        mount_host "transport=$transport"
        device=$MNT/.vmxfs/host/pci/0000:86:00.0
        echo 1 >"$device/passthrough"
        [ "$(cat "$device/passthrough")" = 1 ]
        [ "$(cat "$device/owner")" = "VM Passthru" ]
        on_host "esxcli hardware pci pcipassthru list" | grep -qx "0000:86:00.0     true"
        echo 1 >"$device/passthrough"
        echo 0 >"$device/passthrough"
        [ "$(cat "$device/passthrough")" = 0 ]
        on_host "esxcli hardware pci pcipassthru list" | grep -qx "0000:86:00.0    false"
        unmount_lab
    done
}

@test "passthrough may wait for a reboot" {
    host_start
    on_host "esxcli hardware pci pcipassthru set -d 0000:42:00.0 -e true"
    mount_host
    [ "$(cat "$MNT/.vmxfs/host/pci/0000:42:00.0/passthrough")" = "1 (reboot pending)" ]
    [ "$(cat "$MNT/.vmxfs/host/pci/0000:42:00.0/owner")" = VMkernel ]
    esxi reboot
    unmount_lab
    mount_host
    [ "$(cat "$MNT/.vmxfs/host/pci/0000:42:00.0/passthrough")" = 1 ]
}

@test "a device that the host needs is taken away only by force" {
    host_start
    mount_host
    pci=$MNT/.vmxfs/host/pci
    for address in 0000:03:00.0 0000:04:00.0 0000:00:14.0; do
        refused "Device or resource busy" 1 "$pci/$address/passthrough"
        explained EBUSY ".vmxfs/host/pci/$address" passthrough "needs it"
        [ "$(cat "$pci/$address/passthrough")" = 0 ]
    done
    ! grep "pcipassthru set" "$HOST/commands" || false
    echo "1 force" >"$pci/0000:00:14.0/passthrough"
    [ "$(cat "$pci/0000:00:14.0/passthrough")" = 1 ]
    echo 0 >"$pci/0000:00:14.0/passthrough"
}

@test "what cannot be passed on, and what is no command, is refused" {
    host_start
    mount_host
    pci=$MNT/.vmxfs/host/pci
    refused "Operation not supported" "1" "$pci/0000:07:00.0/passthrough"
    explained EOPNOTSUPP .vmxfs/host/pci/0000:07:00.0 passthrough "not capable"
    for value in 2 "" on "1 please" "1force"; do
        refused "Invalid argument" "$value" "$pci/0000:42:00.0/passthrough"
    done
    [ ! -e "$pci/0000:ff:00.0" ]
    ! grep "pcipassthru set" "$HOST/commands" || false
}

@test "6.5 has no command for passthrough, and says so" {
    host_start --version 6.5.0
    mount_host
    device=$MNT/.vmxfs/host/pci/0000:42:00.0
    [ "$(cat "$MNT/.vmxfs/host/version")" = "VMware ESXi 6.5.0 build-14320405" ]
    [ "$(cat "$device/owner")" = VMkernel ]
    refused "Input/output error" 1 "$device/passthrough"
    explained EIO .vmxfs/host/pci/0000:42:00.0 passthrough "Unknown command or namespace"
    # The rest works.
    [ "$(cat "$MNT/datastore1/db-01/db-01.vmx/.vmxfs/power")" = on ]
}

@test "the host calls the datastores' folder /vmfs/volumes, wherever the server has it" {
    host_start
    mkdir "$HOST/real"
    mv "$HOST/bin/esxcli" "$HOST/real/"
    printf '#!/bin/sh\n"%s" "$@" | sed "s#: %s/#: /#"\n' "$HOST/real/esxcli" "$HOST" >"$HOST/bin/esxcli"
    chmod 755 "$HOST/bin/esxcli"
    on_host "esxcli vm process list" | grep -q '^   Config File: /vmfs/volumes/5f1e2d3c-'
    # No lock says it, either.
    rm "$DS1"/db-01/db-01.vmx.lck "$DS1"/db-01/*.vswp
    mount_host
    grep -q $'^on\t.*\tdatastore1/db-01/db-01.vmx\t' "$MNT/.vmxfs/vms"
    refused "Device or resource busy" 8 "$MNT/datastore1/db-01/db-01.vmx/numvcpus"
}

@test "commands are asked for once, not once a VM" {
    host_start
    mount_host cache_timeout=60
    cat "$MNT/.vmxfs/vms" "$MNT"/.vmxfs/host/vms/*/memSize "$MNT"/*/*/*.vmx/.vmxfs/check >/dev/null
    for vm in nested-esxi gpu-guest orphan; do
        echo 8192 >"$MNT/datastore1/$vm/$vm.vmx/memSize"
    done
    [ "$(ran "esxcli vm process list")" = 1 ]
    [ "$(ran "vim-cmd vmsvc/getallvms")" = 1 ]
    [ "$(ran "esxcli hardware pci list")" = 1 ]
}

@test "a server that runs no commands has no host" {
    host_start -- "ForceCommand internal-sftp"
    for transport in libssh2 openssh; do
        mount_host "transport=$transport"
        has_no_host
        unmount_lab
    done
}

has_no_host() {
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx
    [ ! -e "$MNT/.vmxfs/host" ]
    ! ls "$MNT/.vmxfs" | grep -x host || false
    echo 8192 >"$vm/memSize"
    [ "$(setting "$DS1/nested-esxi/nested-esxi.vmx" memSize)" = 8192 ]
    refused "Operation not supported" on "$vm/.vmxfs/power"
    refused "Operation not supported" 1 "$vm/.vmxfs/reload"
    run cat "$vm/.vmxfs/power"
    [ "$status" -eq 1 ]
    [[ $output == *"Operation not supported"* ]]
    [ ! -e "$MNT/.vmxfs/gpus" ]
    ! ls "$MNT/.vmxfs" | grep -x gpus || false
    [ "$(grep -v '^#' "$MNT/.vmxfs/vms" | cut -f1-3 | sort -u)" = "$(printf 'unknown\t-\t-')" ]
    grep -qx "host: none" "$MNT/.vmxfs/status"
    echo 16384 >"$vm/memSize"
}

@test "a server that is no ESXi has no host" {
    host_start
    rm "$HOST/bin/vmware"
    mount_host
    has_no_host
}

@test "a password is enough for both connections" {
    [ "$(id -u)" = 0 ] || skip "only root can start such a server"
    host_start --password secret
    SERVER=$HOST/sshd
    "$VMXFS" -o "port=$(cat "$SERVER/port"),UserKnownHostsFile=$SERVER/known_hosts,password_stdin" \
        "127.0.0.1:$VOLUMES" "$MNT" <<<secret 3>&-
    [ "$(cat "$MNT/.vmxfs/host/uuid")" = 5aec7ae7-7d90-8511-435a-d094660b7768 ]
    echo 8192 >"$MNT/datastore1/nested-esxi/nested-esxi.vmx/memSize"
    [ "$(cat "$MNT/datastore1/nested-esxi/nested-esxi.vmx/.vmxfs/power")" = off ]
}
