# SPDX-License-Identifier: MIT
# Files that a host has locked, as on VMFS: what a mount says of them.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# A host with locks, mounted, of which db-01 runs.
start() { # [MOUNT-OPTION...]
    host_start --hard
    mount_host "$@"
    db=$MNT/datastore1/db-01
}

# A file cannot be read, with this error's text.
unread() { # TEXT FILE
    run cat "$2"
    echo "status $status: $output"
    [ "$status" -eq 1 ]
    [[ $output == *"$1" ]]
}

# The number of lines that errors has of an errno.
lines_of() { # ERRNO
    cut -f 2 "$MNT/.vmxfs/errors" | grep -cx "$1" || :
}

@test "a file that a running VM holds is busy to who reads it, and errors names the VM" {
    start
    local file
    for file in db-01-flat.vmdk db-01.vmx.lck "$(basename "$DS1"/db-01/db-01-????????.vswp)" \
        "$(basename "$DS1"/db-01/vmx-db-01-*.vswp)"; do
        unread "Device or resource busy" "$db/$file"
        explained EBUSY "datastore1/db-01/$file" - \
            "^the running VM datastore1/db-01/db-01.vmx holds it: the VM is .*; power it off to read it$"
    done
    [ "$(lines_of EBUSY)" = 4 ]
    cat "$db/db-01.vmdk" "$db/vmware.log" "$db/db-01.vmx/.vmxfs/raw" >/dev/null
    echo off >"$db/db-01.vmx/.vmxfs/power"
    cmp "$db/db-01-flat.vmdk" "$DS1/db-01/db-01-flat.vmdk"
}

@test "who copies a running VM gets one line for all that it holds, whatever running says" {
    start running=allow
    run cp -r "$db" "$TEST_DIR/copy"
    [ "$status" -eq 1 ]
    [ "$(grep -c "Device or resource busy" <<<"$output")" -ge 4 ]
    [ "$(lines_of EBUSY)" = 1 ]
    [ "$(lines_of EIO)" = 0 ]
    cmp "$TEST_DIR/copy/db-01.vmdk" "$DS1/db-01/db-01.vmdk"
}

@test "a file that another host holds is EIO, unless its VM is seen to run there" {
    start
    local orphan=$MNT/datastore1/orphan
    esxi lock "$DS1/orphan/orphan-flat.vmdk" exclusive
    unread "Input/output error" "$orphan/orphan-flat.vmdk"
    explained EIO datastore1/orphan/orphan-flat.vmdk - "^the server refuses to open it, and does not say why$"
    esxi lock "$DS1/orphan/orphan.vmx"
    unread "Device or resource busy" "$orphan/orphan-flat.vmdk"
    unread "Device or resource busy" "$orphan/orphan.vmx.lck"
    [ "$(lines_of EINVAL)" = 0 ]
}

@test "a suspended VM holds nothing" {
    start
    on_host "vim-cmd vmsvc/power.suspend 11"
    esxi lock "$DS1/db-01/db-01-flat.vmdk" exclusive
    unread "Input/output error" "$db/db-01-flat.vmdk"
    refused "Device or resource busy" 8192 "$db/db-01.vmx/memSize"
}

@test "a .vmx that another host holds is shown, its settings are busy, and all else goes on" {
    start
    esxi lock "$DS1/orphan/orphan.vmx"
    local vm=$MNT/datastore1/orphan/orphan.vmx file
    [[ $(ls -l "$MNT/datastore1/orphan") == *"drwxr-xr-x "*" orphan.vmx"* ]]
    [ -d "$vm" ]
    [ -f "$MNT/.vmxfs/plain/datastore1/orphan/orphan.vmx" ]
    for file in "$vm/memSize" "$vm/.vmxfs/check" "$vm/.vmxfs/raw" "$MNT/.vmxfs/plain/datastore1/orphan/orphan.vmx"; do
        unread "Device or resource busy" "$file"
    done
    run ls "$vm"
    [[ $output == *"Device or resource busy"* ]]
    refused "Device or resource busy" 8192 "$vm/memSize"
    explained EBUSY datastore1/orphan/orphan.vmx - "^the running VM datastore1/orphan/orphan.vmx holds it: the VM is in use [(]orphan.vmx.lck[)]"
    [ "$(lines_of EINVAL)" = 0 ]
    for file in vms check gpus host/pci/0000:86:00.0/user; do
        cat "$MNT/.vmxfs/$file" >"$TEST_DIR/$(basename "$file")"
    done
    grep -q "db-01.vmx" "$TEST_DIR/vms"
    grep -q "db-01.vmx" "$TEST_DIR/check"
    esxi unlock "$DS1/orphan/orphan.vmx"
    [ "$(cat "$vm/memSize")" = 4096 ]
}

busy() { # COMMAND...
    run "$@"
    echo "status $status: $output"
    [ "$status" -ne 0 ] || return 1
    [[ $output == *busy* ]]
}

@test "a snapshot of a running VM: the disk below it can be read, and all of it stays as it is" {
    start
    cat "$db/db-01.vmx/scsi0:0.fileName" >/dev/null
    esxi snapshot db-01 before
    is_on_delta() { [ "$(cat "$db/db-01.vmx/scsi0:0.fileName")" = db-01-000001.vmdk ]; }
    eventually 30 is_on_delta
    unread "Device or resource busy" "$db/db-01-000001-sesparse.vmdk"
    cmp "$db/db-01-flat.vmdk" "$DS1/db-01/db-01-flat.vmdk"
    local name
    for name in db-01-000001-sesparse.vmdk db-01-000001.vmdk db-01-flat.vmdk db-01.vmdk db-01.vmsd db-01-Snapshot1.vmsn; do
        [ -e "$DS1/db-01/$name" ]
        busy rm "$db/$name"
        busy mv "$db/$name" "$MNT/datastore1/orphan/"
        busy truncate -s 0 "$db/$name"
    done
    on_host "vim-cmd vmsvc/power.off 11"
    mv "$db/db-01-Snapshot1.vmsn" "$MNT/datastore1/orphan/"
}

@test "lock files on NFS say that a VM is in use, here or on another host" {
    start
    local vm=$MNT/nfs-iso/app/orphan.vmx on_host_vmx=$VOLUMES/c7a1d5e9-0b42f816/app/orphan.vmx
    cp -r "$DS1/orphan" "$VOLUMES/c7a1d5e9-0b42f816/app"
    echo 'uuid.action = "create"' >>"$on_host_vmx"
    echo 1 >"$vm/.vmxfs/registered"
    echo on >"$vm/.vmxfs/power"
    refused "Device or resource busy" 8192 "$vm/memSize"
    explained EBUSY nfs-iso/app/orphan.vmx memSize "^the VM is in use [(][.]lck-[0-9a-f]+[)]"
    busy rm "$MNT/nfs-iso/app/orphan-flat.vmdk"
    busy rm "$MNT/nfs-iso/app/".lck-*
    busy mv "$MNT/nfs-iso/app" "$MNT/nfs-iso/moved"
    cmp "$MNT/nfs-iso/app/orphan-flat.vmdk" "${on_host_vmx%.vmx}-flat.vmdk"
    echo off >"$vm/.vmxfs/power"
    echo 8192 >"$vm/memSize"
    esxi lock "$on_host_vmx"
    refused "Device or resource busy" 4096 "$vm/memSize"
    busy rm "$MNT/nfs-iso/app/orphan-flat.vmdk"
    esxi unlock "$on_host_vmx"
    echo 4096 >"$vm/memSize"
}
