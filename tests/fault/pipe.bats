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
    [ "$(wc -l <"$TEST_DIR/vms")" -eq 1 ]
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
