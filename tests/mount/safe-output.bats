#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What names, settings and servers say cannot make a terminal do anything: neither in the reports
# nor in what vmxfs prints.

bats_require_minimum_version 1.5.0

load helper

ESC=$'\e]0;pwned\a\e[2J\xc2\x9b31m\x9b5n'

setup() {
    lab_new
    DIR=$TEST_DIR/sshd
    mkdir "$LAB/vm$ESC" "$LAB/plain"
    printf '%s = "%s"\n' .encoding UTF-8 displayName "$ESC" firmware "$ESC" memSize 4096 \
        vmxfs.profile "other$ESC" "key$ESC" x "KEY$ESC" y >"$LAB/vm$ESC/x.vmx"
    printf 'memSize = "4096"\n' >"$LAB/plain/plain.vmx"
}

teardown() {
    lab_end
    [ ! -d "$DIR" ] || sh "$support/sshd.sh" stop "$DIR"
}

# Nothing but lines of text, of this number of TAB-separated fields if there is one.
must_be_tame() { # FILE [FIELDS [FIRST_CHARACTERS_THAT_MAY_DIFFER]]
    [ -s "$1" ]
    if tr -d '\n\t' <"$1" | LC_ALL=C grep -qP '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|[\x20-\x7f][\x80-\x9f]'; then
        od -c "$1"
        return 1
    fi
    if [ $# -gt 1 ]; then
        ! awk -F '\t' -v n="$2" '!/^#/ && NF != n' "$1" | grep .
    fi
}

@test "reports hold nothing that a terminal would obey, in as many columns as ever" {
    local vm
    mount_local
    vm=$MNT/vm$ESC/x.vmx
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

@test "errors quote names and values without their control characters" {
    mount_local
    run ! sh -c 'printf "%s\n" "nobody$1" >"$2/passthrough-profile"' sh "$ESC" "$MNT/vm$ESC/x.vmx"
    run ! sh -c 'printf "%s\n" many >"$2/mem$1Size" && printf "%s\n" "many$1" >"$2/memSize"' \
        sh "$ESC" "$MNT/vm$ESC/x.vmx"
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
