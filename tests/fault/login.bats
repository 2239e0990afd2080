#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Servers that never come to an end while vmxfs logs in, and one that is loud afterwards.

bats_require_minimum_version 1.5.0

load helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    TARPIT=
    OTHER=$TEST_DIR/sshd
    vm_new vm
}

teardown() {
    [ -z "$TARPIT" ] || kill "$TARPIT" 2>/dev/null || :
    lab_end
    [ ! -d "$OTHER" ] || sh "$support/sshd.sh" stop "$OTHER"
}

# A server that says so many bytes and then stalls, or says one after the other.
tarpit() { # BYTES stall|drip
    [ -z "$TARPIT" ] || kill "$TARPIT"
    : >"$TEST_DIR/tarpit.out"
    "$BATS_TEST_DIRNAME/tarpit.py" "$(cat "$SERVER/port")" "$1" "$2" >"$TEST_DIR/tarpit.out" 3>&- &
    TARPIT=$!
    eventually 60 test -s "$TEST_DIR/tarpit.out"
    PROXY_PORT=$(cat "$TEST_DIR/tarpit.out")
}

# From the version line (to byte 40 or so), the key exchange (to byte 1,600 or so) and the login to
# the start of the subsystem (byte 2,500 or so).
gives_up_everywhere() { # stall|drip
    local bytes
    # libssh2 1.10 forgets to free parts of a key exchange that ends early.
    local -x ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    for bytes in 0 1 20 41 60 1000 1150 1300 1500 1700 1800 1900 2100 2250; do
        echo "after $bytes bytes:"
        tarpit "$bytes" "$1"
        run mount_proxied timeout=1
        echo "$status: $output"
        [ "$status" -eq 1 ]
        [[ $output == "vmxfs: "* ]]
        [ "${#lines[@]}" -eq 1 ]
        run ! grep -q " $MNT " /proc/mounts
    done
}

@test "a server that stalls at any point of the login is given up" {
    gives_up_everywhere stall
}

@test "a server that goes on byte by byte at any point of the login is given up" {
    gives_up_everywhere drip
}

# Says on standard error as much as it can, while it serves.
@test "a server that floods standard error neither stalls nor ends the mount" {
    printf '#!/bin/sh\ncat /dev/zero >&2 &\nloud=$!\n%s\nkill $loud\n' "$SFTP_SERVER" >"$TEST_DIR/loud"
    chmod 755 "$TEST_DIR/loud"
    SSHD_HOST_KEYS=ed25519 sh "$support/sshd.sh" start "$OTHER" "Subsystem sftp $TEST_DIR/loud" 3>&-
    head -c 8000000 /dev/urandom >"$LAB/vm/disk.bin"
    local transport
    for transport in libssh2 openssh; do
        mount_source "127.0.0.1:$LAB" "transport=$transport" "port=$(cat "$OTHER/port")" \
            "IdentityFile=$OTHER/id" "UserKnownHostsFile=$OTHER/known_hosts"
        echo 8192 >"$MNT/vm/vm.vmx/memSize"
        [ "$(stored "$LAB/vm/vm.vmx" memSize)" = 8192 ]
        cmp "$MNT/vm/disk.bin" "$LAB/vm/disk.bin"
        cp "$LAB/vm/disk.bin" "$MNT/vm/copy.bin"
        cmp "$LAB/vm/copy.bin" "$LAB/vm/disk.bin"
        [ "$(counter link)" = up ]
        rm "$LAB/vm/copy.bin"
        sed -i 's/8192/4096/' "$LAB/vm/vm.vmx"
        unmount_lab
    done
}
