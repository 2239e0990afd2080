#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# undo: changes are taken back, setting by setting, and secrets stay.

load history

bats_require_minimum_version 1.5.0

setup() {
    history_new
    cp "$FILE" "$TEST_DIR/before"
}

teardown() {
    lab_end
}

nothing_is_left() {
    refused "No data available" 1 "$C/undo"
    explained ENODATA vm/vm.vmx undo 'nothing is left'
    grep -q '^# refused: nothing is left' "$C/undo"
}

@test "undo shows the diff, and 1 takes back the last change, then the one before" {
    mount_history
    echo 8192 >"$VMX/memSize"
    cp "$FILE" "$TEST_DIR/8192"
    rm "$VMX/numvcpus"
    run -0 cat "$C/undo"
    [[ ${lines[0]} =~ ^'# '[0-9]{4}-.*Z$'\t'$(id -un)$'\t'rm$ ]]
    grep -qxF '+numvcpus = "2"' <<<"$output"
    [ "$(grep -c '^[-+][^-+]' <<<"$output")" -eq 1 ]
    cat "$C/undo" >"$TEST_DIR/diff"
    cp "$FILE" "$TEST_DIR/patched"
    patch -s "$TEST_DIR/patched" "$TEST_DIR/diff"
    echo 1 >"$C/undo"
    cmp "$TEST_DIR/8192" "$FILE"
    cmp "$TEST_DIR/patched" "$FILE"
    echo 1 >"$C/undo"
    cmp "$TEST_DIR/before" "$FILE"
    nothing_is_left
    cmp "$TEST_DIR/before" "$FILE"
    [ "$(renames_onto vm/vm.vmx)" -eq 4 ]
}

@test "an undo is recorded with what it took back" {
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded 'memSize 4096 -> 8192'
    local id first
    id=$(in_history rev-parse "$(branch)")
    first=$(in_history rev-parse "$(branch)~1")
    echo 1 >"$C/undo"
    until_recorded 'memSize 8192 -> 4096'
    in_history log -1 --format=%B "$(branch)" | grep -qx "Undoes: $id"
    in_history log -1 --format=%B "$(branch)" | grep -qx 'By: vmxfs'
    echo 4 >"$VMX/numvcpus"
    echo "$(ls "$C/history" | head -n 1)" >"$C/undo"
    until_recorded 'numvcpus 4 -> 2'
    in_history log -1 --format=%B "$(branch)" | grep -qx "Undoes-Since: $first"
}

@test "after an undo a new change is the last one, and then the older ones follow" {
    mount_history
    echo 8192 >"$VMX/memSize"
    echo 4 >"$VMX/numvcpus"
    echo 1 >"$C/undo"
    [ "$(cat "$VMX/numvcpus")" = 2 ]
    echo two >"$VMX/displayName"
    echo 1 >"$C/undo"
    [ "$(cat "$VMX/displayName")" = one ]
    echo 1 >"$C/undo"
    cmp "$TEST_DIR/before" "$FILE"
    nothing_is_left
}

@test "undo goes to a time, in either form, and on from there" {
    mount_history
    echo 8192 >"$VMX/memSize"
    cp "$FILE" "$TEST_DIR/8192"
    run -0 ls "$C/history"
    local first=${lines[0]} second=${lines[1]}
    edit_by_others 's/^numvcpus.*/numvcpus = "8"/'
    until_recorded 'numvcpus 2 -> 8'
    echo two >"$VMX/displayName"
    echo "$second" >"$C/undo"
    cmp "$TEST_DIR/8192" "$FILE"
    grep -q '^+memSize = "4096"' "$C/undo"
    local time=${first%-*}
    echo "${time:0:4}-${time:4:2}-${time:6:5}:${time:11:2}:${time:13:2}Z" >"$C/undo"
    if [ "${second%-*}" != "${first%-*}" ]; then
        cmp "$TEST_DIR/before" "$FILE"
    fi
    echo "$first" >"$C/undo"
    cmp "$TEST_DIR/before" "$FILE"
    refused "No data available" 20000101T000000Z "$C/undo"
    explained ENODATA vm/vm.vmx undo 'no text of that time'
    local word
    for word in 2 yesterday 20261399T000000Z ''; do
        refused "Invalid argument" "$word" "$C/undo"
    done
    explained EINVAL vm/vm.vmx undo 'write 1, or a time'
    cmp "$TEST_DIR/before" "$FILE"
}

