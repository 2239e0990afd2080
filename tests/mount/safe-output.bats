#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What names, settings and servers say cannot make a terminal do anything: neither in the reports
# nor in what vmxfs prints.

bats_require_minimum_version 1.5.0

load helper

ESC=$'\e]0;pwned\a\e[2J\xc2\x9b31m\x9b5n'
# A folder's name may hold more than a value.
NAME="vm$ESC"$'\n\x7f\xff\xe2\x80\xae$(touch pwned)'

setup() {
    lab_new
    DIR=$TEST_DIR/sshd
    mkdir "$LAB/$NAME" "$LAB/plain"
    printf '%s = "%s"\n' .encoding UTF-8 displayName "$ESC" firmware "$ESC" memSize 4096 \
        vmxfs.profile "other$ESC" "key$ESC" x "KEY$ESC" y >"$LAB/$NAME/x.vmx"
    printf 'memSize = "4096"\n' >"$LAB/plain/plain.vmx"
}

teardown() {
    lab_end
    [ ! -d "$DIR" ] || sh "$support/sshd.sh" stop "$DIR"
}

@test "reports hold nothing that a terminal would obey, in as many columns as ever" {
    local vm
    mount_local
    vm=$MNT/$NAME/x.vmx
    cat "$MNT/.vmxfs/vms" >"$TEST_DIR/vms"
    must_be_tame "$TEST_DIR/vms" 9
    grep -q "$(printf "\t")vm?\]0;pwned" "$TEST_DIR/vms"
    cat "$MNT/.vmxfs/check" >"$TEST_DIR/all"
    must_be_tame "$TEST_DIR/all" 4
    cat "$vm/.vmxfs/check" >"$TEST_DIR/check"
    must_be_tame "$TEST_DIR/check" 4
    cat "$MNT/.vmxfs/status" >"$TEST_DIR/status"
    must_be_tame "$TEST_DIR/status"
}

@test "a command of why changes its own VM, in each shell, whatever the folder is called" {
    local vm=$MNT/$NAME/x.vmx shell
    printf '2026-03-01T10:00:0%s.000Z| vmx| | I005: %s\n' 1 'Log for VMware ESX pid=1' \
        2 'PCIPassthru: total number of pages needed (4206594) exceeds limit (917504), failing' \
        >"$LAB/$NAME/vmware.log"
    mount_local
    cat "$vm/.vmxfs/why" >"$TEST_DIR/why"
    must_be_tame "$TEST_DIR/why" 4
    for shell in sh bash dash; do
        sed -i '/^pciPassthru/d' "$LAB/$NAME/x.vmx"
        eventually 30 test ! -e "$vm/pciPassthru.64bitMMIOSizeGB"
        (cd "$TEST_DIR" && "$shell" -c "$(head -n 1 why | cut -f 4)")
        [ "$(grep -c '^pciPassthru.64bitMMIOSizeGB = "32"' "$LAB/$NAME/x.vmx")" -eq 1 ]
    done
    [ -z "$(find "$TEST_DIR" -name pwned)" ]
}

@test "errors quote names and values without their control characters" {
    mount_local
    run ! sh -c 'printf "%s\n" "nobody$1" >"$2/passthrough-profile"' sh "$ESC" "$MNT/$NAME/x.vmx"
    run ! sh -c 'printf "%s\n" many >"$2/mem$1Size" && printf "%s\n" "many$1" >"$2/memSize"' \
        sh "$ESC" "$MNT/$NAME/x.vmx"
    cat "$MNT/.vmxfs/errors" >"$TEST_DIR/errors"
    [ "$(wc -l <"$TEST_DIR/errors")" -eq 2 ]
    must_be_tame "$TEST_DIR/errors" 5
}

@test "a root with control characters in its name shows in status as one line" {
    mkdir "$LAB/$ESC"$'\nlink: forged'
    mount_source "$LAB/$ESC"$'\nlink: forged'
    cat "$MNT/.vmxfs/status" >"$TEST_DIR/status"
    must_be_tame "$TEST_DIR/status"
    [ "$(grep -c '^link: ' "$TEST_DIR/status")" -eq 1 ]
}

@test "what a server says on its way out is printed without its control characters" {
    printf '#!/bin/sh\nprintf "no: %%s\\n" "%s" >&2\nexit 1\n' "$ESC" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    run ! mount_source "$LAB" "sftp_server=$TEST_DIR/server"
    printf '%s\n' "$output" >"$TEST_DIR/said"
    must_be_tame "$TEST_DIR/said"
    [[ $output == "vmxfs: "*"no: ?"* ]]
}

@test "the server's version shows in status without its control characters" {
    local transport
    SSHD_HOST_KEYS=ed25519 sh "$support/sshd.sh" start "$DIR" "VersionAddendum $ESC" 3>&-
    for transport in libssh2 openssh; do
        mount_source "127.0.0.1:$LAB" "port=$(cat "$DIR/port")" "IdentityFile=$DIR/id" \
            "UserKnownHostsFile=$DIR/known_hosts" "transport=$transport"
        cat "$MNT/.vmxfs/status" >"$TEST_DIR/status"
        grep -q '^server: SSH-2.0-OpenSSH.*pwned' "$TEST_DIR/status"
        must_be_tame "$TEST_DIR/status"
        unmount_lab
    done
}
