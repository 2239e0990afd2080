#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Servers that lie, babble, or say nothing: an errno within the timeout, and no harm.

load helper

setup() { lab_new; }
teardown() { lab_end; }

# A program of python3's name that first looks for the interpreter takes longer than the timeout.
hostile_server() { # MODE
    local python
    python=$(python3 -c 'import sys; print(sys.executable)')
    printf '#!/bin/sh\nexec %s -IS %s/hostile.py %s\n' "$python" "$BATS_TEST_DIRNAME" "$1" \
        >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
}

mount_hostile() { # MODE [OPTION...]
    hostile_server "$1"
    shift
    local tries=1
    until mount_source / "sftp_server=$TEST_DIR/server" timeout=2 "$@"; do
        [ $((tries += 1)) -le 20 ] # a busy machine is late with the server
    done
}

# Whatever comes of it, it ends, and vmxfs goes on.
poke() { # SHELL COMMAND
    local pid before
    pid=$(vmxfs_pid)
    before=$(now_ms)
    timeout 60 sh -c "cd '$MNT' && $1" >"$TEST_DIR/out" 2>"$TEST_DIR/err" || [ $? -ne 124 ]
    echo "$1: $(($(now_ms) - before)) ms: $(head -c 200 "$TEST_DIR/out" "$TEST_DIR/err")"
    [ "$(vmxfs_pid)" = "$pid" ]
    grep -q '^link: ' "$MNT/.vmxfs/status"
}

poke_all() { # MODE
    mount_hostile "$1"
    poke 'ls -l .'
    poke 'ls -l vm'
    poke 'cat vm/vm.vmx/memSize'
    poke 'cat vm/disk.bin'
    poke 'echo 8192 >vm/vm.vmx/memSize'
}

@test "an honest server is read from" {
    mount_hostile honest
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 4096 ]
    [ "$(wc -c <"$MNT/vm/disk.bin")" -eq 4000 ]
    [ "$(ls "$MNT/vm")" = "$(printf 'disk.bin\nvm.vmx')" ]
}

@test "a server that speaks no SFTP is refused with one line" {
    local mode
    for mode in welcome old_version mute; do
        hostile_server "$mode"
        run mount_source / "sftp_server=$TEST_DIR/server" timeout=2
        [ "$status" -eq 1 ]
        [ "${#lines[@]}" -eq 1 ]
        [[ "$output" == "vmxfs: "* ]]
    done
}

@test "names that lead out of a directory are not shown" {
    mount_hostile bad_names cache_timeout=0 timeout=30
    [ "$(ls -A "$MNT/vm")" = good ]
    [ "$(ls -A "$MNT/vm")" = good ]
    [ "$(grep -c $'\tNOTE\tvm\t-\t.*left out' "$MNT/.vmxfs/errors")" -eq 1 ]
}

@test "names that are too long are left out, and the others shown" {
    mount_hostile long_names
    [ "$(ls -A "$MNT/vm")" = "$(printf 'g%.0s' {1..255} && echo && echo good)" ]
}

@test "a size beyond all offsets is too large, and nothing else" {
    mount_hostile huge_size
    run stat "$MNT/vm/vm.vmx"
    [ "$status" -ne 0 ]
    [[ $output == *"File too large" ]]
    run stat -c %s "$MNT/vm/disk.bin"
    [ "$output" = 4000 ]
}

@test "endless and huge listings end" {
    local mode
    for mode in endless many_names; do
        mount_hostile "$mode"
        poke 'ls vm'
        poke 'cat vm/vm.vmx/memSize'
        unmount_lab
    done
}

# The most that the mount has ever had in memory, in MiB.
peak_mib() {
    awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$(vmxfs_pid)/status"
}

@test "listings without an end cost little memory" {
    local mode before
    VMXFS=$VMXFS_UNSANITIZED
    for mode in crowd big_names; do
        mount_hostile "$mode"
        before=$(peak_mib)
        poke 'ls vm & ls vm & ls . & wait; ls vm'
        echo "$mode: $before MiB before, $(peak_mib) MiB at most"
        [ "$(peak_mib)" -lt $((before + 64)) ]
        unmount_lab
    done
}

@test "a directory of too many names is too large" {
    mount_hostile crowd
    run ls "$MNT/vm"
    [[ $output == *"File too large" ]]
}

@test "a tree without an end is too large for a report" {
    mount_hostile maze timeout=60 prefetch=off
    run timeout 1200 cat "$MNT/.vmxfs/check"
    [ "$status" -eq 1 ]
    [[ $output == *"File too large" ]]
    [ "$(cat "$MNT/x.vmx/memSize")" = 4096 ]
}

@test "garbage for answers" {
    local mode
    for mode in garbage giant_packet empty_packet wrong_id twice wrong_type count_lie; do
        poke_all "$mode"
        unmount_lab
    done
}

@test "no answers, or the end" {
    local mode
    for mode in silent hang_up; do
        poke_all "$mode"
        unmount_lab
    done
}

@test "wrong sizes and data" {
    local mode
    for mode in huge_size small_size too_much_data no_data; do
        poke_all "$mode"
        unmount_lab
    done
}

@test "attributes and handles that cannot be" {
    local mode
    for mode in long_handle no_attrs cut_short; do
        poke_all "$mode"
        unmount_lab
    done
}

@test "a byte at a time is slow, and right" {
    mount_hostile byte_by_byte
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 4096 ]
}