@test "what was changed since is not taken back, and all such settings are named" {
    mount_history
    printf 'memSize = "8192"\nnumvcpus = "4"\ndisplayName = "two"\n' >"$C/merge"
    edit_by_others 's/"8192"/"1024"/; s/^numvcpus.*/numvcpus = "8"/'
    cp "$FILE" "$TEST_DIR/now"
    refused "Operation canceled" 1 "$C/undo"
    explained ECANCELED vm/vm.vmx undo 'memSize.*numvcpus'
    run ! explained ECANCELED vm/vm.vmx undo displayName
    grep -q '^# refused: .*memSize' "$C/undo"
    cmp "$TEST_DIR/now" "$FILE"
    edit_by_others 's/"1024"/"8192"/; s/^numvcpus.*/numvcpus = "4"/'
    echo 1 >"$C/undo"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "nothing goes back to another VM" {
    mount_history
    echo 8192 >"$VMX/memSize"
    edit_by_others 's/56 4d 00 11/56 4d ff ff/'
    cp "$FILE" "$TEST_DIR/now"
    refused "Operation canceled" 1 "$C/undo"
    explained ECANCELED vm/vm.vmx undo 'another VM then'
    until_recorded uuid.bios
    refused "Operation canceled" "$(ls "$C/history" | head -n 1)" "$C/undo"
    cmp "$TEST_DIR/now" "$FILE"
}

@test "secrets stay as they are, byte for byte, whatever is taken back" {
    mount_history
    run -0 ls "$C/history"
    printf 'memSize = "8192"\nguestinfo.token = "new|22token"\n' >"$C/merge"
    echo other >"$VMX/RemoteDisplay.vnc.password"
    grep -E 'password|token' "$FILE" >"$TEST_DIR/secrets"
    grep -q '^# a later change, of .* stays: it was of secrets' "$C/undo"
    echo 1 >"$C/undo"
    [ "$(cat "$VMX/memSize")" = 4096 ]
    explained NOTE vm/vm.vmx undo 'a later change, of .* stays: it was of secrets'
    grep -E 'password|token' "$FILE" | cmp "$TEST_DIR/secrets"
    nothing_is_left
    echo "$(ls "$C/history" | head -n 1)" >"$C/undo"
    grep -E 'password|token' "$FILE" | cmp "$TEST_DIR/secrets"
    run ! grep -E 'opensesame|s3cr3t|new.*token|"other"' "$MNT/.vmxfs/errors" "$MNT/.vmxfs/log"
}

@test "a VM in use is not changed, nor a read-only mount" {
    mount_history
    echo 8192 >"$VMX/memSize"
    cp "$FILE" "$TEST_DIR/now"
    mkdir "$FILE.lck"
    : >"$FILE.lck/M12345.lck"
    grep -q '^+memSize = "4096"' "$C/undo"
    refused "Device or resource busy" 1 "$C/undo"
    explained EBUSY vm/vm.vmx undo 'in use.*what undo shows can be written to .vmxfs/next, as lines key = "value" or -key'
    run ! explained EBUSY vm/vm.vmx undo 'next takes it'
    echo 'memSize = "4096"' >"$C/next"
    : >"$C/next"
    cmp "$TEST_DIR/now" "$FILE"
    rm -r "$FILE.lck"
    unmount_lab
    mount_history ro
    grep -q '^+memSize = "4096"' "$C/undo"
    refused "Read-only file system" 1 "$C/undo"
    cmp "$TEST_DIR/now" "$FILE"
    unmount_lab
    mount_history
    echo 1 >"$C/undo"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "changes from before a renaming are taken back; those of a copy's original are not" {
    mount_history
    echo 8192 >"$VMX/memSize"
    mv "$MNT/vm" "$MNT/moved"
    cp -r "$LAB/moved" "$MNT/.vmxfs/plain/copy"
    C=$MNT/copy/vm.vmx/.vmxfs
    refused "No data available" 1 "$C/undo"
    explained ENODATA copy/vm.vmx undo 'nothing is left'
    C=$MNT/moved/vm.vmx/.vmxfs
    echo 1 >"$C/undo"
    cmp "$TEST_DIR/before" "$LAB/moved/vm.vmx"
}

@test "a VM that is made again under an old name has nothing to take back" {
    mount_history
    echo 8192 >"$VMX/memSize"
    rm "$MNT/.vmxfs/plain/vm/vm.vmx"
    sed 's/56 4d 00 11/56 4d 00 22/' "$TEST_DIR/before" >"$MNT/.vmxfs/plain/vm/vm.vmx"
    refused "Operation canceled" 1 "$C/undo"
    explained ECANCELED vm/vm.vmx undo 'another VM then'
    grep -q '^# refused: that was another VM' "$C/undo"
    refused "Operation canceled" "$(ls "$C/history" | head -n 1)" "$C/undo"
    echo 2048 >"$VMX/memSize"
    echo 1 >"$C/undo"
    [ "$(cat "$VMX/memSize")" = 4096 ]
}

@test "undo keeps every other byte of a text with CRLF, and of one without a last newline" {
    sed -i 's/$/\r/' "$FILE"
    cp "$FILE" "$TEST_DIR/before"
    mount_history
    echo 8192 >"$VMX/memSize"
    rm "$VMX/numvcpus"
    echo 1 >"$C/undo"
    echo 1 >"$C/undo"
    cmp "$TEST_DIR/before" "$FILE"
    unmount_lab
    truncate -s -2 "$FILE"
    cp "$FILE" "$TEST_DIR/before"
    mount_history
    echo 16384 >"$VMX/memSize"
    rm "$VMX/numvcpus"
    echo 3 >"$VMX/sched.cpu.min"
    local i
    for i in 1 2 3; do
        echo 1 >"$C/undo"
    done
    cmp "$TEST_DIR/before" "$FILE"
}

@test "undo to a time stops where the file was removed" {
    mount_history
    sed -i '/^uuid.bios/d' "$FILE"
    echo 8192 >"$VMX/memSize"
    until_recorded 'memSize 4096 -> 8192'
    rm "$MNT/.vmxfs/plain/vm/vm.vmx"
    until_recorded 'vm: removed'
    cp "$TEST_DIR/before" "$MNT/.vmxfs/plain/vm/vm.vmx"
    refused "Operation canceled" "$(ls "$C/history" | head -n 1)" "$C/undo"
    explained ECANCELED vm/vm.vmx undo 'its file has been removed since'
    cmp "$TEST_DIR/before" "$FILE"
}
