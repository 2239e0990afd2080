#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A named pipe whose name is that of a .vmx: the server hangs in opening it. No call waits for the
# timeout, which is longer here than any of them may take.

load helper

setup() {
    lab_new
    vm_new good
    mkdir "$LAB/vm"
    mkfifo "$LAB/vm/evil.vmx"
}

teardown() { lab_end; }

kind() { # PATH
    timeout 60 stat -c %F "$MNT/$1"
}

links() {
    counter links
}

@test "a pipe where a .vmx is guessed costs one connection, and the second look none" {
    mount_local timeout=600 cache_timeout=0
    [ "$(kind vm/evil.vmx)" = fifo ]
    [ "$(links)" -eq 2 ]
    [ "$(kind vm/evil.vmx)" = fifo ]
    [ "$(timeout 60 cat "$MNT/good/good.vmx/memSize")" = 16384 ]
    [ "$(links)" -eq 2 ]
}

@test "a link to a pipe is no different" {
    mkfifo "$LAB/pipe"
    ln -s ../pipe "$LAB/vm/link.vmx"
    mount_local timeout=600 cache_timeout=0
    [ "$(kind vm/link.vmx)" = "symbolic link" ]
    [ "$(links)" -eq 2 ]
    [ "$(kind vm/link.vmx)" = "symbolic link" ]
    [ "$(links)" -eq 2 ]
}

@test "in a folder that was listed nothing else is opened ahead than files" {
    mount_local timeout=600 cache_timeout=0
    [ "$(timeout 60 ls "$MNT/vm")" = evil.vmx ]
    [ "$(kind vm/evil.vmx)" = fifo ]
    timeout 60 cat "$MNT/.vmxfs/vms" >"$TEST_DIR/vms"
    [ "$(grep -vc "^#" "$TEST_DIR/vms")" -eq 1 ]
    [ "$(links)" -eq 1 ]
}

@test "a .vmx that becomes a pipe behind a listing costs one connection" {
    vm_new turns
    mount_local timeout=600 cache_timeout=60
    timeout 60 ls "$MNT" "$MNT/turns" >"$TEST_DIR/names"
    rm "$LAB/turns/turns.vmx"
    mkfifo "$LAB/turns/turns.vmx"
    timeout 60 sh -c 'echo 8192 >"$1"' sh "$MNT/turns/turns.vmx/memSize" || [ $? -ne 124 ]
    [ "$(timeout 60 cat "$MNT/good/good.vmx/memSize")" = 16384 ]
    [ "$(links)" -le 2 ]
}

# Ends, with whatever status, and with no more connections than these.
costs() { # LINKS COMMAND...
    local most=$1
    shift
    timeout 60 "$@" 2>"$TEST_DIR/said" || [ $? -ne 124 ]
    [ "$(timeout 60 cat "$MNT/good/good.vmx/memSize")" = 16384 ]
    [ "$(links)" -le "$most" ]
}

@test "a pipe that is renamed, or renamed onto, costs no more than a look at it" {
    mkfifo "$LAB/vm/other.vmx" "$LAB/vm/third.vmx"
    vm_new moved
    mount_local timeout=600 cache_timeout=0
    kind vm/evil.vmx
    costs 2 mv "$MNT/vm/evil.vmx" "$MNT/vm/new.vmx"
    costs 3 mv -f "$MNT/.vmxfs/plain/moved/moved.vmx" "$MNT/.vmxfs/plain/vm/other.vmx"
    costs 5 mv -f "$MNT/vm/new.vmx" "$MNT/vm/third.vmx"
}

@test "a pipe is not made a .vmx" {
    mkfifo "$LAB/vm/pipe"
    mount_local timeout=600 cache_timeout=0
    costs 1 mv -f "$MNT/.vmxfs/plain/vm/pipe" "$MNT/.vmxfs/plain/good/good.vmx"
    [ -f "$LAB/good/good.vmx" ]
    grep -q "Operation not permitted" "$TEST_DIR/said"
}

@test "a pipe that a .vmx names as its disk is not opened" {
    mkfifo "$LAB/good/disk.vmdk"
    echo 'scsi0:0.fileName = "disk.vmdk"' >>"$LAB/good/good.vmx"
    mount_local timeout=600 cache_timeout=0
    cat "$MNT/good/good.vmx/memSize"
    costs 1 touch "$MNT/good/new"
    costs 1 rm "$MNT/good/disk.vmdk"
}
