#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Somebody who takes no lock edits a .vmx in the very moment in which a commit replaces it.

bats_require_minimum_version 1.5.0

load helper

setup() {
    lab_new
    vm_new vm
    printf '#!/bin/sh\nexec python3 %s %s %s\n' "$BATS_TEST_DIRNAME/edit_server.py" "$TEST_DIR" \
        "$SFTP_SERVER" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    mount_source "$LAB" "sftp_server=$TEST_DIR/server"
}

teardown() {
    lab_end
}

# Edits as sed -i does it.
edit_meanwhile() { # SCRIPT
    sed "$1" "$LAB/vm/vm.vmx" >"$TEST_DIR/edit"
}

@test "another setting that is edited meanwhile is kept" {
    edit_meanwhile 's/^numvcpus.*/numvcpus = "6"/'
    echo 8192 >"$MNT/vm/vm.vmx/memSize"
    [ ! -e "$TEST_DIR/edit" ]
    grep -qx 'numvcpus = "6"' "$LAB/vm/vm.vmx"
    grep -qx 'memSize = "8192"' "$LAB/vm/vm.vmx"
    [ "$(cat "$MNT/vm/vm.vmx/numvcpus")" = 6 ]
    [ ! -s "$MNT/.vmxfs/errors" ]
}

@test "of the same setting ours stays, and a NOTE holds the whole of the other value" {
    value="one|0Atwo$(printf '%03000d' 0).end"
    edit_meanwhile "s/^memSize.*/&\nannotation = \"$value\"/"
    echo ours >"$MNT/vm/vm.vmx/annotation"
    [ ! -e "$TEST_DIR/edit" ]
    grep -qx 'annotation = "ours"' "$LAB/vm/vm.vmx"
    grep -qF $'\tNOTE\tvm/vm.vmx\tannotation\tsomebody else set it to "'"$value\"" "$MNT/.vmxfs/errors"
}

@test "a NOTE of another value holds no secret" {
    edit_meanwhile 's/^memSize.*/&\nguestinfo.a = "planted-theirs"/'
    echo planted-ours >"$MNT/vm/vm.vmx/guestinfo.a"
    [ ! -e "$TEST_DIR/edit" ]
    grep -qx 'guestinfo.a = "planted-ours"' "$LAB/vm/vm.vmx"
    grep -q $'\tNOTE\tvm/vm.vmx\tguestinfo.a\tsomebody else set it to something else' "$MNT/.vmxfs/errors"
    run ! grep planted "$MNT/.vmxfs/errors"
}

@test "a setting that is removed meanwhile and set here stays, with a NOTE" {
    edit_meanwhile '/^numvcpus/d'
    echo 12 >"$MNT/vm/vm.vmx/numvcpus"
    [ ! -e "$TEST_DIR/edit" ]
    grep -qx 'numvcpus = "12"' "$LAB/vm/vm.vmx"
    grep -q $'\tNOTE\tvm/vm.vmx\tnumvcpus\tsomebody else removed it' "$MNT/.vmxfs/errors"
}
