#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Servers that cannot do all that others can, and logins that may not.

load keys

@test "a .vmx that the login may not read is shown, and stays as it is: EACCES" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    cp "$VM" "$TEST_DIR/before"
    chmod 0 "$VM"
    SFTP_SERVER="setpriv --bounding-set=-dac_override,-dac_read_search $SFTP_SERVER" mount_local
    local plain=$MNT/.vmxfs/plain/vm/vm.vmx
    [[ $(ls -l "$MNT/vm") == *"drwxr-xr-x "*vm.vmx ]]
    [[ $(ls -l "${plain%/*}") == *"---------- "*vm.vmx ]]
    local command
    for command in 'ls "$1"' 'cat "$1/memSize"' 'echo 8192 >"$1/memSize"' 'cat "$2"' 'echo x >>"$2"' \
        'mv "$1" "$1.vmx"' 'rm "$2"' 'rm -rf "$1"'; do
        run bash -c "$command" - "$K" "$plain"
        echo "$command: $output"
        [ "$status" -ne 0 ]
        [[ $output == *"Permission denied"* ]]
    done
    cmp "$VM" "$TEST_DIR/before"
    grep -q $'\tEACCES\tvm/vm.vmx\t' "$MNT/.vmxfs/errors"
}

@test "rename=unsafe: what has the name is set aside, then it is given to the new text" {
    mkdir -p "$LAB/gone/.a.vmx.vmxfs-lock"
    left="$LAB/gone/.a.vmx.vmxfs-lock/01234567000123abcdef00000001-root@elsewhere"
    sed s/4096/1111/ "$VM" >"$left"
    touch -d '-2 minutes' "$left" "${left%/*}"
    SFTP_SERVER="$SFTP_SERVER -P posix-rename" mount_local rename=unsafe
    echo 8192 >"$K/memSize"
    grep -q "memSize.*8192" "$VM"
    cp "$VM" "$TEST_DIR/before"
    mv "$K" "$MNT/vm/new.vmx"
    cmp "$LAB/vm/new.vmx" "$TEST_DIR/before"
    [ ! -e "$VM" ]
    sed s/8192/2048/ "$TEST_DIR/before" >"$VM"
    cp "$VM" "$TEST_DIR/before"
    run mv "$MNT/.vmxfs/plain/vm/${VM##*/}" "$MNT/.vmxfs/plain/vm/new.vmx"
    [ "$status" -ne 0 ]
    [[ "$output" == *"not supported"* ]]
    cmp "$VM" "$TEST_DIR/before"
    grep -q 'memSize.*8192' "$LAB/vm/new.vmx"
    eventually 60 bash -c '! ls -A "$1" | grep -q vmxfs' sh "$LAB/vm"
    # Where a crash came between the two, this is the last that there is of the VM.
    run rmdir "$MNT/gone"
    [ "$status" -ne 0 ]
    [[ "$output" == *"not empty"* ]]
    grep -q "memSize.*1111" "$left"
    grep -q $'\tgone\t.*the folder holds a lock of vmxfs' "$MNT/.vmxfs/errors"
}
