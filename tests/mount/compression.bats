#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The connection for listings and texts is compressed where that was asked for, or the line is thin.

bats_require_minimum_version 1.5.0

load ../fault/helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    local i
    for ((i = 0; i < 200; i++)); do
        write_vmx "$LAB/a-virtual-machine-$i/vm.vmx" "vm $i"
    done
}

teardown() {
    lab_end
    proxy_stop
}

reads_all() {
    [ "$(cat "$MNT"/*/vm.vmx/displayName | wc -l)" -eq 200 ]
}

# Mounts over a thin line and looks.
compressed_over_a_thin_line() { # WORD [OPTION...]
    RATE_MBIT=4 proxy_start 20
    mount_proxied "${@:2}"
    reads_all
    [ "$(counter compression)" = "$1" ]
    unmount_lab
    proxy_stop
    rm "$TEST_DIR/proxy.out"
}

@test "a thin line that is far away gets a compressed connection by itself" {
    local transport
    for transport in libssh2 openssh; do
        TRANSPORT=$transport compressed_over_a_thin_line zlib@openssh.com
    done
    compressed_over_a_thin_line zlib@openssh.com delay_connect
}

@test "the directories of a short root tell, too" {
    mkdir "$TEST_DIR/above"
    mv "$LAB" "$TEST_DIR/above/datastore"
    LAB=$TEST_DIR/above
    RATE_MBIT=4 proxy_start 20
    mount_proxied
    [ "$(counter compression)" = zlib@openssh.com ]
}

# The lines of the server's log at which it did this.
lines_of() { # PATTERN
    grep -n -- "$1" "$SERVER_LOG" | cut -d: -f1
}

@test "a far line is measured by names that reading ahead begins with, and the user gets what there is" {
    proxy_start 100
    mount_proxied
    [ "$(counter cached-listings)" = 0 ]
    mv "$LAB/a-virtual-machine-7" "$LAB/a-new-machine"
    ls "$MNT" >"$TEST_DIR/names"
    grep -qx a-new-machine "$TEST_DIR/names"
    [ "$(grep -cx a-virtual-machine-7 "$TEST_DIR/names")" = 0 ]
    reads_all
    # The root was listed for the user last; before that was over, a folder was listed.
    [ "$(lines_of "^opendir \"$LAB/a-virtual-machine-19\"" | head -n 1)" -lt "$(lines_of "^closedir \"$LAB\"" | tail -n 1)" ]
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "compression=no, as keyword too, is not compressed over any line" {
    compressed_over_a_thin_line none compression=no
    compressed_over_a_thin_line none Compression=no
}

@test "with compression=no, or yes, the line is not measured: nothing is listed before its use" {
    local word
    proxy_start 20
    for word in no yes; do
        : >"$SERVER_LOG"
        mount_proxied compression=$word
        [ "$(stat -c %F "$MNT/a-virtual-machine-7")" = directory ]
        [ -z "$(grep '^opendir' "$SERVER_LOG")" ]
        unmount_lab
    done
}

@test "compression=yes is compressed over any line, but never the data of large files" {
    truncate -s 16G "$LAB/disk"
    mount_lab compression=yes transport=auto
    [ "$(counter compression)" = zlib@openssh.com ]
    cat "$MNT/disk" >/dev/null 3>&- &
    local reader=$!
    eventually 60 is_carried_bare
    kill "$reader"
}

# By the ssh program, which is asked for no compression.
is_carried_bare() {
    pgrep -P "$(mount_processes | head -n 1)" -f 'ssh .*-oCompression=no '
}

@test "a near line is not compressed" {
    mount_lab
    [ "$(counter compression)" = none ]
    [ "$(counter links)" = 1 ]
    unmount_lab
}

@test "a word that compression= does not know is refused" {
    run --separate-stderr mount_lab compression=perhaps
    [ "$status" -eq 1 ]
    [[ $stderr == "vmxfs: compression=perhaps: the value must be one of: auto, yes, no" ]]
}
