#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Requests that the server of a lost connection carries out late. What was said to be safe since
# must not be undone by them: it is refused instead, and .vmxfs/errors says why.

bats_require_minimum_version 1.5.0

load helper

setup() {
    lab_new
    vm_new vm
    printf 0123456789 >"$LAB/file"
    printf other >"$LAB/other"
    printf '#!/bin/sh\nexec python3 %s %s %s\n' "$BATS_TEST_DIRNAME/late_server.py" "$TEST_DIR" \
        "$SFTP_SERVER" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    mount_source "$LAB" "sftp_server=$TEST_DIR/server"
}

teardown() {
    lab_end
}

# The next request of a kind is late.
hold() { # write|remove|rename
    echo "$1" >"$TEST_DIR/hold.new"
    mv "$TEST_DIR/hold.new" "$TEST_DIR/hold"
}

deliver() {
    [ ! -e "$TEST_DIR/hold" ] # it was held
    : >"$TEST_DIR/deliver"
    eventually 30 test -e "$TEST_DIR/delivered"
    rm "$TEST_DIR/delivered"
}

# A command is refused, and the reason is told.
refused() { # FILE COMMAND...
    local file=$1 before
    shift
    before=$(grep -c $'\tEIO\t'"$file"$'\t-\tnot known whether' "$MNT/.vmxfs/errors" || :)
    run ! "$@"
    [[ $output == *"Input/output error"* ]]
    [ "$(grep -c $'\tEIO\t'"$file"$'\t-\tnot known whether' "$MNT/.vmxfs/errors")" -gt "$before" ]
}

write_to() { # FILE TEXT
    printf %s "$2" >"$1"
}

@test "a late rename takes no new file along" {
    hold rename
    mv "$MNT/file" "$MNT/moved"
    refused file write_to "$MNT/file" new
    refused other mv "$MNT/other" "$MNT/file"
    refused file mkdir "$MNT/file"
    deliver
    [ "$(cat "$LAB/moved")" = 0123456789 ]
    [ "$(cat "$LAB/other")" = other ]
    [ ! -e "$LAB/file" ]
}

@test "a late removal takes no new file along" {
    hold remove
    rm "$MNT/file"
    refused file write_to "$MNT/file" new
    deliver
    [ ! -e "$LAB/file" ]
}

@test "a late rename of a .vmx takes no new one along" {
    local before
    before=$(cat "$LAB/vm/vm.vmx")
    hold rename
    mv "$MNT/vm/vm.vmx" "$MNT/vm/old.vmx"
    refused vm/vm.vmx mkdir "$MNT/vm/vm.vmx"
    refused vm/vm.vmx cp "$LAB/vm/old.vmx" "$MNT/vm/vm.vmx"
    deliver
    [ "$(cat "$LAB/vm/old.vmx")" = "$before" ]
    [ ! -e "$LAB/vm/vm.vmx" ]
}

@test "a late write replaces nothing newer, whoever writes that" {
    exec 8<>"$MNT/file" 9<>"$MNT/file"
    hold write
    printf AAAA >&8
    sync "$MNT/file"
    refused file bash -c 'printf BBBB >&9'
    refused file truncate -s 2 "$MNT/file"
    deliver
    [ "$(cat "$LAB/file")" = AAAA456789 ]
    exec 8>&- 9>&-
    printf BBBB | dd of="$MNT/file" conv=notrunc status=none
    [ "$(cat "$LAB/file")" = BBBB456789 ]
}
