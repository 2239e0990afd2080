#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A set on a far link: the question what the file is goes with the opening and is answered with the
# commit's first flight, so what somebody else changed before the opening shows only there.

load ../fault/helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    vm_new vm
    VM=$LAB/vm/vm.vmx
    K=$MNT/vm/vm.vmx
    touch -d '2 hours ago' "$VM"
    proxy_start 20
    mount_proxied cache_timeout=100 compression=no # nothing is listed to measure the line
    cat "$K/memSize" "$K/numvcpus" # both are known, with their names
}

teardown() {
    lab_end
    proxy_stop
}

# Opens a key anew as descriptor 5, and waits until the server has told what the file is.
open_anew() { # KEY
    exec 5>"$K/$1"
    stat -f "$MNT"
}

# What is written to descriptor 5 is refused, and the server keeps memSize.
write_is_canceled() { # MEMSIZE
    run bash -c 'echo 8192 >&5'
    exec 5>&-
    [ "$status" -ne 0 ]
    [[ "$output" == *"Operation canceled"* ]]
    [ "$(stored "$VM" memSize)" = "$1" ]
}

@test "an edit from before the opening is no conflict: the key is set in what the server has" {
    sed -i 's/memSize = .*/memSize = "123456"/; s/numvcpus = .*/numvcpus = "12"/' "$VM"
    echo 8192 >"$K/memSize"
    [ "$(stored "$VM" memSize) $(stored "$VM" numvcpus)" = "8192 12" ]
    [ "$(cat "$K/numvcpus")" = 12 ]
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "nor is one that left the size and the time as they were" {
    touch -r "$VM" "$TEST_DIR/time"
    sed -i 's/memSize = "16384"/memSize = "12345"/; s/numvcpus = .*/numvcpus = "12"/' "$VM"
    touch -r "$TEST_DIR/time" "$VM"
    echo 8192 >"$K/memSize"
    [ "$(stored "$VM" memSize) $(stored "$VM" numvcpus)" = "8192 12" ]
}

@test "an edit from after the opening is a conflict" {
    open_anew memSize
    sed -i 's/memSize = .*/memSize = "123456"/' "$VM"
    write_is_canceled 123456
}

@test "so it is where another edit came before the opening" {
    sed -i 's/memSize = .*/memSize = "123456"/' "$VM"
    open_anew memSize
    sed -i 's/memSize = .*/memSize = "7"/' "$VM"
    write_is_canceled 7
}

@test "nor is an edit from before the opening one where we have set another key meanwhile" {
    sed -i 's/memSize = .*/memSize = "123456"/' "$VM"
    open_anew memSize
    echo 12 >"$K/numvcpus"
    echo 8192 >&5
    exec 5>&-
    [ "$(stored "$VM" memSize) $(stored "$VM" numvcpus)" = "8192 12" ]
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "one from after that other set is" {
    sed -i 's/memSize = .*/memSize = "123456"/' "$VM"
    open_anew memSize
    echo 12 >"$K/numvcpus"
    sed -i 's/memSize = .*/memSize = "7"/' "$VM"
    write_is_canceled 7
}

@test "a key that somebody else removed is set, and a new one that somebody else made" {
    sed -i '/^memSize/d' "$VM"
    echo 8192 >"$K/memSize"
    [ "$(stored "$VM" memSize)" = 8192 ]
    echo 'guestinfo.x = "theirs"' >>"$VM"
    echo ours >"$K/guestinfo.x"
    [ "$(stored "$VM" guestinfo.x)" = ours ]
}

@test "a key is removed and renamed whatever somebody else made of it before" {
    sed -i 's/memSize = .*/memSize = "123456"/; s/numvcpus = .*/numvcpus = "12"/' "$VM"
    rm "$K/memSize"
    [ -z "$(stored "$VM" memSize)" ]
    mv "$K/numvcpus" "$K/guestinfo.cpus"
    [ "$(stored "$VM" numvcpus) $(stored "$VM" guestinfo.cpus)" = " 12" ]
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "a .vmx that was removed before the opening is not there, and that has no line" {
    rm "$VM"
    run bash -c 'echo 8192 >"$1"' sh "$K/memSize"
    [ "$status" -ne 0 ]
    [[ "$output" == *"No such file"* ]]
    [ ! -e "$VM" ]
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "an append to a value that somebody else has changed has it from the server" {
    sed -i 's/displayName = .*/displayName = "theirs"/' "$VM"
    printf ', ours' >>"$K/displayName"
    [ "$(stored "$VM" displayName)" = "theirs|0A, ours" ] # behind the newline that a file has
}

@test "where the answer is lost with the link, the key is set once there is another" {
    proxy_signal USR2 # nothing passes any more
    exec 5>"$K/memSize"
    proxy_signal USR2
    proxy_signal USR1
    echo 8192 >&5
    exec 5>&-
    [ "$(stored "$VM" memSize)" = 8192 ]
}

# How often the server opened a VM's file, or was asked to.
opened() { # VM
    grep -c "^open \"$LAB/$1/$1.vmx\" " "$SERVER_LOG" || :
}

was_opened() { # VM
    [ "$(opened "$1")" -gt 0 ]
}

@test "the file of the next VM is guessed and opened once, and a wrong guess is the last one" {
    vm_new other
    mkdir "$LAB/iso" "$LAB/tools"
    stat "$MNT/other"
    eventually 60 was_opened other
    [ "$(cat "$MNT/other/other.vmx/memSize")" = 16384 ]
    [ "$(opened other)" -eq 1 ]
    stat "$MNT/iso"
    eventually 60 was_opened iso
    stat "$MNT/iso/iso.vmx" && false # its answer comes behind that of the guess
    stat "$MNT/tools"
    stat "$MNT/tools/file" && false
    [ "$(opened tools)" -eq 0 ]
}
